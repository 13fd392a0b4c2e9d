package doctor

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
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
	set      *chunks.Set
	values   map[int][]string // the values of each chunk, all copies
}

// locate returns the credentials of an input, at least one.
func (o *Options) locate(n *Node, in Input) []found {
	if in.Request == nil {
		f := found{kind: o.Kind, name: o.Name, text: strings.TrimSpace(in.Text)}
		if f.kind == "" && o.Name != "" {
			f.kind = n.site.KindOf(o.Name)
		}
		f.name, f.authType = "", n.site.AuthTypeOf(o.Name, o.AuthType)
		return []found{f}
	}
	if o.Kind == Bearer {
		text, err := cookie.From(cookie.KindBearer, "")(in.Request)
		return []found{{kind: Bearer, text: text, err: err}}
	}
	if o.Name != "" || o.Kind != "" {
		name, k := o.Name, o.Kind
		if k == "" {
			k = n.site.KindOf(name)
		}
		if name == "" {
			name = n.nameOf(k, o.AuthType)
		}
		return []found{o.inCookie(n, in.Request, name, k)}
	}
	var list []found
	add := func(f found) {
		if len(list) < maxCredentials {
			list = append(list, f)
		}
	}
	seen := map[string]bool{}
	for _, k := range []Kind{n.session.Kind, Forms, Roles, Anonymous} {
		f := o.inCookie(n, in.Request, n.nameOf(k, ""), k)
		if len(f.set.Chunks) > 0 {
			for _, c := range f.set.Chunks {
				seen[c.Name] = true
			}
			add(f)
		}
	}
	for _, own := range n.site.Katana {
		f := o.inCookie(n, in.Request, own.Name, Katana)
		if len(f.set.Chunks) > 0 {
			seen[own.Name] = true
			add(f)
		}
	}
	for _, name := range cookieNames(in.Request) {
		base, ok := site.KatanaBase(name)
		if !ok || seen[name] || seen[base] {
			continue
		}
		seen[name], seen[base] = true, true
		add(o.inCookie(n, in.Request, base, Katana))
	}
	text, err := cookie.From(cookie.KindBearer, "")(in.Request)
	if err == nil || !errors.Is(err, cookie.ErrNoCredential) {
		add(found{kind: Bearer, text: text, err: err})
	}
	if len(list) == 0 {
		list = o.others(n, in.Request)
	}
	if len(list) == 0 {
		k := n.session.Kind
		if n.forms.On && !n.session.On {
			k = Forms
		}
		list = []found{o.inCookie(n, in.Request, n.nameOf(k, ""), k)}
	}
	return list
}

// others returns the cookies of unknown names that look like credentials.
func (o *Options) others(n *Node, r *http.Request) []found {
	var list []found
	for _, name := range cookieNames(r) {
		if strings.HasPrefix(name, antiForgery) || strings.HasPrefix(name, site.CorrelationPrefix) ||
			len(list) == maxOthers {
			continue
		}
		core := strings.HasPrefix(name, site.CorePrefix)
		if f := o.inCookie(n, r, name, ""); core || looksProtected(f.text) {
			list = append(list, f)
		}
		if core {
			break // its chunks follow
		}
	}
	return list
}

// antiForgery begins the names of the anti-forgery cookies of ASP.NET.
const antiForgery = "__RequestVerificationToken"

// inCookie joins the chunks of one cookie. For an unknown kind the chunks show the scheme.
func (o *Options) inCookie(n *Node, r *http.Request, name string, k Kind) found {
	scheme := Chunking(k)
	if k == "" {
		scheme = chunks.WIF
		if set := chunks.Katana.Inspect(r, name); set.Announced > 0 {
			scheme = chunks.Katana
		}
	}
	set := scheme.Inspect(r, name)
	f := found{name: name, kind: k, set: &set, authType: n.site.AuthTypeOf(name, o.AuthType),
		values: chunkValues(r, name, scheme)}
	f.text, f.err = scheme.Join(r, name)
	return f
}

// chunkValues returns all values of each chunk as they stand in the header.
func chunkValues(r *http.Request, name string, scheme chunks.Scheme) map[int][]string {
	values := map[int][]string{}
	for pair := range Pairs(r) {
		key, value, _ := strings.Cut(pair, "=")
		if len(key) < len(name) || !strings.EqualFold(key[:len(name)], name) {
			continue
		}
		rest := key[len(name):]
		i := 0
		if rest != "" {
			if scheme == chunks.Katana {
				var ok bool
				if rest, ok = strings.CutPrefix(rest, "C"); !ok {
					continue
				}
			}
			n, err := strconv.Atoi(rest)
			if err != nil || n < 1 || n > chunks.MaxChunks || strconv.Itoa(n) != rest ||
				scheme == chunks.Single {
				continue
			}
			i = n
		}
		if len(values[i]) < 4 {
			values[i] = append(values[i], value)
		}
	}
	return values
}

// cookieNames returns the different names in the Cookie lines of a request.
func cookieNames(r *http.Request) []string {
	var names []string
	seen := map[string]bool{}
	for pair := range Pairs(r) {
		name, _, _ := strings.Cut(pair, "=")
		if name == "" || seen[name] || len(name) > 100 ||
			strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			continue
		}
		if len(names) == chunks.MaxChunks {
			break
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// looksProtected reports whether the value of an unknown cookie may be a credential: it is long and
// in an encoding of protected data.
func looksProtected(text string) bool {
	return len(text) >= minLook && (payload.Begins(text) || len(carriers(text)) > 0)
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
