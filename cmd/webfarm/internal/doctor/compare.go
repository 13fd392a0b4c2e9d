package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Comparison says what two nodes share and where they differ.
type Comparison struct {
	OK bool `json:"ok"` // every credential in use can be shared
	// Files are the two web.configs.
	Files       [2]string    `json:"files"`
	Differences []Difference `json:"differences"`
	Sharing     []Sharing    `json:"sharing"`
}

// Difference is one setting that the two nodes do not share.
type Difference struct {
	Setting string    `json:"setting"`
	Values  [2]string `json:"values"` // not the values of keys
	// Blocks are the kinds of credential that it keeps from being shared.
	Blocks []Kind `json:"blocks,omitempty"`
	// Note says what it affects besides.
	Note string `json:"note,omitempty"`

	settings []Setting // they give the second node the first one's value
}

// Sharing says whether each node reads the credentials of the other.
type Sharing struct {
	Kind Kind `json:"kind"`
	// Used says that one of the files switches it on. Katana cookies are set up in code, and
	// always count as used.
	Used bool   `json:"used"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"`
}

// comparer collects differences.
type comparer struct {
	a, b *Node
	list []Difference
}

// add notes a setting, unless both have the same value.
func (c *comparer) add(setting, a, b, note string, fix *Setting, blocks ...Kind) {
	if a == b {
		return
	}
	d := Difference{Setting: setting, Values: [2]string{a, b}, Blocks: blocks, Note: note}
	if fix != nil && len(blocks) > 0 {
		fix.Value = a
		d.settings = []Setting{*fix}
	}
	c.list = append(c.list, d)
}

func attribute(path, name string) *Setting { return &Setting{Path: path, Attribute: name} }

// compare compares two nodes.
func compare(ctx context.Context, a, b *Node, o *Options) *Comparison {
	c := &comparer{a: a, b: b}
	c.keys()
	c.sessions()
	c.systemWeb()
	c.switches()
	r := &Comparison{OK: true, Files: [2]string{a.file, b.file}, Differences: c.list}
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	for _, k := range []Kind{a.session.Kind, Katana, Forms, Roles, Anonymous} {
		s := Sharing{Kind: k, Used: k == Katana || a.uses(k) || b.uses(k)}
		s.OK, s.Why = c.shares(ctx, k, o)
		r.OK = r.OK && (s.OK || !s.Used)
		r.Sharing = append(r.Sharing, s)
	}
	return r
}

// uses reports whether the file switches a kind on.
func (n *Node) uses(k Kind) bool {
	switch k {
	case Forms:
		return n.forms.On
	case Roles:
		return n.roles.On
	case Anonymous:
		return n.anonymous.On
	}
	return n.session.On
}

var everyKind = []Kind{FedAuth, WIF10, Katana, Forms, Roles, Anonymous}

// keys compares <machineKey>.
func (c *comparer) keys() {
	a, b := &c.a.key, &c.b.key
	for _, k := range []struct {
		name   string
		a, b   machinekey.Secret
		fa, fb []string
	}{
		{"validationKey", a.ValidationKey, b.ValidationKey, a.ValidationFlags, b.ValidationFlags},
		{"decryptionKey", a.DecryptionKey, b.DecryptionKey, a.DecryptionFlags, b.DecryptionFlags},
	} {
		if k.a.Equal(k.b) && strings.Join(k.fa, ",") == strings.Join(k.fb, ",") && k.a.Len() > 0 {
			continue
		}
		c.list = append(c.list, Difference{Setting: "machineKey " + k.name, Blocks: everyKind,
			Values:   [2]string{shownKey(k.a, k.fa, 1), shownKey(k.b, k.fb, 2)},
			settings: []Setting{{Path: pathMachineKey, Attribute: k.name, ValueOf: k.name, FromFile: c.a.file}}})
	}
	if effective(a.validation) != effective(b.validation) {
		c.add("machineKey validation", string(a.validation), string(b.validation), "",
			attribute(pathMachineKey, "validation"), everyKind...)
	}
	ca, cb := a.cipher(a.mode), b.cipher(b.mode)
	c.add("machineKey decryption", string(ca), string(cb), "",
		attribute(pathMachineKey, "decryption"), everyKind...)
	blocks, note := []Kind{Forms, Roles, Anonymous}, ""
	if isLegacy(a.mode) == isLegacy(b.mode) {
		blocks, note = nil, "the same bytes, unless cookies are unsigned"
	}
	c.add("compatibility mode", string(a.mode), string(b.mode), note,
		attribute(pathMachineKey, "compatibilityMode"), blocks...)
	if a.mode == b.mode {
		c.add("what decides the mode", a.ModeFrom, b.ModeFrom, "the same mode today", nil)
	}
	c.add("httpRuntime targetFramework", a.TargetFramework, b.TargetFramework, "", nil)
}

// shownKey describes a key without its bytes.
func shownKey(key machinekey.Secret, flags []string, which int) string {
	words := strings.Join(flags, ",")
	if key.Len() == 0 {
		return cmp.Or(words, "none that can be used")
	}
	text := fmt.Sprintf("key %d, %d bytes", which, key.Len())
	if words != "" {
		text += "," + words
	}
	return text
}

// sessions compares the settings of WIF.
func (c *comparer) sessions() {
	a, b := c.a.session, c.b.session
	if !a.On && !b.On {
		return
	}
	path := pathCookie
	if a.Kind == WIF10 {
		path = pathCookie10
	}
	k := []Kind{FedAuth, WIF10}
	c.add("session: configured", yes(a.On), yes(b.On), "", nil, k...)
	c.add("session: generation", string(a.Kind), string(b.Kind), "", nil, k...)
	var fix *Setting
	if a.Protection == webconfig.ProtectionMachineKeyProtect {
		fix = attribute(pathHandlers, "")
	}
	c.add("session: protection", a.Protection, b.Protection, "", fix, k...)
	c.add("session: handler", a.Handler, b.Handler, "", nil)
	c.add("cookieHandler name", a.Name, b.Name, "", attribute(path, "name"), k...)
	c.add("cookieHandler path", orDefault(a.Path), orDefault(b.Path), "sessions name it (ID4291)", attribute(path, "path"), k...)
	c.add("cookieHandler domain", a.Domain, b.Domain, "the browser sends the cookie to other hosts", attribute(path, "domain"), k...)
	c.add("cookieHandler mode", handlerMode[a.Custom], handlerMode[b.Custom], "", nil, k...)
	c.add("cookieHandler chunkSize", fmt.Sprint(a.ChunkSize), fmt.Sprint(b.ChunkSize), "no obstacle to reading; old chunks may stay behind", nil)
	c.add("cookieHandler requireSsl", yes(a.Secure == site.On), yes(b.Secure == site.On), "no obstacle to reading", nil)
	c.add("maximumClockSkew", span(c.a.skew()), span(c.b.skew()), "near its ends a session is good on one node only", nil)
	c.add("sessionTokenRequirement lifetime", span(a.Lifetime), span(b.Lifetime), "no obstacle to reading", nil)
}

// systemWeb compares forms, role and anonymous cookies.
func (c *comparer) systemWeb() {
	legacy := isLegacy(c.a.key.mode) || isLegacy(c.b.key.mode)
	ignored := "ignored in mode Framework45"
	one := func(k Kind, label, path, name, protection string, a, b *site.Credential) {
		if !a.On && !b.On {
			return
		}
		c.add(label+": on", yes(a.On), yes(b.On), "", nil, k)
		c.add(label+" "+name, a.Name, b.Name, "", attribute(path, name), k)
		if legacy {
			c.add(label+" "+protection, a.Protection, b.Protection, "", attribute(path, protection), k)
		} else {
			c.add(label+" "+protection, a.Protection, b.Protection, ignored, nil)
		}
	}
	one(Forms, "forms", pathForms, "name", "protection", c.a.forms, c.b.forms)
	if a, b := c.a.forms, c.b.forms; a.On && b.On {
		c.add("forms path", a.Path, b.Path, "the browser sends the cookie below it only", attribute(pathForms, "path"), Forms)
		c.add("forms domain", a.Domain, b.Domain, "the browser sends the cookie to other hosts", attribute(pathForms, "domain"), Forms)
		c.add("forms timeout", span(a.Lifetime), span(b.Lifetime), "no obstacle to reading", nil)
		c.add("forms slidingExpiration", yes(a.Sliding == site.On), yes(b.Sliding == site.On), "only one node renews", nil)
		c.add("forms requireSSL", yes(a.Secure == site.On), yes(b.Secure == site.On), "over plain http only one node reads it", nil)
		c.add("forms cookieSameSite", a.SameSite, b.SameSite, "no obstacle to reading", nil)
	}
	one(Roles, "roleManager", pathRoles, "cookieName", "cookieProtection", c.a.roles, c.b.roles)
	one(Anonymous, "anonymousIdentification", pathAnonymous, "cookieName", "cookieProtection", c.a.anonymous, c.b.anonymous)
}

// switches compares <appSettings>.
func (c *comparer) switches() {
	legacy := isLegacy(c.a.key.mode) || isLegacy(c.b.key.mode)
	for _, s := range []struct {
		key    string
		legacy bool
		blocks []Kind
	}{
		{webconfig.UseLegacyEncryption, true, []Kind{Forms, Roles, Anonymous}},
		{webconfig.UseLegacyMachineKeyEncryption, false, []Kind{WIF10}},
		{webconfig.UseLegacyFormsTicket, false, []Kind{Forms}},
		{webconfig.SuppressSameSiteNone, false, nil},
	} {
		blocks, note := s.blocks, ""
		if s.legacy && !legacy {
			blocks, note = nil, "ignored in mode Framework45"
		} else if blocks == nil {
			note = "no obstacle to reading"
		}
		c.add("appSettings "+s.key, yes(c.a.switchOn(s.key)), yes(c.b.switchOn(s.key)), note,
			attribute(pathAppSetting, s.key), blocks...)
	}
}

// finding sums up a comparison. Its fix gives b the settings of a.
func (r *Comparison) finding(b *Node) Finding {
	var cannot, reasons []string
	var settings []Setting
	why := ""
	blocked := map[Kind]bool{}
	for _, s := range r.Sharing {
		if s.Used && !s.OK {
			cannot = append(cannot, s.Kind.Plural())
			blocked[s.Kind] = true
			why = cmp.Or(why, s.Why)
		}
	}
	for _, d := range r.Differences {
		if slices.ContainsFunc(d.Blocks, func(k Kind) bool { return blocked[k] }) {
			reasons = append(reasons, d.Setting)
		}
		if len(d.Blocks) > 0 {
			settings = append(settings, d.settings...)
		}
	}
	if len(reasons) > 0 {
		why = listed(reasons) + map[bool]string{true: " differs", false: " differ"}[len(reasons) == 1]
	}
	if len(cannot) == 0 {
		return *say("configs_agree", "a", r.Files[0], "b", r.Files[1])
	}
	words := []any{"a", r.Files[0], "b", r.Files[1], "kinds", listed(cannot), "why", strings.TrimSuffix(why, ".")}
	if len(settings) > 0 {
		return *say("configs_differ/settings", words...).in(b, settings...)
	}
	return *say("configs_differ", words...)
}

// listed joins words for a sentence.
func listed(words []string) string {
	last := words[len(words)-1]
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + last
	}
	return last
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// handlerMode is the mode of <cookieHandler>, by whether it is custom.
var handlerMode = map[bool]string{false: "Chunked", true: "Custom"}

func orDefault(path string) string { return cmp.Or(path, "(the application's)") }
