package doctor

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
)

//go:embed settings.txt
var settingsFile string

var settings = texts.Parse(settingsFile)

// compared are the sections of settings.txt, in the order of reports.
var compared = []string{"On", "Kind", "Protection", "Handler", "Custom", "Name", "Path", "Domain",
	"Secure", "SameSite", "ScriptAccess", "Lifetime", "Sliding", "PersistentLifetime",
	"ChunkSize", "ClockSkew"}

var yesNo = map[bool]string{true: "yes", false: "no"}

// valueOf is a setting of a credential as a file has it.
func valueOf(c *site.Credential, setting string) string {
	switch setting {
	case "On":
		return yesNo[c.On]
	case "Kind":
		return string(c.Kind)
	case "Protection":
		return c.Protection
	case "Handler":
		return c.Handler
	case "Custom":
		return yesNo[c.Custom]
	case "ScriptAccess":
		return fmt.Sprint(!c.ScriptAccess)
	}
	for _, s := range c.List() {
		if s.Name != setting {
			continue
		}
		d, err := site.ParseSpan(s.Value)
		switch {
		case err == nil && !c.Kind.IsSession():
			return fmt.Sprint(int(d / time.Minute))
		case err == nil:
			return timeSpanOf(d)
		case s.Value == "on":
			return "true"
		case s.Value == "off":
			return "false"
		}
		return s.Value
	}
	return ""
}

// settingOf is the attribute that sets a property of a kind, nil if no web.config does.
func settingOf(k Kind, property string) *Setting {
	element, attribute, _ := strings.Cut(settings[property].Text(sectionOf(k)), " ")
	path := settings["paths"].Text(element)
	if k == WIF10 && path == pathCookie {
		path = pathCookie10
	}
	if path == "" {
		return nil
	}
	return &Setting{Path: path, Attribute: attribute}
}

// sectionOf is the field of a kind in settings.txt.
func sectionOf(k Kind) string {
	if k.IsSession() {
		return "session"
	}
	return string(k)
}

// nameSetting makes a node look for k under that name, nil if no web.config sets it.
func nameSetting(k Kind, name string) *Setting {
	s := settingOf(k, "Name")
	if s == nil || name == "" {
		return nil
	}
	s.Value = name
	return s
}

// cookies compares what the files say of each kind, and all but whether it is on if both have it.
func (c *comparer) cookies() {
	legacy := isLegacy(c.a.key.mode) || isLegacy(c.b.key.mode)
	for _, k := range []Kind{c.a.session.Kind, Forms, Roles, Anonymous, Katana} {
		a, b := c.a.site.Of(k, ""), c.b.site.Of(k, "")
		for _, name := range compared {
			about := settings[name]
			d := Difference{Setting: about.Text(sectionOf(k)), Note: about.Text("note"),
				Values: [2]string{valueOf(a, name), valueOf(b, name)}, fix: settingOf(k, name)}
			if d.Setting == "" || name != "On" && k != Katana && !(a.On && b.On) {
				continue
			}
			for j, n := range []*Node{c.a, c.b} {
				if name == "SameSite" && d.Values[j] == "None" &&
					n.switchOn(webconfig.SuppressSameSiteNone) {
					d.Values[j], d.fix = "None, left out", nil
				}
			}
			if name == "Protection" && k.IsSession() && slices.Contains(d.Values[:],
				webconfig.ProtectionMachineKeyProtect) {
				d.fix = &Setting{Path: pathHandlers}
			}
			switch effect := about.Text("effect"); {
			case name == "Protection" && k.IsModal() && !legacy:
				d.Note = "ignored in mode Framework45"
			case effect == "apart" && k.IsSession():
				d.Blocks = []Kind{FedAuth, WIF10}
			case effect == "apart" && k != Katana:
				d.Blocks = []Kind{k}
			case effect != "" && k != Roles && k != Anonymous:
				d.Unlike = []Kind{k}
			}
			c.note(d)
		}
	}
}

// rank is the place of a value among those of its attribute, the weakest first, -1 if none is
// weaker than another.
func rank(s *Setting, value string) int {
	order := settings["weakest_first"].Text(cmp.Or(s.Attribute, "handler"))
	if s.Path == pathAppSetting {
		order = "true false"
	}
	return slices.Index(strings.Fields(order), value)
}

// timeSpanOf is d as .NET writes it.
func timeSpanOf(d time.Duration) string {
	days := ""
	if n := d / (24 * time.Hour); n > 0 {
		days = fmt.Sprintf("%d.", n)
	}
	return days + fmt.Sprintf("%02d:%02d:%02d", d/time.Hour%24, d/time.Minute%60, d/time.Second%60)
}
