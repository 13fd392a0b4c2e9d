package doctor

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
)

// CodeOK is the code of a report without a fault. The other codes are the sections of findings.txt,
// and the codes of package machinekey for faults in <machineKey>.
const CodeOK = "ok"

//go:embed findings.txt
var findingsFile string

// findings are the sentences and fixes, by code and variant.
var findings = texts.Parse(findingsFile)

// Finding is one reason why a node refuses a credential.
type Finding struct {
	Code string `json:"code"`
	// Sentence says what is wrong, in one sentence.
	Sentence string `json:"sentence"`
	// DotNet is .NET's message for this case, if there is a typical one.
	DotNet string `json:"dotnet,omitempty"`
	Fix    Fix    `json:"fix"`

	inner string // the exception inside it, of Data Protection
}

// Fix says what to change.
type Fix struct {
	// Where is web.config, code, proxy, browser, clock, store, sign-in or none.
	Where string `json:"where"`
	// File is the web.config to change.
	File string `json:"file,omitempty"`
	Text string `json:"text"`
	// Snippet is the changed part of the file. … stands for unchanged text.
	Snippet string `json:"snippet,omitempty"`
	// Settings are the changes for programs.
	Settings []Setting `json:"settings,omitempty"`
}

// Setting is one attribute of a web.config.
type Setting struct {
	// Path leads to the element, such as "system.web/machineKey". For "appSettings" Attribute is
	// the key.
	Path      string `json:"path"`
	Attribute string `json:"attribute"`
	Value     string `json:"value,omitempty"`
	// ValueOf replaces a secret Value: it names the attribute that holds it. FromFile is that
	// attribute's web.config, empty for the same file.
	ValueOf  string `json:"valueOf,omitempty"`
	FromFile string `json:"fromFile,omitempty"`
}

// set is a setting with its value.
func set(path, attribute, value string) Setting {
	return Setting{Path: path, Attribute: attribute, Value: value}
}

// Paths of the elements that fixes change.
const (
	pathMachineKey = "system.web/machineKey"
	pathAppSetting = "appSettings"
	pathHandlers   = "system.identityModel/identityConfiguration/securityTokenHandlers"
	pathCookie     = "system.identityModel.services/federationConfiguration/cookieHandler"
	pathCookie10   = "microsoft.identityModel/service/federatedAuthentication/cookieHandler"
)

// handlers replaces WIF's default handler of sessions.
const handlers = `<system.identityModel>
  <identityConfiguration>
    <securityTokenHandlers>
      <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089" />
      <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089" />
    </securityTokenHandlers>
  </identityConfiguration>
</system.identityModel>`

// snippet prints settings in the form of a web.config. Neighbours share an element.
func snippet(settings []Setting) string {
	var elements []string
	for i := 0; i < len(settings); {
		s := settings[i]
		if s.Path == pathHandlers || s.Path == pathAppSetting {
			text := handlers
			if s.Path == pathAppSetting {
				text = fmt.Sprintf("<appSettings>\n  <add key=%q value=%q />\n</appSettings>",
					s.Attribute, s.Value)
			}
			elements = append(elements, text)
			i++
			continue
		}
		parents := strings.Split(s.Path, "/")
		text := "<" + parents[len(parents)-1] + " …"
		for ; i < len(settings) && settings[i].Path == s.Path; i++ {
			text += fmt.Sprintf(` %s="%s"`, settings[i].Attribute, settings[i].shown())
		}
		text += " />"
		for _, p := range slices.Backward(parents[:len(parents)-1]) {
			text = "<" + p + ">\n  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n</" + p + ">"
		}
		elements = append(elements, text)
	}
	return strings.Join(elements, "\n")
}

// shown is the value for people.
func (s Setting) shown() string {
	switch {
	case s.FromFile != "":
		return "(from " + s.FromFile + ")"
	case s.ValueOf == s.Attribute:
		return "(its hex digits alone)"
	case s.ValueOf != "":
		return "(the present " + s.ValueOf + ")"
	}
	return xmlEscape(s.Value)
}

func xmlEscape(s string) string {
	return printable(strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(s))
}

// printable replaces control characters: names in files and headers may hold any character.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// printable returns f fit for a terminal.
func (f Finding) printable() Finding {
	f.Sentence = strings.ReplaceAll(printable(f.Sentence), "\n", " ")
	f.Fix.Text = strings.ReplaceAll(printable(f.Fix.Text), "\n", " ")
	f.Fix.Snippet = printable(f.Fix.Snippet)
	return f
}

// say returns the finding of a section of findings.txt. The words are pairs of a name and a value.
func say(id string, words ...any) *Finding {
	s := findings[id]
	code, _, _ := strings.Cut(id, "/")
	return &Finding{Code: code, Sentence: s.Text("says", words...), DotNet: s.Text("dotnet"),
		inner: s.Text("inner", words...), Fix: Fix{Where: s.Text("where"),
			Text: s.Text("fix", words...)}}
}

// says is say with a word for the credential.
func (f *found) says(id string, words ...any) *Finding {
	return say(id, append(words, "cookie", f.label())...)
}

// says is say with words for the credential and for the file of the node.
func (n *Node) says(f found, id string, words ...any) *Finding {
	return f.says(id, append(words, "file", n.file)...)
}

// noted appends findings that are not nil.
func noted(list []Finding, more ...*Finding) []Finding {
	for _, f := range more {
		if f != nil {
			list = append(list, *f)
		}
	}
	return list
}

// in turns the fix into one of n's web.config.
func (f *Finding) in(n *Node, settings ...Setting) *Finding {
	f.Fix.Where, f.Fix.File = "web.config", n.file
	f.Fix.Snippet, f.Fix.Settings = snippet(settings), settings
	return f
}
