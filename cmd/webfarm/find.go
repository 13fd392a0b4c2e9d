package main

import (
	"cmp"
	"errors"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// credential is a credential for inspect: its kind, its place and its text.
type credential struct {
	kind     kind
	name     string // of the cookie; empty for a bare value and for a header
	authType string // Katana's AuthenticationType, for kindKatana
	text     string
	set      *chunks.Set // its chunks, for a cookie
	err      error       // it could not be read from the header
}

// maxFound bounds the cookies of Katana that are read from one header.
const maxFound = 16

// wanted says which credentials to look for. Empty fields match all.
type wanted struct {
	kind     kind
	name     string
	authType string
}

// find returns the credentials in the input, at least one.
func (c *codecs) find(p pasted, w wanted) ([]credential, error) {
	if p.request == nil {
		return []credential{c.bare(p.text, w)}, nil
	}
	if w.kind != "" && !carried(w.kind) {
		return c.inHeader(p, w)
	}
	var found []credential
	switch {
	case w.name != "":
		return []credential{c.inCookie(p, cmp.Or(w.kind, c.kindOfName(w.name)), w.name, w.authType)}, nil
	case w.kind != "":
		if w.kind == kindKatana && w.authType == "" {
			found = c.katanaCookies(p, "")
		}
		if found == nil {
			found = []credential{c.inCookie(p, w.kind, c.nameOfKind(w.kind, w.authType), w.authType)}
		}
		return found, nil
	}
	for _, part := range doctor.CredentialsInURL(p.request) {
		found = append(found, credential{kind: part.Kind, text: part.Text})
	}
	for _, k := range []kind{c.site.Session.Kind, kindForms, kindRoles, kindAnonymous} {
		if one := c.inCookie(p, k, c.nameOfKind(k, ""), ""); len(one.set.Chunks) > 0 {
			found = append(found, one)
		}
	}
	for _, own := range c.site.Katana {
		one := c.inCookie(p, kindKatana, own.Name, own.AuthenticationType)
		if len(one.set.Chunks) > 0 && !strings.HasPrefix(own.Name, site.KatanaPrefix) {
			found = append(found, one)
		}
	}
	found = append(found, c.katanaCookies(p, w.authType)...)
	text, err := cookie.From(cookie.KindBearer, "")(p.request)
	if err == nil || !errors.Is(err, cookie.ErrNoCredential) {
		found = append(found, credential{kind: kindBearer, text: text, err: err})
	}
	if found == nil {
		k := c.site.SignIn()
		found = []credential{c.inCookie(p, k, c.nameOfKind(k, ""), "")}
	}
	return found, nil
}

// bare is a value without a name.
func (c *codecs) bare(text string, w wanted) credential {
	k := w.kind
	if k == "" && w.name != "" {
		k = c.kindOfName(w.name)
	}
	if k == "" {
		k = c.site.SignIn()
	}
	found := credential{kind: k, text: text}
	switch k {
	case kindKatana:
		found.authType = c.site.AuthTypeOf(w.name, w.authType)
	case kindState:
		found.authType = w.authType
	}
	return found
}

// inHeader is a credential that is not in a cookie.
func (c *codecs) inHeader(p pasted, w wanted) ([]credential, error) {
	if w.kind != kindBearer {
		return nil, usageError("-kind " + string(w.kind) + " takes the bare value, not a header")
	}
	text, err := cookie.From(cookie.KindBearer, "")(p.request)
	return []credential{{kind: kindBearer, text: text, err: err}}, nil
}

// inCookie joins the chunks of one cookie.
func (c *codecs) inCookie(p pasted, k kind, name, authType string) credential {
	scheme := doctor.Chunking(k)
	set := scheme.Inspect(p.request, name)
	found := credential{kind: k, name: name, set: &set}
	if k == kindKatana {
		found.authType = c.site.AuthTypeOf(name, authType)
	}
	found.text, found.err = scheme.Join(p.request, name)
	return found
}

// katanaCookies returns the cookies in the header whose names begin as Katana's do.
func (c *codecs) katanaCookies(p pasted, authType string) []credential {
	var found []credential
	seen := make(map[string]bool)
	for pair := range doctor.Pairs(p.request) {
		name, _, _ := strings.Cut(pair, "=")
		name, ok := site.KatanaBase(name)
		if !ok || seen[name] || len(found) == maxFound {
			continue
		}
		seen[name] = true
		found = append(found, c.inCookie(p, kindKatana, name, authType))
	}
	return found
}

// kindOfName returns the kind of a cookie by its name. An unknown name counts as a session.
func (c *codecs) kindOfName(name string) kind {
	return cmp.Or(c.site.KindOf(name), c.site.Session.Kind)
}

// nameOfKind returns the name of the cookie that carries a kind.
func (c *codecs) nameOfKind(k kind, authType string) string { return c.site.Of(k, authType).Name }
