package main

import (
	"errors"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
)

// credential is one that inspect was given: which kind it is, where it was and
// its text.
type credential struct {
	kind     kind
	name     string // of the cookie; empty for a bare value and for a header
	authType string // Katana's AuthenticationType, for kindKatana
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
		if w.kind == kindKatana && w.authType == "" {
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
	case kindKatana:
		c.authType = doctor.AuthTypeOf(w.name, w.authType)
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
	if k == kindKatana {
		c.authType = doctor.AuthTypeOf(name, authType)
	}
	c.text, c.err = scheme.Join(p.request, name)
	return c
}

// katana returns the cookies in the header whose names begin as Katana's do.
func (s *site) katana(p pasted, authType string) []credential {
	var found []credential
	seen := make(map[string]bool)
	for pair := range doctor.Pairs(p.request) {
		name, _, _ := strings.Cut(pair, "=")
		name, ok := doctor.KatanaName(name)
		if !ok || seen[name] || len(found) == maxFound {
			continue
		}
		seen[name] = true
		found = append(found, s.inCookie(p, kindKatana, name, authType))
	}
	return found
}
