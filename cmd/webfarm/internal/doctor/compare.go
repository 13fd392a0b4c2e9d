package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Comparison says what two nodes share and where they differ.
type Comparison struct {
	// OK says that the nodes share every credential in use, and set its cookie alike.
	OK bool `json:"ok"`
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
	// Unlike are the kinds that the nodes read from each other, and set in ways that sign users out
	// or keep them from signing in.
	Unlike []Kind `json:"unlike,omitempty"`
	// Note says what it affects besides.
	Note string `json:"note,omitempty"`

	fix    *Setting // without its value, nil if no setting of a file changes it
	better int      // the node whose value the fix gives to both
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
	now  time.Time
	list []Difference
}

// add notes a setting, unless both have the same value.
func (c *comparer) add(setting, a, b, note string, fix *Setting, blocks ...Kind) {
	c.note(Difference{Setting: setting, Values: [2]string{a, b}, Blocks: blocks,
		Note: note, fix: fix})
}

func (c *comparer) note(d Difference) {
	if d.Values[0] == d.Values[1] {
		return
	}
	for i, other := range c.list {
		if other.Setting == d.Setting { // of <httpCookies>, for several kinds
			c.list[i].Blocks = append(other.Blocks, d.Blocks...)
			c.list[i].Unlike = append(other.Unlike, d.Unlike...)
			return
		}
	}
	if d.fix != nil {
		first, second := rank(d.fix, d.Values[0]), rank(d.fix, d.Values[1])
		if first < second || first == second && d.Values[0] == "" {
			d.better = 1
		}
	}
	c.list = append(c.list, d)
}

func attribute(path, name string) *Setting { return &Setting{Path: path, Attribute: name} }

// compare compares two nodes.
func compare(ctx context.Context, a, b *Node, o *Options) *Comparison {
	c := &comparer{a: a, b: b, now: o.Now}
	kinds := []Kind{a.session.Kind, Katana, Forms, Roles, Anonymous}
	if a.hasConfig() && b.hasConfig() {
		c.keys()
		c.cookies()
		c.switches()
	} else {
		kinds = nil
	}
	if a.hasRing() && b.hasRing() {
		c.rings()
		kinds = append(kinds, site.Core)
	}
	r := &Comparison{OK: true, Files: [2]string{a.file, b.file}, Differences: c.list}
	if r.Differences == nil {
		r.Differences = []Difference{}
	}
	for _, k := range kinds {
		s := Sharing{Kind: k, Used: k == Katana || k == site.Core || a.site.Of(k, "").On ||
			b.site.Of(k, "").On}
		if k == site.Core {
			s.OK = !slices.ContainsFunc(c.list,
				func(d Difference) bool { return slices.Contains(d.Blocks, k) })
		} else {
			s.OK, s.Why = c.shares(ctx, k, o)
		}
		r.OK = r.OK && (s.OK || !s.Used)
		r.Sharing = append(r.Sharing, s)
	}
	r.OK = r.OK && !slices.ContainsFunc(r.Differences,
		func(d Difference) bool { return r.used(d.Unlike) })
	return r
}

// used reports whether one of the kinds is in use.
func (r *Comparison) used(kinds []Kind) bool {
	return slices.ContainsFunc(r.Sharing,
		func(s Sharing) bool { return s.Used && slices.Contains(kinds, s.Kind) })
}

// Compare is Examine for two nodes without a credential.
func Compare(ctx context.Context, a, b *Node, o Options) *Report {
	nodes := [2]*Node{a, b}
	r := &Report{At: o.Now.UTC(), Nodes: []NodeReport{a.report(), b.report()},
		Comparison: compare(ctx, a, b, &o)}
	r.OK = r.Comparison.OK
	r.Finding = r.Comparison.finding(nodes)
	e := &exam{o: &o}
	for _, find := range []func(n, other *Node) *Finding{
		(*Node).faultBeside,
		func(n, _ *Node) *Finding { return e.knownKey(n) },
		func(n, _ *Node) *Finding { return e.weakKey(n) }, // the most urgent one comes last
	} {
		for _, i := range []int{1, 0} {
			if n := nodes[i]; n.hasConfig() {
				if bad := find(n, nodes[1-i]); bad != nil {
					r.OK, r.Finding = false, *bad
				}
			}
		}
	}
	if findings["dotnet/"+r.Finding.DotNet] != nil {
		r.Finding.DotNet = r.Comparison.dotNet(a)
	}
	r.Finding = r.Finding.printable()
	r.Code = r.Finding.Code
	return r
}

// faultBeside is the fault of a node beside another one, whose keys may be the remedy.
func (n *Node) faultBeside(other *Node) *Finding {
	f := n.faultFinding()
	switch {
	case f == nil || other.key.Fault != nil:
		return f
	case f.Code == webconfig.CodeAutoGeneratedKey:
		return say("auto_generated_key/pair", "file", n.file, "other", other.file).
			in(n, bareKeys(other.file)...)
	case n.key.Isolated():
		return say("isolated_key/pair", "file", n.file, "other", other.file, "flags",
			n.key.flagWords()).in(n, bareKeys("")...)
	}
	return f
}

var everyKind = []Kind{FedAuth, WIF10, Katana, Forms, Roles, Anonymous}

// keys compares <machineKey>.
func (c *comparer) keys() {
	a, b := &c.a.key, &c.b.key
	key := func(name string, a, b machinekey.Secret, flagsA, flagsB []string) {
		if a.Equal(b) && slices.Equal(flagsA, flagsB) && a.Len() > 0 {
			return
		}
		c.add("machineKey "+name, shownKey(a, flagsA, 1), shownKey(b, flagsB, 2), "",
			&Setting{Path: pathMachineKey, Attribute: name, ValueOf: name}, everyKind...)
	}
	key("validationKey", a.ValidationKey, b.ValidationKey, a.ValidationFlags, b.ValidationFlags)
	key("decryptionKey", a.DecryptionKey, b.DecryptionKey, a.DecryptionFlags, b.DecryptionFlags)
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
	words := flags
	if n := key.Len(); n > 0 {
		words = append([]string{fmt.Sprintf("%d bytes", n)}, flags...)
	} else if len(flags) == 0 {
		words = []string{"which cannot be used"}
	}
	return fmt.Sprintf("key %d, %s", which, strings.Join(words, ","))
}

// switches compares <appSettings>.
func (c *comparer) switches() {
	legacy := isLegacy(c.a.key.mode) || isLegacy(c.b.key.mode)
	add := func(key, note string, blocks ...Kind) {
		c.add("appSettings "+key, fmt.Sprint(c.a.switchOn(key)), fmt.Sprint(c.b.switchOn(key)), note,
			attribute(pathAppSetting, key), blocks...)
	}
	if legacy {
		add(webconfig.UseLegacyEncryption, "", Forms, Roles, Anonymous)
	} else {
		add(webconfig.UseLegacyEncryption, "ignored in mode Framework45")
	}
	add(webconfig.UseLegacyMachineKeyEncryption, "", WIF10)
	add(webconfig.UseLegacyFormsTicket, "", Forms)
	add(webconfig.SuppressSameSiteNone, "no obstacle to reading")
}

// finding sums up a comparison. Its fix gives one node the better settings of the other.
func (r *Comparison) finding(nodes [2]*Node) Finding {
	var cannot, apart, unlike []string
	var kinds []Kind
	why := ""
	for _, s := range r.Sharing {
		if s.Used && !s.OK {
			cannot, kinds = append(cannot, s.Kind.Plural()), append(kinds, s.Kind)
			why = cmp.Or(why, s.Why)
		}
	}
	var settings [2][]Setting // by the node to change
	for _, d := range r.Differences {
		switch {
		case slices.ContainsFunc(d.Blocks, func(k Kind) bool { return slices.Contains(kinds, k) }):
			apart = append(apart, d.Setting)
		case r.used(d.Unlike):
			unlike = append(unlike, d.Setting+" ("+d.Note+")")
		case len(d.Blocks) == 0:
			continue
		}
		if d.fix == nil {
			continue
		}
		s := *d.fix
		if s.ValueOf != "" {
			s.FromFile = r.Files[d.better]
		} else {
			s.Value = d.Values[d.better]
		}
		settings[1-d.better] = append(settings[1-d.better], s)
	}
	if len(apart) > 0 {
		why = listed(apart) + map[bool]string{true: " differs", false: " differ"}[len(apart) == 1]
	}
	words := []any{"a", r.Files[0], "b", r.Files[1], "kinds", listed(cannot),
		"why", strings.TrimSuffix(why, "."), "unlike", listed(unlike)}
	var f *Finding
	switch {
	case len(cannot) > 0:
		f = say("configs_differ", words...)
	case len(unlike) > 0:
		f = say("configs_differ/unlike", words...)
	default:
		return *say("configs_agree", words...)
	}
	if len(settings[0])+len(settings[1]) == 0 && slices.Contains(kinds, site.Core) {
		return *say("configs_differ/core", words...)
	}
	to, more := 1, ""
	if len(settings[1]) == 0 {
		to = 0
	}
	for _, s := range settings[1-to] {
		more += fmt.Sprintf("; give %s the %s of %s", r.Files[1-to],
			cmp.Or(s.Attribute, "session handler"), r.Files[to])
	}
	if len(settings[to]) > 0 {
		f.Fix.Text = findings["configs_differ"].Text("settings", "other", r.Files[1-to]) + more
		f.in(nodes[to], settings[to]...)
	}
	return *f
}

// listed joins words for a sentence.
func listed(words []string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
}

// shares issues a credential with each node's setup and reads it with the other's.
func (c *comparer) shares(ctx context.Context, k Kind, o *Options) (bool, string) {
	for _, d := range c.list {
		if slices.Contains(d.Blocks, k) {
			return false, d.Setting + " differs"
		}
	}
	nodes := []*Node{c.a, c.b}
	var setups [2]setup
	for i, n := range nodes {
		s, ok := n.setup(k, site.DefaultAuthType)
		if setups[i] = s; !ok {
			if finding := n.faultFinding(); finding != nil {
				return false, finding.Sentence
			}
			return false, n.file + " has no usable machine key"
		}
		switch own := k.IsSession() && n.session.On; {
		case own && n.session.Protection == webconfig.ProtectionDPAPI:
			return false,
				n.file + " protects sessions with the Windows DPAPI of each machine (ID1073)"
		case own && n.session.Protection == webconfig.ProtectionCustom:
			return false,
				n.file +
					" has a session handler of its own, whose protection the file does not tell"
		}
	}
	v := view{now: o.Now, skew: 5 * time.Minute}
	for i, n := range nodes {
		issuer, err := setups[i].codec(v)
		text := ""
		if err == nil {
			text, err = issuer.issue(ctx)
		}
		if err != nil {
			return false, fmt.Sprintf("%s issues nothing that is fit to be shared: %v", n.file, err)
		}
		if got, ok := setups[1-i].open(ctx, text, v); !ok || got.err != nil {
			return false, fmt.Sprintf("%s does not read what %s issues", nodes[1-i].file, n.file)
		}
	}
	if k == Katana {
		return true, "if the AuthenticationType is the same in code"
	}
	return true, ""
}
