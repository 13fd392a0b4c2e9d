package doctor

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// Input is pasted text: the Cookie and Authorization headers of a request, or the bare text of one
// credential.
type Input struct {
	Request *http.Request // nil for bare text
	Text    string
}

// found is one credential.
type found struct {
	name     string // of the cookie; empty for bare text and for a header
	kind     Kind   // by its name and the settings; empty if unknown
	authType string
	text     string
	err      error // why it could not be joined from the header
	inURL    bool
	others   []string // what the request has in its place
	set      *chunks.Set
	values   map[int][]string // the values of each chunk, all copies
}

// locate returns the credentials of an input, at least one.
func (o *Options) locate(n *Node, in Input) []found {
	r, k := in.Request, o.Kind
	if k == "" && o.Name != "" {
		k = n.kindOf(o.Name)
	}
	switch {
	case r == nil:
		return []found{{kind: k, text: strings.TrimSpace(in.Text),
			authType: n.site.AuthTypeOf(o.Name, o.AuthType)}}
	case o.Kind == Bearer:
		text, err := cookie.From(cookie.KindBearer, "")(r)
		return []found{{kind: Bearer, text: text, err: err}}
	case o.Name != "" || o.Kind != "":
		return []found{o.inCookie(n, r, cmp.Or(o.Name, n.nameOf(k, o.AuthType)), k)}
	}
	var list []found
	add := func(f found) {
		if len(list) < maxCredentials {
			list = append(list, f)
		}
	}
	for _, part := range CredentialsInURL(r) {
		add(found{kind: part.Kind, text: part.Text, inURL: true})
	}
	seen := map[string]bool{}
	known := func(name string, k Kind) {
		f := o.inCookie(n, r, name, k)
		if name == "" || len(f.set.Chunks) == 0 {
			return
		}
		seen[name] = true
		for _, c := range f.set.Chunks {
			seen[c.Name] = true
		}
		add(f)
	}
	for _, k := range []Kind{n.session.Kind, Forms, Roles, Anonymous} {
		known(n.nameOf(k, ""), k)
	}
	for _, own := range slices.Concat(n.site.Katana, n.site.Core) {
		known(own.Name, own.Kind)
	}
	for _, name := range cookieNames(r) {
		base, ok := site.KatanaBase(name)
		if ok && !seen[name] && !seen[base] && !isCompanion(name) {
			seen[name], seen[base] = true, true
			add(o.inCookie(n, r, base, Katana))
		}
	}
	text, err := cookie.From(cookie.KindBearer, "")(r)
	if err == nil || !errors.Is(err, cookie.ErrNoCredential) {
		add(found{kind: Bearer, text: text, err: err})
	}
	if len(list) == 0 {
		list = o.others(n, r)
	}
	if len(list) == 0 {
		others := Others(r)
		k := n.site.SignIn()
		if !n.hasConfig() {
			k = site.Core
		}
		if !n.session.On && !n.forms.On && strings.Contains(strings.Join(others, ""), handshake()) {
			k = Katana
		}
		list = []found{o.inCookie(n, r, n.nameOf(k, ""), k)}
		list[0].others = others
	}
	return list
}

// handshake is what [Others] says of cookies that a sign-in of Katana leaves behind.
func handshake() string { return findings["foreign/handshake"].Text("is") }

// others returns the cookies of unknown names that look like credentials.
func (o *Options) others(n *Node, r *http.Request) []found {
	var list []found
	for _, name := range cookieNames(r) {
		if isCompanion(name) || len(list) == maxOthers ||
			slices.ContainsFunc(list, func(f found) bool { return f.carries(name) }) {
			continue
		}
		k := n.kindOf(name)
		if k == "" && strings.HasPrefix(name, site.CorePrefix) {
			k = site.Core
		}
		if f := o.inCookie(n, r, name, k); k != "" || looksProtected(name, f.text) {
			list = append(list, f)
		}
	}
	return list
}

// carries reports whether a cookie is a chunk of f.
func (f *found) carries(name string) bool {
	return slices.ContainsFunc(f.set.Chunks, func(c chunks.Chunk) bool { return c.Name == name })
}

// isSQSession reports whether a cookie has the name of the session cookie of Cora SeQuence.
func (n *Node) isSQSession(name string) bool {
	c := n.site.SQSession
	return n.site.KindOf(name) == "" && strings.HasPrefix(name, "SQSession") ||
		c != nil && name != "" && strings.EqualFold(c.Name, name)
}

// kindOf is the kind of the cookie of that name, empty if unknown.
func (n *Node) kindOf(name string) Kind {
	if n.isSQSession(name) {
		return site.SQSession
	}
	k, _ := CoreKind(name)
	if n.ring == nil {
		k = ""
	}
	return cmp.Or(n.site.KindOf(name), k)
}

// inCookie joins the chunks of one cookie. For an unknown kind the chunks show the scheme.
func (o *Options) inCookie(n *Node, r *http.Request, name string, k Kind) found {
	scheme := Chunking(k)
	switch {
	case k == "":
		scheme = chunks.WIF
	case k.IsCore():
		scheme = chunks.CoreShared // reads what either framework cuts
	}
	for _, counts := range []chunks.Scheme{chunks.Katana, chunks.Core} {
		if set := counts.Inspect(r, name); set.Announced > 0 && (k == "" || k == Katana) {
			scheme = counts
		}
	}
	set := scheme.Inspect(r, name)
	f := found{name: name, kind: k, set: &set, authType: n.site.AuthTypeOf(name, o.AuthType),
		values: chunkValues(r, set, scheme)}
	f.text, f.err = scheme.Join(r, name)
	return f
}

// chunkValues returns all values of each chunk as they stand in the header.
func chunkValues(r *http.Request, set chunks.Set, scheme chunks.Scheme) map[int][]string {
	values := map[int][]string{}
	for pair := range Pairs(r) {
		name, value, _ := strings.Cut(pair, "=")
		for _, c := range set.Chunks {
			same := name == c.Name || scheme != chunks.Katana && strings.EqualFold(name, c.Name)
			if same && len(values[c.Index]) < 4 {
				values[c.Index] = append(values[c.Index], value)
			}
		}
	}
	return values
}

// cookieNames returns the different names in the Cookie lines of a request.
func cookieNames(r *http.Request) []string {
	var names []string
	for pair := range Pairs(r) {
		name, _, _ := strings.Cut(pair, "=")
		odd := strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
		if name != "" && len(name) <= 100 && !odd && !slices.Contains(names, name) &&
			len(names) < chunks.MaxChunks {
			names = append(names, name)
		}
	}
	return names
}

// looksProtected reports whether the value of an unknown cookie may be a credential: it is long and
// in an encoding of protected data.
func looksProtected(name, text string) bool {
	return foreign(name, "") != "" || len(text) >= minLook &&
		(foreign("", text) != "" || len(carriers(text)) > 0)
}

// Pairs yields the pairs of the Cookie lines of a request as they stand.
func Pairs(r *http.Request) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if !yield(strings.TrimSpace(pair)) {
					return
				}
			}
		}
	}
}
