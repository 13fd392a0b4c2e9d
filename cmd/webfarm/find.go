package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
)

// credential is one that inspect was given: which kind it is, where it was and
// its text.
type credential struct {
	kind     kind
	name     string // of the cookie; empty for a bare value and for a header
	authType string // Katana's AuthenticationType, for kindOWIN
	text     string
	set      *cookie.Set // its chunks, for a cookie
	err      error       // it could not be read from the header
}

// maxFound is the number of Katana's cookies that are looked at in one header.
const maxFound = 16

// wanted says which credentials to look for. What is empty is found out.
type wanted struct {
	kind     kind
	name     string
	authType string
}

// find returns the credentials in what was pasted, at least one.
func (s *site) find(p pasted, w wanted) ([]credential, error) {
	if p.request == nil {
		return []credential{s.bare(p.text, w)}, nil
	}
	if w.kind != "" && !w.kind.text().carried {
		return s.inHeader(p, w)
	}
	var found []credential
	switch {
	case w.name != "":
		k := w.kind
		if k == "" {
			k = s.kindOfName(w.name)
		}
		return []credential{s.inCookie(p, k, w.name, w.authType)}, nil
	case w.kind != "":
		if w.kind == kindOWIN && w.authType == "" {
			found = s.katana(p, "")
		}
		if found == nil {
			found = []credential{s.inCookie(p, w.kind, s.nameOfKind(w.kind, w.authType), w.authType)}
		}
		return found, nil
	}
	for _, k := range []kind{s.session.kind, kindForms, kindRoles, kindAnonymous} {
		if c := s.inCookie(p, k, s.nameOfKind(k, ""), ""); len(c.set.Chunks) > 0 {
			found = append(found, c)
		}
	}
	found = append(found, s.katana(p, w.authType)...)
	if text, err := cookie.Bearer(p.request); err == nil || !errors.Is(err, cookie.ErrNoCredential) {
		found = append(found, credential{kind: kindBearer, text: text, err: err})
	}
	if found == nil {
		k := s.defaultKind()
		found = []credential{s.inCookie(p, k, s.nameOfKind(k, ""), "")}
	}
	return found, nil
}

// bare is a value without a name.
func (s *site) bare(text string, w wanted) credential {
	k := w.kind
	if k == "" && w.name != "" {
		k = s.kindOfName(w.name)
	}
	if k == "" {
		k = s.defaultKind()
	}
	c := credential{kind: k, text: text}
	switch k {
	case kindOWIN:
		c.authType = authTypeOf(w.name, w.authType)
	case kindState:
		c.authType = w.authType
	}
	return c
}

// inHeader is a credential that no cookie carries.
func (s *site) inHeader(p pasted, w wanted) ([]credential, error) {
	if w.kind != kindBearer {
		return nil, usageError("-kind " + string(w.kind) + " takes the bare value, not a header")
	}
	text, err := cookie.Bearer(p.request)
	return []credential{{kind: kindBearer, text: text, err: err}}, nil
}

// inCookie joins the chunks of one cookie.
func (s *site) inCookie(p pasted, k kind, name, authType string) credential {
	scheme := k.text().scheme
	set := scheme.Inspect(p.request, name)
	c := credential{kind: k, name: name, set: &set}
	if k == kindOWIN {
		c.authType = authTypeOf(name, authType)
	}
	c.text, c.err = scheme.Join(p.request, name)
	return c
}

// katana returns the cookies in the header whose names begin as Katana's do.
func (s *site) katana(p pasted, authType string) []credential {
	var found []credential
	seen := make(map[string]bool)
	for pair := range pairs(p.request) {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, katanaPrefix) || strings.HasPrefix(name, correlationPrefix) {
			continue
		}
		name = withoutChunk(name)
		if len(name) == len(katanaPrefix) || seen[name] || len(found) == maxFound {
			continue
		}
		seen[name] = true
		found = append(found, s.inCookie(p, kindOWIN, name, authType))
	}
	return found
}

// withoutChunk takes the number of a chunk off a name: C and digits.
func withoutChunk(name string) string {
	base := strings.TrimRight(name, "0123456789")
	if len(base) == len(name) || !strings.HasSuffix(base, "C") {
		return name
	}
	return strings.TrimSuffix(base, "C")
}

// authTypeOf is the AuthenticationType of a cookie: that of the flag, or what
// the name says, or that of ASP.NET Identity.
func authTypeOf(name, flag string) string {
	if flag != "" {
		return flag
	}
	if rest, ok := strings.CutPrefix(name, katanaPrefix); ok && strings.TrimSpace(rest) != "" {
		return rest
	}
	return defaultAuthType
}

// pairs yields the pairs of the Cookie lines of a request.
func pairs(r *http.Request) func(yield func(string) bool) {
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
