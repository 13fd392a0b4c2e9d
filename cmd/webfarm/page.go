package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

//go:embed page.html
var pageHTML string

// home is the one page of the demo.
var home = template.Must(template.New("page.html").Parse(pageHTML))

// pageData is what the page shows.
type pageData struct {
	Nonce      string // of the page's own style
	Node       string
	Nodes      []string
	SignedIn   bool
	Name       string
	SignedInBy string
	Claims     []claimGroup
	Cookies    chunks.Set
	Problems   []string
	Users      []demoUser
}

// claimGroup are the claims of one type.
type claimGroup struct {
	Type, Full string
	Values     []string
}

// writeHome answers with the demo's page for p, nil for nobody.
func writeHome(w http.ResponseWriter, node string, p *sessiontoken.Principal, set chunks.Set) error {
	d := pageData{
		Nonce: rand.Text(), Node: node, Nodes: nodeNames(), Users: demoUsers(), Cookies: set,
	}
	if len(set.Chunks) > 0 { // a missing cookie is no problem here
		d.Problems = set.Problems()
	}
	if p != nil {
		me := newMeReport(node, p)
		d.SignedIn, d.Name, d.SignedInBy = true, me.Name, me.SignedInBy
		d.Claims = groupClaims(newIdentityReport(&p.Identities[0]).Claims)
	}
	return writePage(w, home, d.Nonce, d)
}

// writePage answers with a page. Its policy allows only its own style.
func writePage(w http.ResponseWriter, page *template.Template, nonce string, data any) error {
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+
		"'; img-src data:; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	w.Write(b.Bytes()) // an error means that the browser has gone
	return nil
}

// groupClaims gathers the claims by type, in the order of the token.
func groupClaims(claims []claimReport) (groups []claimGroup) {
	for _, c := range claims {
		i := slices.IndexFunc(groups, func(g claimGroup) bool { return g.Full == c.Type })
		if i < 0 {
			i = len(groups)
			groups = append(groups, claimGroup{Type: lastPart(claimName(c.Type)), Full: c.Type})
		}
		value := abridged(c.Value)
		if c.Hidden {
			value = hidden
		}
		groups[i].Values = append(groups[i].Values, value)
	}
	return groups
}

// lastPart returns the part of a URI behind its last slash or colon.
func lastPart(uri string) string {
	if i := strings.LastIndexAny(uri, "/:"); i >= 0 && i+1 < len(uri) {
		return uri[i+1:]
	}
	return uri
}
