package doctor

import (
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// unknown is the finding when nothing opens a credential.
func (e *exam) unknown(n *Node, f found) *Finding {
	if n.isSQSession(f.name) && e.trace == (trace{}) {
		return f.says("sq_session/unknown", "size", len(f.text), "tried",
			e.triedSignatures+e.triedOpen)
	}
	if e.triedSignatures+e.triedOpen == 0 {
		return f.says("truncated/form", "kind", f.kind)
	}
	if s := e.trace.signed; s != nil {
		return f.says("decryption_key", "other", s.key.node.file, "validation", s.validation,
			"kind", f.kind).
			in(n, set(pathMachineKey, "decryptionKey", "(from the issuing node)"))
	}
	bare := f.name == "" && e.o.Kind == "" // any kind
	isolable := isLegacy(n.key.mode) && (f.kind.IsModal() || n.encodes(f.kind) || bare) &&
		e.o.Isolation == (Isolation{})
	for _, m := range e.nodes {
		if isolable && m.key.Isolated() {
			return m.needsHashes()
		}
	}
	more := findings["unknown_key"]
	or, hints := "", ""
	add := func(hint string) {
		or += " " + more.Text("or-"+hint)
		hints += more.Text(hint)
	}
	if f.kind == Katana && e.trace.decrypts == nil {
		add("katana")
	}
	if isolable {
		add("isolated")
	}
	if s := e.trace.decrypts; s != nil {
		return f.says("validation_key", "other", s.validationKey.node.file, "kind",
			f.kind, "or", or).
			in(n, set(pathMachineKey, "validationKey", "(from the issuing node)"))
	}
	files := n.file
	if len(e.nodes) > 1 {
		files = "either file"
	}
	finding := f.says("unknown_key", "files", files, "tried",
		e.triedSignatures+e.triedOpen, "or", or)
	finding.Fix.Text += hints
	if f.kind.IsSession() && n.session.On && n.session.Protection == webconfig.ProtectionCustom {
		finding.Fix.Text += more.Text("custom", "file", n.file, "handler", n.session.Handler)
	}
	if f.kind == Bearer {
		finding.Fix.Text += more.Text("bearer")
	}
	return finding
}

// textLimit is .NET's limit for a cookie, in characters, 0 for none.
func textLimit(k Kind) int {
	switch k {
	case Forms, Roles:
		return limits.FormsText
	case Anonymous:
		return limits.AnonymousText
	}
	return 0
}

// otherName is the finding for a cookie that has another name on the node.
func (e *exam) otherName(n *Node, f found) *Finding {
	if n.isSQSession(f.name) && f.kind != site.SQSession && e.o.Name == "" {
		return f.says("sq_session", "found", f.kind, "kind", string(f.kind), "name",
			strconv.Quote(f.name))
	}
	own := n.nameOf(f.kind, "")
	if f.name == "" || e.o.Name != "" || !f.kind.IsSession() && !f.kind.IsModal() ||
		strings.EqualFold(own, f.name) ||
		e.hit != nil && e.hit.kind != f.kind { // kindDifference says it
		return nil
	}
	return n.says(f, "cookie_name", "kind", f.kind, "own", own, "name", f.name).in(n,
		*nameSetting(f.kind, f.name))
}
