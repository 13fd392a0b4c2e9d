package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

//go:embed page.html
var pageHTML string

// page is the one page of the demo.
type page struct{ template *template.Template }

func newPage() (*page, error) {
	t, err := template.New("page.html").Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	return &page{t}, nil
}

// pageData is what the page shows.
type pageData struct {
	Nonce      string // lets the page's own style through the policy, and no other
	Node       string
	Nodes      []string
	SignedIn   bool
	Name       string
	SignedInBy string
	Claims     []claimGroup
	Cookies    []chunks.Chunk
	Length     int
	Problems   []string
	Users      []demoUser
}

// claimGroup are the claims of one type.
type claimGroup struct {
	Type, Full string
	Values     []string
}

// manyValues is the number of values from which on a group is folded.
const manyValues = 6

// Many reports whether the group is to be folded.
func (g claimGroup) Many() bool { return len(g.Values) >= manyValues }

// write answers a request of p, who may be nobody, with the page.
func (pg *page) write(w http.ResponseWriter, node string, p *sessiontoken.Principal, set chunks.Set) error {
	d := pageData{
		Nonce: rand.Text(), Node: node, Nodes: nodeNames(), Users: demoUsers(),
		Cookies: set.Chunks, Length: set.Length, Problems: set.Problems(),
	}
	if len(set.Chunks) == 0 {
		d.Problems = nil // that there is none is no problem
	}
	if p != nil {
		d.SignedIn = true
		d.Name = p.Name()
		if c, ok := p.First(claimTypeSignedInBy); ok {
			d.SignedInBy = c.Value
		}
		d.Claims = groupClaims(p)
	}
	var b bytes.Buffer
	if err := pg.template.Execute(&b, d); err != nil {
		return err
	}
	pageHeader(w.Header(), d.Nonce)
	w.Write(b.Bytes()) // fails only if the browser has gone, too late for another answer
	return nil
}

// pageHeader says what a page of ours is, and that nothing but its own style may
// be loaded.
func pageHeader(h http.Header, nonce string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; img-src data:; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
}

// groupClaims gathers the claims by type, in the order of the token.
func groupClaims(p *sessiontoken.Principal) []claimGroup {
	var groups []claimGroup
	at := make(map[string]int)
	for c := range p.All("") {
		i, ok := at[c.Type]
		if !ok {
			i = len(groups)
			at[c.Type] = i
			groups = append(groups, claimGroup{Type: lastPart(claimName(c.Type)), Full: c.Type})
		}
		groups[i].Values = append(groups[i].Values, c.Value)
	}
	return groups
}

// lastPart shortens a URI to what stands behind its last slash or colon.
func lastPart(uri string) string {
	if i := strings.LastIndexAny(uri, "/:"); i >= 0 && i+1 < len(uri) {
		return uri[i+1:]
	}
	return uri
}
