package main

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed page_anatomy.html
var anatomyHTML string

// anatomyPage is a page with a picture of the caller's own credentials. It shows their claims, but
// no key, no cookie value and no session id, which may be as good as a cookie.
var anatomyPage = template.Must(template.New("page_anatomy.html").Funcs(template.FuncMap{
	"thousands": thousands, "percent": percent, "printable": printable, "abridged": abridged,
	"title": layerTitle, "user": userName, "identities": anatomyIdentities, "claims": groupClaims,
	"anchor": func(i int) string { return fmt.Sprintf("c%d", i+1) },
}).Parse(anatomyHTML))

// anatomyData is what the page shows.
type anatomyData struct {
	Nonce       string // of the page's own style
	Where       string // who made the page
	Home        string // the way back; empty: none
	At          string
	Credentials []credentialReport
	Prefix      string     // of the two below
	Users       []demoUser // for sign-in without a password; none on a real site
	SignOut     bool
}

// layerTitle is a layer in words.
func layerTitle(code string) string { return cmp.Or(layerFile["titles"].Text(code), code) }

// inspectRequest opens every credential of a request that belongs to the site.
func (c *codecs) inspectRequest(r *http.Request, files []keyFile) ([]credentialReport, error) {
	input := fromHeaders(r.Header["Cookie"], r.Header["Authorization"])
	found, err := c.find(input, wanted{})
	if err != nil {
		return nil, err
	}
	var list []credentialReport
	for _, one := range found {
		report, err := c.inspect(r.Context(), one, input, files)
		if err != nil {
			report.Refused = explainSetup(err)
		}
		list = append(list, report)
	}
	return list, nil
}

// Absent reports whether the request does not carry the cookie.
func (c *credentialReport) Absent() bool { return c.Cookie != nil && len(c.Cookie.Chunks) == 0 }

// Longest is the size of the longest chunk.
func (c *cookieReport) Longest() (longest int) {
	for _, chunk := range c.Chunks {
		longest = max(longest, chunk.Size)
	}
	return longest
}

// Largest is the size of the largest layer.
func (c *credentialReport) Largest() (largest int) {
	for _, l := range c.Layers {
		largest = max(largest, l.Size, l.Inner)
	}
	return largest
}

// Shown are the facts of the layer without those that name the session.
func (l layerReport) Shown() (facts []factReport) {
	if l.KeyID != "" {
		facts = []factReport{{"opened by key", l.KeyID}, {"with", l.Algorithms}}
	}
	for _, f := range l.Facts {
		if f.Name == "mode" || f.Name == "bytes" {
			facts = append(facts, factReport{f.Name, abridged(f.Value)})
		}
	}
	return facts
}

// maxIdentities bounds the page, actors included.
const maxIdentities = 20

// anatomyIdentity is an identity under a title of its own, empty for the only one.
type anatomyIdentity struct {
	Title string
	identityReport
}

// anatomyIdentities are the identities with their actors behind them.
func anatomyIdentities(list []identityReport) (all []anatomyIdentity) {
	for i := range list {
		title := ""
		if len(list) > 1 {
			title = fmt.Sprintf("Identity %d of %d", i+1, len(list))
		}
		for id := &list[i]; id != nil && len(all) < maxIdentities; id = id.Actor {
			all = append(all, anatomyIdentity{title, *id})
			title = "Acting for " + userName(id.Name)
		}
	}
	return all
}

// life is the time for which a credential counts. The marks are percents of it.
type life struct {
	ends  string // "expires in 2h", for a sentence
	Left  string // one sentence
	Marks bool   // begin and end are known
	Now   int
	Rest  int // up to 100
	Renew int // 0: not shown
	Rows  []factReport
}

// newLife takes nil for what a credential does not say.
func newLife(from, to, renew *time.Time, now time.Time) *life {
	l := new(life)
	row := func(name string, at *time.Time) {
		if at != nil {
			l.Rows = append(l.Rows, factReport{name, when(*at, now)})
		}
	}
	row("From", from)
	row("Renewed in use from", renew)
	row("Until", to)
	if to == nil {
		l.ends, l.Left = "never expires", "It never ends."
		return l
	}
	end := relative(*to, now)
	l.ends, l.Left = "expires "+end, "It ends "+end+"."
	if !now.Before(*to) {
		l.Left = "It ended " + end + "."
	}
	if from == nil || !to.After(*from) {
		return l
	}
	l.Marks, l.Now = true, share(*from, *to, now)
	l.Rest = 100 - l.Now
	if renew != nil {
		l.Renew = share(*from, *to, *renew)
	}
	return l
}

// share is the part of the time between from and a later to that has passed at t, in percent.
func share(from, to, t time.Time) int {
	whole, part := to.Unix()-from.Unix(), t.Unix()-from.Unix()
	if whole <= 0 {
		return 0
	}
	return int(min(max(float64(part)/float64(whole), 0), 1) * 100)
}

// percent is part of whole, at least 1 for a positive part.
func percent(part, whole int) int {
	if part <= 0 {
		return 0
	}
	return max(1, part*100/whole)
}

// thousands returns n as 16,605.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && n > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func writeAnatomy(w http.ResponseWriter, d anatomyData) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	d.Nonce = rand.Text()
	return writePage(w, anatomyPage, d.Nonce, d)
}
