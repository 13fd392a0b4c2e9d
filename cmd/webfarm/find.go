package main

import (
	"cmp"
	"errors"
	"net/url"
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
	authType string // Katana's AuthenticationType, for site.Katana; a scheme of ASP.NET Core
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
	token, tokenErr := cookie.From(cookie.KindBearer, "")(p.request)
	var found []credential
	switch {
	case w.kind == site.Bearer, w.kind == site.CoreBearer:
		return []credential{{kind: w.kind, authType: c.scheme, text: token, err: tokenErr}}, nil
	case w.kind != "" && !carried(w.kind) && w.kind != site.Protected:
		return nil, usageError("-kind " + string(w.kind) + " takes the bare value, not a header")
	case w.name != "":
		k := cmp.Or(w.kind, c.kindOfName(p, w.name))
		return []credential{c.inCookie(p, k, w.name, w.authType)}, nil
	case w.kind.IsCore():
		return c.coreOfKind(p, w.kind)
	case w.kind != "":
		if w.kind == site.Katana && w.authType == "" {
			found = c.katanaCookies(p, "", nil)
		}
		if found == nil {
			found = []credential{c.inCookie(p, w.kind, c.site.Of(w.kind, w.authType).Name, w.authType)}
		}
		return found, nil
	}
	core := c.coreCookies(p)
	if !c.coreOnly {
		found = c.webCookies(p, w.authType, core)
	}
	found = append(found, core...)
	if !errors.Is(tokenErr, cookie.ErrNoCredential) {
		one := credential{kind: site.Bearer, text: token, err: tokenErr}
		if payload.Begins(token) && (c.coreOnly || c.scheme != "" || !c.site.OnRing(site.Bearer)) {
			one.kind, one.authType = site.CoreBearer, c.scheme
		}
		found = append(found, one)
	}
	if found == nil {
		k := site.Core
		if !c.coreOnly {
			k = c.site.SignIn()
		}
		found = []credential{c.inCookie(p, k, c.site.Of(k, c.scheme).Name, "")}
	}
	return found, nil
}

// webCookies returns the cookies of System.Web, WIF and Katana that are not among core, and what
// System.Web has in the URL.
func (c *codecs) webCookies(p pasted, authType string, core []credential) (found []credential) {
	add := func(k kind, name, authType string) {
		one := c.inCookie(p, k, name, authType)
		if len(one.set.Chunks) > 0 && !slices.ContainsFunc(core,
			func(c credential) bool { return strings.EqualFold(c.name, name) }) {
			found = append(found, one)
		}
	}
	for _, part := range doctor.CredentialsInURL(p.request) {
		found = append(found, credential{kind: part.Kind, text: part.Text})
	}
	for _, k := range []kind{c.site.Session.Kind, site.Forms, site.Roles, site.Anonymous} {
		add(k, c.site.Of(k, "").Name, "")
	}
	for _, own := range c.site.Katana {
		if !strings.HasPrefix(own.Name, site.KatanaPrefix) {
			add(site.Katana, own.Name, own.AuthenticationType)
		}
	}
	return append(found, c.katanaCookies(p, authType, core)...)
}

// bare is a value without a name.
func (c *codecs) bare(text string, w wanted) credential {
	k := w.kind
	if k == "" && w.name != "" {
		k = c.kindOfName(pasted{}, w.name)
	}
	if k == "" && payload.Begins(text) && (c.coreOnly || !c.site.Key.OnRing) {
		k = site.Protected
	}
	if k == "" {
		k = c.site.SignIn()
	}
	return credential{kind: k, authType: c.authTypeOf(k, w.name, w.authType), text: text}
}

// authTypeOf is the AuthenticationType, or the scheme of ASP.NET Core, of a credential that the
// cookie of that name holds.
func (c *codecs) authTypeOf(k kind, name, authType string) string {
	switch {
	case k == site.Katana:
		return c.site.AuthTypeOf(name, authType)
	case k == site.State:
		return authType
	case k.IsCore():
		return c.schemeOf(name)
	}
	return ""
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
	text, err := scheme.Join(p.request, name)
	return credential{k, name, c.authTypeOf(k, name, authType), text, &set, err}
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
		found = append(found, c.inCookie(p, site.Katana, name, authType))
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

// kindOfCore returns the kind of a cookie if it is one of ASP.NET Core, by its name or, under an
// unknown name, because its text begins as a payload does. What a web.config knows is none, unless
// it is not on a key ring but the text is: a cookie that both worlds share.
func (c *codecs) kindOfCore(p pasted, name string) kind {
	own := c.site.KindOf(name)
	k, known := doctor.CoreKind(name)
	text, _ := chunks.CoreShared.Join(p.request, name)
	switch {
	case own == site.Core:
		return own
	case known:
		return k
	case own != "" && !c.coreOnly && c.site.OnRing(own), !payload.Begins(text):
		return ""
	}
	return site.Protected
}

// coreCookies returns the cookies of ASP.NET Core in the header.
func (c *codecs) coreCookies(p pasted) []credential {
	var found []credential
	seen := make(map[string]bool)
	for pair := range doctor.Pairs(p.request) {
		name, _, _ := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		base, isPart := strings.CutSuffix(strings.TrimRight(name, "0123456789"), "C")
		if isPart && len(base)+1 < len(name) {
			set := chunks.CoreShared.Inspect(p.request, base)
			if len(set.Chunks) > 0 && set.Chunks[0].Index == 0 {
				name = base // of which it is a chunk
			}
		}
		folded := strings.ToLower(name)
		if seen[folded] || len(found) == maxFound {
			continue
		}
		seen[folded] = true
		if k := c.kindOfCore(p, name); k != "" {
			found = append(found, c.inCookie(p, k, name, ""))
		}
	}
	return found
}

// coreOfKind returns the cookies of ASP.NET Core that are of a kind, or may be.
func (c *codecs) coreOfKind(p pasted, k kind) (found []credential, err error) {
	for _, one := range c.coreCookies(p) {
		if one.kind == k || one.kind == site.Protected || k == site.Protected {
			one.kind = k
			found = append(found, one)
		}
	}
	name := c.site.Of(k, c.scheme).Name
	switch {
	case found != nil:
		return found, nil
	case name == "":
		return nil, usageError(
			"no cookie of the header holds a payload of Data Protection; see -name")
	}
	return []credential{c.inCookie(p, k, name, "")}, nil
}

// schemeOf returns the scheme of a ticket in the cookie of that name: the site's, that of the name,
// or that of -scheme. It is empty if none says it.
func (c *codecs) schemeOf(name string) string {
	for _, own := range c.site.Core {
		if name != "" && strings.EqualFold(own.Name, name) {
			return own.AuthenticationType
		}
	}
	if k, _ := doctor.CoreKind(name); k == site.Core {
		scheme, err := url.PathUnescape(name[len(site.CorePrefix):])
		if err == nil && scheme != "" {
			return scheme
		}
	}
	return c.scheme
}

// hasPayload reports whether a payload of Data Protection may be in the input, or a cookie for one.
func (p pasted) hasPayload() bool {
	if p.request == nil {
		return payload.Begins(p.text)
	}
	for pair := range doctor.Pairs(p.request) {
		name, value, _ := strings.Cut(pair, "=")
		if k, _ := doctor.CoreKind(name); k != "" || payload.Begins(value) {
			return true
		}
	}
	text := p.request.Header.Get("Authorization")
	return len(text) > 7 && payload.Begins(text[7:])
}
