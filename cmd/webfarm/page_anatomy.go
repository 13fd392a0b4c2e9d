package main

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"
)

//go:embed page_anatomy.html
var anatomyHTML string

// anatomyPage is a page with a picture of the caller's own credentials. It shows their claims, but no
// key, no cookie value and no session id, which may be as good as a cookie.
var anatomyPage = template.Must(template.New("page_anatomy.html").
	Funcs(template.FuncMap{"thousands": thousands}).Parse(anatomyHTML))

// anatomyData is what the page shows.
type anatomyData struct {
	Nonce       string // of the page's own style
	Where       string // who made the page
	Home        string // the way back; empty: none
	At          string
	Credentials []anatomyCredential
	Prefix      string     // of the two below
	Users       []demoUser // for sign-in without a password; none on a real site
	SignOut     bool
}

// anatomyCredential is one credential, from its cookies to its claims.
type anatomyCredential struct {
	Anchor     string
	Title      string
	What       string
	OK         bool
	Absent     bool // the request does not carry it
	Summary    string
	Chunks     []anatomyBar
	Length     int
	Problems   []string
	Layers     []anatomyLayer
	Refused    *refusal
	RefusedAt  string
	Time       *anatomyTime
	Facts      []anatomyFact
	Identities []anatomyIdentity
}

// anatomyBar is a length and its share of the longest, in percent.
type anatomyBar struct {
	Name    string
	Size    int
	Percent int
	Note    string
}

type anatomyLayer struct {
	Title, What string
	Unit        string
	Size, Inner int
	Percent     int
	OK          bool
	Facts       []anatomyFact
}

type anatomyFact struct{ Name, Value string }

// anatomyTime is the life of a credential. The marks are percents of it.
type anatomyTime struct {
	Left  string // one phrase
	Over  bool
	Marks bool // From and To are known
	Now   int
	Rest  int // up to 100
	Renew int // 0: not shown
	Rows  []anatomyFact
}

type anatomyIdentity struct {
	Title  string
	Facts  []anatomyFact
	Claims []claimGroup
}

// layerTitle is a layer in words.
func layerTitle(code string) string { return cmp.Or(layerFile["titles"].Text(code), code) }

// inspectRequest opens every credential of a request that belongs to the site.
func (c *codecs) inspectRequest(r *http.Request, files []keyFile) ([]anatomyCredential, error) {
	input := fromHeaders(r.Header["Cookie"], r.Header["Authorization"])
	found, err := c.find(input, wanted{})
	if err != nil {
		return nil, err
	}
	var list []anatomyCredential
	for i, one := range found {
		report, err := c.inspect(r.Context(), one, input, files)
		if err != nil {
			report.Refused = explainSetup(err)
		}
		list = append(list, newAnatomyCredential(fmt.Sprintf("c%d", i+1), &report, c.now()))
	}
	return list, nil
}

func newAnatomyCredential(anchor string, c *credentialReport, now time.Time) anatomyCredential {
	a := anatomyCredential{Anchor: anchor, Title: c.title(), What: c.Kind.Long(), OK: c.OK,
		Refused: c.Refused}
	if c.Cookie != nil {
		a.Title = printable(c.Cookie.Name)
		a.Absent = len(c.Cookie.Chunks) == 0
		a.Length, a.Problems = c.Cookie.Length, c.Cookie.Problems
		for _, chunk := range c.Cookie.Chunks {
			bar := anatomyBar{Name: printable(chunk.Name), Size: chunk.Size}
			switch {
			case !chunk.Joined:
				bar.Note = "not read"
			case chunk.Copies > 1:
				bar.Note = fmt.Sprintf("sent %d times", chunk.Copies)
			}
			a.Chunks = append(a.Chunks, bar)
		}
		longest := 0
		for _, b := range a.Chunks {
			longest = max(longest, b.Size)
		}
		for i := range a.Chunks {
			a.Chunks[i].Percent = percent(a.Chunks[i].Size, longest)
		}
	}
	a.layers(c.Layers)
	if c.Refused != nil {
		a.RefusedAt = layerTitle(c.Refused.Layer)
	} else {
		a.Summary = c.summary(now)
	}
	switch {
	case c.Token != nil:
		a.Time = newAnatomyTime(&c.Token.ValidFrom, &c.Token.ValidTo, nil, now)
		a.Facts = []anatomyFact{{"Kept", "in the cookie"},
			{"Lasts", cookieLasts(c.Token.Persistent)}}
		if c.Token.ReferenceMode {
			a.Facts[0].Value = "on the server (reference mode)"
		}
		if c.Token.EndpointID != "" {
			a.Facts = append(a.Facts, anatomyFact{"Good for",
				"cookie path " + abridged(c.Token.EndpointID)})
		}
		a.identities(c.Token.Identities)
	case c.Forms != nil:
		a.Time = newAnatomyTime(&c.Forms.IssueDate, &c.Forms.Expiration, &c.Forms.RenewFrom, now)
		a.Facts = []anatomyFact{
			{"Name", userName(c.Forms.Name)}, {"User data", abridgedOr(c.Forms.UserData, "none")},
			{"Lasts", cookieLasts(c.Forms.Persistent)}, {"Cookie path", abridgedOr(c.Forms.CookiePath, "none")},
		}
		for _, role := range c.Forms.Roles {
			a.Facts = append(a.Facts, anatomyFact{"Role", abridged(role)})
		}
	case c.Katana != nil:
		a.Time = newAnatomyTime(c.Katana.Issued, c.Katana.Expires, c.Katana.RenewFrom, now)
		a.Facts = []anatomyFact{{"Lasts", cookieLasts(c.Katana.Persistent)},
			{"Authentication type", abridged(c.AuthType)}}
		a.identity(&c.Katana.Identity, "")
	case c.Core != nil:
		a.Time = newAnatomyTime(c.Core.Issued, c.Core.Expires, c.Core.RenewFrom, now)
		a.Facts = []anatomyFact{{"Lasts", cookieLasts(c.Core.Persistent)},
			{"Scheme", abridged(c.Core.Scheme)}}
		a.identities(c.Core.Identities)
	case c.Protected != nil: // it may be a secret: what the session of ASP.NET Core is called, or a code
		if c.Protected.Expires != nil {
			a.Time = newAnatomyTime(nil, c.Protected.Expires, nil, now)
		}
		a.Facts = []anatomyFact{{c.Protected.title,
			plural(c.Protected.Size, "byte") + ", not shown"}}
	case c.Anonymous != nil:
		a.Time = newAnatomyTime(nil, &c.Anonymous.Expires, nil, now)
		a.Facts = []anatomyFact{{"Visitor", abridged(c.Anonymous.ID)}}
	}
	return a
}

// layers makes the picture of the layers.
func (a *anatomyCredential) layers(list []layerReport) {
	largest := 0
	for _, l := range list {
		largest = max(largest, l.Size, l.Inner)
	}
	for _, l := range list {
		layer := anatomyLayer{
			Title: layerTitle(l.Layer), What: l.text.Text("what"), Unit: "bytes", Size: l.Size, Inner: l.Inner,
			Percent: percent(l.Size, largest), OK: l.OK,
		}
		if l.Layer == "text" {
			layer.Unit = "characters"
		}
		if l.KeyID != "" {
			layer.Facts = []anatomyFact{{"opened by key", l.KeyID}, {"with", l.Algorithms}}
		}
		for _, f := range l.Facts {
			if f.Name == "mode" || f.Name == "bytes" { // the others name the session
				layer.Facts = append(layer.Facts, anatomyFact{f.Name, abridged(f.Value)})
			}
		}
		a.Layers = append(a.Layers, layer)
	}
}

// maxIdentities bounds the page, actors included.
const maxIdentities = 20

func (a *anatomyCredential) identities(list []identityReport) {
	for i := range list {
		a.identity(&list[i], fmt.Sprintf("Identity %d of %d", i+1, len(list)))
	}
}

func (a *anatomyCredential) identity(id *identityReport, title string) {
	if len(a.Identities) >= maxIdentities {
		return
	}
	if len(a.Identities) == 0 && title == "Identity 1 of 1" {
		title = ""
	}
	signedIn := "not authenticated: counts for nobody"
	if id.Authenticated {
		signedIn = abridged(id.AuthenticationType)
	}
	i := anatomyIdentity{Title: title, Facts: []anatomyFact{{"Name", userName(id.Name)},
		{"Authentication", signedIn}}}
	if id.Bootstrap != "" {
		i.Facts = append(i.Facts, anatomyFact{"Bootstrap token", id.Bootstrap + ", not shown"})
	}
	for _, c := range id.Claims {
		value := abridged(c.Value)
		if c.Hidden {
			value = hidden
		}
		at := slices.IndexFunc(i.Claims, func(g claimGroup) bool { return g.Full == c.Type })
		if at < 0 {
			at = len(i.Claims)
			i.Claims = append(i.Claims, claimGroup{Type: lastPart(claimName(c.Type)), Full: c.Type})
		}
		i.Claims[at].Values = append(i.Claims[at].Values, value)
	}
	a.Identities = append(a.Identities, i)
	if id.Actor != nil {
		a.identity(id.Actor, "Acting for "+userName(id.Name))
	}
}

func newAnatomyTime(from, to, renew *time.Time, now time.Time) *anatomyTime {
	t := new(anatomyTime)
	row := func(name string, at *time.Time) {
		if at != nil {
			t.Rows = append(t.Rows, anatomyFact{name, when(*at, now)})
		}
	}
	row("From", from)
	row("Renewed in use from", renew)
	row("Until", to)
	if to == nil {
		t.Left = "It never ends."
		return t
	}
	if t.Over = !now.Before(*to); t.Over {
		t.Left = "It ended " + relative(*to, now) + "."
	} else {
		t.Left = "It ends " + relative(*to, now) + "."
	}
	if from == nil || !to.After(*from) {
		return t
	}
	t.Marks = true
	t.Now = share(*from, *to, now)
	t.Rest = 100 - t.Now
	if renew != nil {
		t.Renew = share(*from, *to, *renew)
	}
	return t
}

// share is the part of the time between from and to that has passed at t, in percent.
func share(from, to, t time.Time) int {
	whole, part := to.Unix()-from.Unix(), t.Unix()-from.Unix()
	if whole <= 0 || part <= 0 {
		return 0
	}
	return int(min(float64(part)/float64(whole), 1) * 100)
}

// percent is part of whole, at least 1 for a positive part.
func percent(part, whole int) int {
	if part <= 0 || whole <= 0 {
		return 0
	}
	return max(1, int(int64(part)*100/int64(whole)))
}

// thousands returns n as 16,605.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && n > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// writeAnatomy answers with the page.
func writeAnatomy(w http.ResponseWriter, d anatomyData) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	d.Nonce = rand.Text()
	return writePage(w, anatomyPage, d.Nonce, d)
}
