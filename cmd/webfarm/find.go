package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// credential is a credential for inspect: its kind, its place and its text.
type credential struct {
	kind     kind
	name     string // of the cookie; empty for a bare value and for a header
	authType string // Katana's AuthenticationType, for kindKatana; a scheme of ASP.NET Core
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
	if c.coreOnly && c.core == nil && w.kind == "" && !p.hasPayload() {
		return nil, errNoConfig
	}
	if p.request == nil {
		return []credential{c.bare(p.text, w)}, nil
	}
	if w.kind != "" && !carried(w.kind) && w.kind != kindProtected {
		return c.inHeader(p, w)
	}
	var found []credential
	switch {
	case w.name != "":
		k := cmp.Or(w.kind, c.kindOfName(p, w.name))
		return []credential{c.inCookie(p, k, w.name, w.authType)}, nil
	case w.kind.IsCore():
		return c.coreOfKind(p, w.kind)
	case w.kind != "":
		if w.kind == kindKatana && w.authType == "" {
			found = c.katanaCookies(p, "", nil)
		}
		if found == nil {
			found = []credential{c.inCookie(p, w.kind, c.nameOfKind(w.kind, w.authType), w.authType)}
		}
		return found, nil
	}
	core := c.coreCookies(p)
	if !c.coreOnly {
		found = c.webCookies(p, w.authType, core)
	}
	found = append(found, core...)
	text, err := cookie.From(cookie.KindBearer, "")(p.request)
	if err == nil || !errors.Is(err, cookie.ErrNoCredential) {
		found = append(found, c.bearer(text, err))
	}
	if found == nil {
		k := kindCore
		if !c.coreOnly {
			k = c.site.SignIn()
		}
		found = []credential{c.inCookie(p, k, c.nameOfKind(k, c.scheme), "")}
	}
	return found, nil
}

// webCookies returns the cookies of System.Web, WIF and Katana that are not among core, and what
// System.Web has in the URL.
func (c *codecs) webCookies(p pasted, authType string, core []credential) (found []credential) {
	add := func(k kind, name, authType string) {
		one := c.inCookie(p, k, name, authType)
		if len(one.set.Chunks) > 0 && !slices.ContainsFunc(core, one.sameCookie) {
			found = append(found, one)
		}
	}
	for _, part := range doctor.CredentialsInURL(p.request) {
		found = append(found, credential{kind: part.Kind, text: part.Text})
	}
	for _, k := range []kind{c.site.Session.Kind, kindForms, kindRoles, kindAnonymous} {
		add(k, c.nameOfKind(k, ""), "")
	}
	for _, own := range c.site.Katana {
		if !strings.HasPrefix(own.Name, site.KatanaPrefix) {
			add(kindKatana, own.Name, own.AuthenticationType)
		}
	}
	return append(found, c.katanaCookies(p, authType, core)...)
}

func (c credential) sameCookie(other credential) bool {
	return strings.EqualFold(c.name, other.name)
}

// bearer is a token of the header Authorization.
func (c *codecs) bearer(text string, err error) credential {
	if payload.Begins(text) && (c.coreOnly || c.scheme != "" || !c.site.OnRing(kindBearer)) {
		return credential{kind: kindCoreBearer, authType: c.scheme, text: text, err: err}
	}
	return credential{kind: kindBearer, text: text, err: err}
}

// bare is a value without a name.
func (c *codecs) bare(text string, w wanted) credential {
	k := w.kind
	if k == "" && w.name != "" {
		k = c.kindOfName(pasted{}, w.name)
	}
	if k == "" && payload.Begins(text) && (c.coreOnly || !c.site.Key.OnRing) {
		k = kindProtected
	}
	if k == "" {
		k = c.site.SignIn()
	}
	found := credential{kind: k, text: text}
	switch {
	case k == kindKatana:
		found.authType = c.site.AuthTypeOf(w.name, w.authType)
	case k == kindState:
		found.authType = w.authType
	case k.IsCore():
		found.authType = c.schemeOf(w.name)
	}
	return found
}

// inHeader is a credential that is not in a cookie.
func (c *codecs) inHeader(p pasted, w wanted) ([]credential, error) {
	if w.kind != kindBearer && w.kind != kindCoreBearer {
		return nil, usageError("-kind " + string(w.kind) + " takes the bare value, not a header")
	}
	text, err := cookie.From(cookie.KindBearer, "")(p.request)
	return []credential{{kind: w.kind, authType: c.scheme, text: text, err: err}}, nil
}

// inCookie joins the chunks of one cookie.
func (c *codecs) inCookie(p pasted, k kind, name, authType string) credential {
	scheme := doctor.Chunking(k)
	if k.IsCore() && !strings.HasPrefix(name, site.CorePrefix) {
		scheme = chunks.CoreShared // as cookie.From has it
	} else if k.IsCore() {
		scheme = chunks.Core
	}
	set := scheme.Inspect(p.request, name)
	found := credential{kind: k, name: name, set: &set}
	switch {
	case k == kindKatana:
		found.authType = c.site.AuthTypeOf(name, authType)
	case k.IsCore():
		found.authType = c.schemeOf(name)
	}
	found.text, found.err = scheme.Join(p.request, name)
	return found
}

// katanaCookies returns the cookies in the header whose names begin as Katana's do, but for some.
func (c *codecs) katanaCookies(p pasted, authType string, but []credential) []credential {
	var found []credential
	seen := make(map[string]bool)
	for _, known := range but {
		seen[known.name] = true
	}
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

// kindOfName returns the kind of a cookie by its name, or by its value if that begins as a payload
// of Data Protection. An unknown name counts as a session.
func (c *codecs) kindOfName(p pasted, name string) kind {
	if p.request != nil {
		if k := c.kindOfCore(p, name); k != "" {
			return k
		}
	}
	k, _ := doctor.CoreKind(name)
	return cmp.Or(c.site.KindOf(name), k, c.site.Session.Kind)
}

// nameOfKind returns the name of the cookie that carries a kind.
func (c *codecs) nameOfKind(k kind, authType string) string { return c.site.Of(k, authType).Name }
