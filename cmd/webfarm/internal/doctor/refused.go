package doctor

import (
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// unknown is the finding when nothing opens a credential.
func (e *exam) unknown(n *Node, f found) Finding {
	label := capital(f.label())
	if e.triedSignatures+e.triedOpen == 0 {
		return *truncated(f, fmt.Sprintf("%s is not in the form of %s, so that no key could be tried: it was cut, or changed on its way.", label, f.kind))
	}
	if s := e.trace.signed; s != nil {
		return Finding{Code: CodeDecryptionKey, DotNet: dotnetCrypto,
			Sentence: fmt.Sprintf("%s is signed with the validationKey of %s (%s), but no given decryptionKey and cipher opens it to %s: the decryptionKey of the node that wrote it is another one, or it holds something else.",
				label, s.key.node.file, s.validation, f.kind),
			Fix: n.inFile("copy decryptionKey and decryption from the node that wrote it; if they are the same there, look for a list of cookie transforms, a token class or a ticket serializer of the site's own", Setting{Path: pathMachineKey, Attribute: "decryptionKey", Value: "(that of the issuing node)"})}
	}
	files := n.file
	if len(e.nodes) > 1 {
		files = "either file"
	}
	advice := "compare <machineKey> with the node that issued it, also in machine.config and parent sites, and give its web.config as a second -config"
	if e.o.Isolation == (Isolation{}) && (isLegacy(n.key.mode) || len(n.key.ValidationFlags) > 0) {
		advice += "; if its keys end in ,IsolateApps or ,IsolateByAppId take that away, or say -app-path-hash and -app-id-hash"
	}
	if f.kind.IsSession() && n.session.On && n.session.Protection == webconfig.ProtectionCustom {
		advice += fmt.Sprintf("; the session handler of %s is a class of its own (%s), whose protection the file does not tell", n.file, n.session.Handler)
	}
	if f.kind == Katana {
		advice += "; if the middleware has an AuthenticationType of its own say -auth-type"
	}
	return Finding{Code: CodeUnknownKey, DotNet: dotnetCrypto,
		Sentence: fmt.Sprintf("No key of %s opens %s, in any of the %d ways that were tried: it was written with another key, or changed on its way.", files, f.label(), e.triedSignatures+e.triedOpen),
		Fix:      elsewhere("web.config", advice)}
}

// textLimit is the number of characters beyond which .NET does not look at a
// cookie, 0 for none.
func textLimit(k Kind) int {
	switch k {
	case Forms, Roles:
		return 4096
	case Anonymous:
		return 512
	}
	return 0
}

// tooLong is the finding for a cookie that .NET issues and does not read.
func tooLong(f found, limit int) Finding {
	return Finding{Code: CodeFormsTooLong, DotNet: "ArgumentException, or anonymous",
		Sentence: fmt.Sprintf("%s has %d characters, and .NET refuses %s of more than %d, although it issues them.", capital(f.label()), len(f.text), f.kind, limit),
		Fix:      elsewhere("code", "put less into the ticket: roles and other user data belong on the server (about 900 characters of UserData fit), or use sessions of WIF or Katana cookies, which come in chunks")}
}

// otherName is the finding for a cookie that a node looks for under another
// name.
func (e *exam) otherName(n *Node, f found) *Finding {
	if f.name == "" || e.o.Name != "" || !f.kind.IsSession() && !f.kind.IsModal() || strings.EqualFold(n.nameOf(f.kind, ""), f.name) {
		return nil
	}
	if e.hit != nil && e.hit.kind != f.kind {
		return nil // said already
	}
	h := &hit{setup: setup{kind: f.kind}}
	finding := &Finding{Code: CodeCookieName, DotNet: "anonymous, without an error",
		Sentence: fmt.Sprintf("%s looks for %s under the name %s, and the request has it as %s.", n.file, f.kind, n.nameOf(f.kind, ""), f.name),
		Fix:      n.renamed(h, f)}
	finding.Fix.Text = "give the cookie one name on all nodes"
	return finding
}
