package main

import (
	"net/url"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// kindOfCore returns the kind of a cookie if it is one of ASP.NET Core, by its name or, under an
// unknown name, because its text begins as a payload does. What a web.config knows is none, unless
// it is not on a key ring but the text is: a cookie that both worlds share.
func (c *codecs) kindOfCore(p pasted, name string) kind {
	own := c.site.KindOf(name)
	k, known := doctor.CoreKind(name)
	text, _ := chunks.CoreShared.Join(p.request, name)
	switch {
	case own == kindCore:
		return own
	case known:
		return k
	case own != "" && !c.coreOnly && c.site.OnRing(own), !payload.Begins(text):
		return ""
	}
	return kindProtected
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
		if one.kind == k || one.kind == kindProtected || k == kindProtected {
			one.kind = k
			found = append(found, one)
		}
	}
	name := c.nameOfKind(k, c.scheme)
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
	if k, _ := doctor.CoreKind(name); k == kindCore {
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
