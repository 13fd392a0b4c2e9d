package doctor

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/site"
)

// Ring is the key ring of a node on ASP.NET Core.
type Ring struct {
	Keys   *dataprotection.Ring // opened without an application name
	Source string               // as the operator named it
	App    string               // what .NET passes to SetApplicationName
}

// WithRing returns a node that has a key ring too. The cookies on it are those of its site.
func (n *Node) WithRing(r Ring) *Node {
	copied := *n
	copied.ring, copied.file = &r, cmp.Or(n.file, r.Source)
	return &copied
}

// hasConfig reports whether the node has a web.config.
func (n *Node) hasConfig() bool { return n.site.File != "" }

func (n *Node) hasRing() bool { return n.ring != nil }

// key returns the key of an id.
func (r *Ring) key(id string) (dataprotection.Key, bool) {
	for _, k := range r.Keys.Keys() {
		if k.ID == id && id != "" {
			return k, true
		}
	}
	return dataprotection.Key{}, false
}

// shared counts the keys that two rings have in common.
func (r *Ring) shared(other *Ring) (n int) {
	for _, k := range r.Keys.Keys() {
		if _, ok := other.key(k.ID); ok {
			n++
		}
	}
	return n
}

// payloadOf reads a text in any form in which a payload of Data Protection travels.
func payloadOf(text string) (payload.Payload, bool) {
	p, ok := payload.Recognise(text)
	for _, c := range carriers(text) {
		if c.shape == shapeSession {
			return payload.Recognise(hex.EncodeToString(c.data))
		}
	}
	return p, ok
}

const timeLimited = "Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1"

// chain returns the purposes behind an application name.
func (p *purpose) chain(app string, limited bool) []string {
	list := append([]string{p.primary}, p.specific...)
	if app != "" {
		list = append([]string{app}, list...)
	}
	if limited {
		list = append(list, timeLimited)
	}
	return list
}

// ringPurposes returns the purposes to try on the rings, the likely ones first.
func (e *exam) ringPurposes(f found) []purpose {
	var list []purpose
	given := e.o.Purposes
	if n := len(given); n > 0 {
		for i := n; i > 0; i-- {
			list = append(list, purpose{kind: site.Protected, primary: given[0],
				specific: given[1:i]})
		}
		back := slices.Clone(given)
		slices.Reverse(back)
		list = append(list, purpose{kind: site.Protected, primary: back[0], specific: back[1:]})
	}
	schemes := []string{f.authType, e.o.AuthType, schemeIn(f.name)}
	for _, n := range e.nodes {
		for _, c := range n.site.Core {
			schemes = append(schemes, c.AuthenticationType)
		}
	}
	schemes = append(schemes, externalSchemes...)
	schemes = append(schemes, strings.Fields(purposeFile["scheme"].Text("bearer"))...)
	list = append(list, ofTypes("scheme", schemes)...)
	list = append(list, knownPurposes["core"]...)
	return append(list, purposes(f.authType, e.o.AuthType)...)
}

// schemeIn is the scheme in the default name of a cookie.
func schemeIn(name string) string {
	if kind, _ := CoreKind(name); kind != site.Core {
		return ""
	}
	s, _ := url.PathUnescape(name[len(site.CorePrefix):])
	return s
}

// applications returns the application names to try: those of the nodes and those given, as they
// are and, for paths, with and without the separator at the end.
func (e *exam) applications() (list []string) {
	for _, n := range e.nodes {
		list = append(list, n.ring.App, n.site.Key.ApplicationName)
	}
	for _, app := range append(append(list, e.o.Apps...), "", "/LM/W3SVC/1/ROOT") {
		list = append(list, app)
		if bare := strings.TrimRight(strings.TrimSpace(app), `/\`); strings.ContainsAny(app, `/\`) {
			list = append(list, bare, bare+"/", bare+`\`)
		}
	}
	slices.Sort(list[1:])
	return slices.Compact(list)
}

// coreNames are cookies of ASP.NET Core by the beginnings of their names, the longer before the
// shorter. Those without a kind are not protected.
var coreNames = []struct {
	prefix string
	kind   Kind
}{
	{site.CorePrefix + "Antiforgery.", site.Antiforgery},
	{"__RequestVerificationToken", site.Antiforgery}, // a field of a form
	{site.CorePrefix + "Session", site.CoreSession},
	{site.CorePrefix + "Mvc.", site.Protected},
	{site.CorePrefix + "Correlation.", ""},
	{site.CorePrefix + "OpenIdConnect.Nonce.", ""},
	{site.CorePrefix + "Culture", ""},
	{site.CorePrefix, site.Core},
}

// CoreKind returns the kind that a cookie of ASP.NET Core has by its name, and whether the name is
// one of its own.
func CoreKind(name string) (k Kind, known bool) {
	for _, n := range coreNames {
		if len(name) >= len(n.prefix) && strings.EqualFold(name[:len(n.prefix)], n.prefix) {
			return n.kind, true
		}
	}
	return "", false
}

// rings compares the key rings of two nodes, and what their code says.
func (c *comparer) rings() {
	a, b := c.a.ring, c.b.ring
	var keys [2]string
	blocks := false
	for i, r := range []*Ring{a, b} {
		protects, fallback := r.Keys.Resolve(c.now)
		state := "protects"
		if fallback {
			state = "is the fallback"
		}
		other := []*Ring{b, a}[i]
		key, in := other.key(protects)
		count := "1 key"
		if n := len(r.Keys.Keys()); n != 1 {
			count = fmt.Sprintf("%d keys", n)
		}
		keys[i] = fmt.Sprintf("%s, %d of them in both, %s %s", count, a.shared(b),
			cmp.Or(protects, "none"), state)
		blocks = blocks || protects != "" && (!in || key.Revoked || key.Err != nil)
	}
	if blocks {
		c.add("key ring", keys[0], keys[1], "", nil, site.Core)
	}
	own, others := c.a.site.Of(site.Core, ""), c.b.site.Of(site.Core, "")
	c.add("application name", a.App, b.App, "", nil, site.Core)
	c.add("scheme", own.AuthenticationType, others.AuthenticationType, "", nil, site.Core)
	c.add("cookie", own.Name, others.Name, "", nil, site.Core)
}
