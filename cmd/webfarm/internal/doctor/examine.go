package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// exam is the examination of one credential.
type exam struct {
	o     *Options
	nodes []*Node
	// The candidates: keys in both places, and uses of the machine key.
	validationKeys, decryptionKeys []keyBytes
	purposes                       []purpose

	triedTexts, triedSignatures, triedOpen int
	hashed                                 int  // bytes
	cut                                    bool // a bound was reached

	payload  *payload.Payload // on a key ring
	searched bool
	hit      *hit
	repair   repair // of the hit
	trace    trace
}

// Examine says which of one or two nodes read the credentials of an input, and why others do not.
// It also compares two nodes. All faults are in the report.
func Examine(ctx context.Context, nodes []*Node, in Input, o Options) *Report {
	r := &Report{OK: true, At: o.Now.UTC()}
	for _, n := range nodes {
		r.Nodes = append(r.Nodes, n.report())
	}
	if len(nodes) > 1 {
		r.Comparison = compare(ctx, nodes[0], nodes[1], &o)
	}
	for _, f := range o.locate(nodes[0], in) {
		e := &exam{o: &o, nodes: with((*Node).hasConfig, nodes)}
		c := Credential{Name: f.name, OK: true, Length: len(f.text), label: f.label()}
		c.describe(f)
		if o.Trying != nil {
			o.Trying(c.label)
		}
		if nodes[0].onRing(&f) {
			e.nodes = with((*Node).hasRing, nodes)
			e.examineRing(ctx, f, &c)
		} else {
			e.examine(ctx, f, &c)
		}
		c.Tried.Texts, c.Tried.Purposes = e.triedTexts, len(e.purposes)
		c.Tried.Openings, c.Tried.Complete = e.triedOpen, !e.cut
		for _, v := range c.Verdicts {
			c.OK = c.OK && v.OK
		}
		r.OK = r.OK && c.OK
		r.Credentials = append(r.Credentials, c)
	}
	r.conclude()
	return r
}

// with returns the nodes that have something.
func with(has func(*Node) bool, nodes []*Node) []*Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *Node) bool { return !has(n) })
}

// conclude picks the main finding: the first refused credential on the first node that refuses it.
// A weak key and a node without a usable key come before that.
func (r *Report) conclude() {
	first := 3
	for _, c := range r.Credentials {
		for _, v := range c.Verdicts {
			urgency := 2
			switch {
			case v.OK:
				continue
			case v.Findings[0].Code == "weak_key":
				urgency = 0
			case v.faulty:
				urgency = 1
			}
			if urgency < first {
				first = urgency
				r.Finding, r.Code = v.Findings[0], v.Findings[0].Code
			}
		}
	}
	if first < 3 {
		return
	}
	c := r.Credentials[0]
	who := ""
	if c.User != "" {
		who = fmt.Sprintf(" for %q", c.User)
	}
	until := ""
	if c.To != nil {
		until = ", until " + clock(*c.To)
	}
	subject := texts.Capital(c.label)
	if n := len(r.Credentials); n > 1 {
		subject = fmt.Sprintf("All %d credentials are fine: %s", n, c.label)
	}
	r.Finding, r.Code = say(CodeOK, "subject", subject, "who", who, "until",
		until).printable(), CodeOK
}

// examine examines one credential.
func (e *exam) examine(ctx context.Context, f found, c *Credential) {
	nodes, o := e.nodes, e.o
	e.validationKeys, e.decryptionKeys = sources(nodes, o.Isolation)
	e.purposes = purposes(f.authType, o.AuthType)

	if (f.kind == "" || f.kind == site.SQSession) && f.err == nil { // its name does not show it
		e.search1(ctx, f)
		switch signed := e.trace.signed; {
		case e.hit != nil && e.hit.kind != "":
			f.kind, f.authType = e.hit.kind, e.hit.authType
		case e.trace.decrypts != nil:
			f.kind = e.trace.decrypts.kind
		case e.hit == nil && signed != nil && signed.purpose != nil:
			f.kind, f.authType = signed.purpose.kind, signed.purpose.authType
		case f.kind == "" || hasEnvelope(f.text):
			f.kind = guess(nodes[0], f.text)
		}
	}
	f.kind = cmp.Or(f.kind, nodes[0].session.Kind)
	c.Kind, c.label = f.kind, f.label()
	if f.kind == Katana {
		c.AuthType = f.authType
	}
	for _, n := range nodes {
		own := f
		if own.kind.IsSession() && n.session.On && o.Kind == "" &&
			(own.name == "" || strings.EqualFold(own.name, n.session.Name)) {
			own.kind = n.session.Kind
		}
		v, op := e.verdict(ctx, n, own)
		c.Verdicts = append(c.Verdicts, v)
		if op != nil && c.Layers == nil {
			c.Layers = op.layers
		}
		if op != nil && op.whole && c.To == nil && (v.OK || e.hit != nil) {
			c.contents(*op, o.Now)
		}
	}
	if e.hit != nil {
		c.OpenedBy = e.hit.opening()
	}
	c.Tried = Tried{Keys: len(e.validationKeys), Algorithms: len(validations) + len(ciphers),
		Signatures: e.triedSignatures, Hashed: min(e.hashed, maxHashed)}
}

// describe reports the chunks of a credential.
func (c *Credential) describe(f found) {
	if f.set != nil {
		c.Chunks = Chunks(f.set)
		for _, p := range f.set.Problems() {
			c.Problems = append(c.Problems, printable(p))
		}
	}
}

// contents reports the user and the times of authentic contents.
func (c *Credential) contents(o opened, now time.Time) {
	c.User = o.user
	if from := o.from.UTC(); !from.IsZero() {
		c.From = &from
		if ahead := from.Sub(now); o.err == nil && ahead > 5*time.Minute { // what WIF allows
			c.Problems = append(c.Problems, findings["not_yet_valid"].Text("ahead",
				"start", clock(from), "ahead", Span(ahead), "now", clock(now)))
		}
	}
	if to := o.to.UTC(); !to.IsZero() {
		c.To = &to
	}
}

// guess is the likely kind of a text that nothing opened.
func guess(n *Node, text string) Kind {
	switch list := carriers(text); {
	case hasEnvelope(text):
		return n.session.Kind
	case len(list) > 0 && list[0].shape == shapeHex:
		return Forms
	case len(list) == 1 && list[0].shape == shapeURLToken: // no base64url
		return Roles
	}
	return Katana
}

// view is the standard of a node for the contents of a kind. The endpoint is empty if unknown.
func (e *exam) view(n *Node, k Kind) view {
	switch c := n.site.SQSession; {
	case k == site.SQSession && c != nil && c.Name != "":
		return view{strings.ToUpper(c.Name) + ";" + c.Path, time.Minute, e.o.Now} // as package cookie has it
	case k == site.SQSession:
		return view{"", time.Minute, e.o.Now}
	}
	return view{cmp.Or(n.session.Path, e.o.Path), n.skew(), e.o.Now}
}

// verdict says whether a node reads a credential. If not, it searches for the reasons.
func (e *exam) verdict(ctx context.Context, n *Node, f found) (Verdict, *opened) {
	list, layer, o := e.findings(ctx, n, f)
	if len(list) > 0 {
		if twice, read := e.otherCopy(ctx, n, f); twice != nil {
			list, o = []Finding{*twice}, read
		}
	}
	fault := n.faultFinding()
	faulty := fault != nil && len(list) > 0
	if faulty && !slices.ContainsFunc(list, func(f Finding) bool {
		return f.Code == fault.Code || aboutKeys(f.Code) || f.Code == "certificate" // which needs no such key
	}) {
		list, layer = slices.Insert(list, 0, *fault), layerConfiguration
	}
	known, weak := e.knownKey(n), e.weakKey(n)
	if known != nil || weak != nil {
		list = slices.Concat(noted(nil, weak), list, noted(nil, known)) // the most urgent fault first
		layer = cmp.Or(layer, layerConfiguration)
	}
	shown := f.kind
	if f.set != nil && f.set.Announced > 0 { // also of ASP.NET Core
		shown = Katana
	}
	v := n.verdict(shown, list, layer)
	v.faulty = faulty
	return v, o
}

// verdict is that of a node with these findings.
func (n *Node) verdict(k Kind, list []Finding, layer string) Verdict {
	for i, f := range list {
		if f.DotNet = n.dotNet(f.DotNet, k); f.inner != "" {
			f.DotNet += " (" + f.inner + ")"
		}
		list[i] = f.printable()
	}
	return Verdict{File: n.file, OK: len(list) == 0, Layer: layer, Findings: list}
}

// findings reads a credential as a node does and returns the obstacles.
func (e *exam) findings(ctx context.Context, n *Node, f found) (list []Finding, layer string, o *opened) {
	if bad := n.header(f); bad != nil {
		return []Finding{*bad}, "cookie", nil
	}
	o, reads := e.read(ctx, n, f)
	if !reads {
		layer = o.refusedBy()
		var found *opened
		if list, found = e.reasons(ctx, n, f, o); found != nil {
			o = found
		}
	} else if o.noUser {
		list, layer = append(list, *e.inside(n, f, f.kind, *o)), "identities"
	}
	if renamed := e.otherName(n, f); renamed != nil {
		list, layer = append(list, *renamed), cmp.Or(layer, layerConfiguration)
	}
	return list, layer, o
}

const layerConfiguration = "configuration"

// refusedBy is the layer that refused a credential. A nil o is for a node that opens nothing.
func (o *opened) refusedBy() (layer string) {
	if o == nil {
		return layerConfiguration
	}
	for _, l := range o.layers {
		if !l.OK {
			layer = l.Layer
		}
	}
	return layer
}

// read reads a credential as the node itself does.
func (e *exam) read(ctx context.Context, n *Node, f found) (*opened, bool) {
	if n.takesCertificates() {
		if o, tried := e.underCertificate(ctx, n, f); tried {
			return &o, o.err == nil && o.whole
		}
	}
	own, legal := n.setup(f.kind, f.authType)
	if legal && !(f.kind.IsSession() && n.session.On &&
		n.session.Protection == webconfig.ProtectionDPAPI) {
		if o, ok := own.open(ctx, f.text, e.view(n, f.kind)); ok {
			return &o, o.err == nil && o.whole
		}
	}
	return nil, false
}

// reasons says why a node does not read a credential. own is the result of the node's own setup,
// nil if it has none.
func (e *exam) reasons(ctx context.Context, n *Node, f found, own *opened) ([]Finding, *opened) {
	if own != nil && own.whole {
		if list := noted(nil, e.inside(n, f, f.kind, *own)); list != nil {
			return list, own
		}
	}
	if limit := textLimit(f.kind); limit > 0 && len(f.text) > limit {
		return []Finding{*f.says("too_long", "size", len(f.text), "kind", f.kind, "limit", limit)},
			nil
	}
	if foreign := e.look(ctx, f, n); foreign != nil {
		return []Finding{*foreign}, nil
	}
	if len(f.text) > MaxText {
		return []Finding{*f.says("too_large/search", "size", len(f.text), "limit", MaxText)}, nil
	}
	e.search1(ctx, f)
	list, found := e.explain(ctx, n, f)
	keys := slices.ContainsFunc(list, func(f Finding) bool { return aboutKeys(f.Code) })
	if fault := n.faultFinding(); fault != nil && !keys {
		list = append([]Finding{*fault}, list...)
	}
	if len(list) > 0 {
		return list, found
	}
	if own != nil && own.partly {
		if bad := e.inside(n, f, f.kind, *own); bad != nil {
			return []Finding{*bad}, own
		}
	}
	if e.hit == nil && e.trace == (trace{}) {
		if cut := e.cutOff(f, n); cut != nil {
			return []Finding{*cut}, nil
		}
	}
	return []Finding{*e.unknown(n, f)}, nil
}

// explain says why node n does not read the hit, if there is one.
func (e *exam) explain(ctx context.Context, n *Node, f found) (list []Finding, o *opened) {
	if e.hit == nil {
		return nil, nil
	}
	list = noted(list, f.repaired(e.repair))
	for _, finding := range n.differences(f, e.hit) {
		e.stronger(n, &finding)
		list = append(list, finding)
	}
	if e.hit.purpose == nil {
		if o, ok := e.hit.open(ctx, e.repair.text, e.view(n, e.hit.kind)); ok {
			return noted(list, e.inside(n, f, e.hit.kind, o)), &o
		}
	}
	return list, nil
}

// aboutKeys reports whether a finding explains what is wrong with <machineKey>.
func aboutKeys(code string) bool {
	return slices.Contains([]string{"swapped_keys", "other_key", "isolated_key",
		"auto_generated_key", "validation_algorithm", "decryption_algorithm"}, code)
}

// search1 searches once for all nodes.
func (e *exam) search1(ctx context.Context, f found) {
	if e.searched || len(f.text) > MaxText {
		return
	}
	e.searched = true
	for _, r := range f.repairs() {
		e.triedTexts++
		h, t := e.search(ctx, r.text, f)
		if h != nil && (h.opened.whole || e.hit == nil && e.trace == (trace{})) {
			e.hit, e.repair = h, r
		}
		if h != nil && h.opened.whole {
			return
		}
		if e.trace == (trace{}) {
			e.trace = t
		}
	}
}
