package farm

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// fragments are texts that XML and base64 may be sensitive to.
var fragments = []string{
	" ", "\t", "\r\n", "\u0085", "\u00a0", "\ufeff", "=", "==", "-", "+", "A", "\x00", "\x01",
	"\x7f", "\xff", "é", ":",
	"&#x20;", "&#0;", "&#x9;", "&amp;", "&", "&lt;", "&nbsp;", "<", ">", "/>", "<x/>", "<!-- -->",
	"<!-- -- -->", "<?x y?>",
	"<![CDATA[]]>", "<![CDATA[ ]]>", "&#10;", "]]>", "'", `"`, `""`, "<?xml version='1.0'?>",
	"<!DOCTYPE x>", "xmlns", " xmlns=''", " xmlns:q='u'",
	" xmlns:p1='u'", " xmlns:q=''", " xml:lang='x'", " xml:space='preserve'", " a", " a='1'",
	" a = '1' ", " a='1' a='1'",
	" a=''c=''", " 1a='x'", " p1:b='2'", " q:b='2'", " Id='x'",
}

// damage changes, loses, doubles, swaps or adds something, or cuts the end off.
func (r random) damage(s []byte) []byte {
	at := r.IntN(len(s))
	head, tail := s[:at:at], s[at:]
	switch r.IntN(6) {
	case 0:
		return append(append(head, tail[0]^1<<r.IntN(7)), tail[1:]...)
	case 1:
		return append(head, tail[1:]...)
	case 2:
		return append(append(head, tail[0]), tail...)
	case 3:
		other := r.IntN(len(s))
		swapped := bytes.Clone(s)
		swapped[at], swapped[other] = s[other], s[at]
		return swapped
	case 4:
		return head
	}
	return append(append(head, pick(r, fragments)...), tail...)
}

// damaged is a cookie with something wrong in it, and what Go made of it.
type damaged struct {
	inside []byte // the text, or what is in its base64
	text   string
	read   *Message // nil: refused
}

// damageText damages a text, or what is in its base64.
func (r random) damageText(text string, encoding *base64.Encoding) damaged {
	if inside, err := encoding.DecodeString(text); err == nil && r.chance(60) {
		inside = r.damage(inside)
		return damaged{inside: inside, text: encoding.EncodeToString(inside)}
	}
	inside := r.damage([]byte(text))
	return damaged{inside: inside, text: string(inside)}
}

// damagedCookie issues a token under the site, damages it, and has Go read it.
// It returns the request that asks C# the same.
func (e *exchange) damagedCookie(s *openSite) (damaged, *Message, error) {
	ctx := context.Background()
	got := NewMessage("")
	switch {
	case e.chance(60) && s.session != nil:
		token := e.session()
		token.Principal.Identities = token.Principal.Identities[:1]
		token.Principal.Identities[0].Claims = e.claims(1)
		text, err := s.session.Encode(ctx, token)
		if err != nil {
			return damaged{}, nil, err
		}
		d := e.damageText(text, base64.StdEncoding)
		s.now = token.ValidFrom
		if token, err := s.session.Decode(ctx, d.text); err == nil {
			addSession(got, token)
			d.read = got
		}
		return d, NewMessage("read", "kind", "fedauth", "key", s.name, "text", d.text), nil

	case e.chance(50) && s.katana != nil:
		ticket := e.katana()
		text, err := s.katana.Encode(ctx, ticket)
		if err != nil {
			return damaged{}, nil, err
		}
		d := e.damageText(text, base64.RawURLEncoding)
		s.now, _ = ticket.Properties.Time(sessiontoken.PropertyExpires)
		if ticket, err := s.katana.Decode(ctx, d.text); err == nil {
			addKatana(got, ticket)
			addKatanaTimes(got, ticket.Properties)
			d.read = got
		}
		return d, s.katanaRequest("read", "text", d.text), nil
	}
	ticket := e.forms()
	ticket.Name, ticket.UserData, ticket.CookiePath = "bob", e.run(e.IntN(20)), "/"
	text, err := s.forms.Encode(ctx, ticket)
	if err != nil {
		return damaged{}, nil, err
	}
	inside := e.damage([]byte(text))
	d := damaged{inside: inside, text: string(inside)}
	s.now = ticket.Expiration
	if ticket, err := s.forms.Decode(ctx, d.text); err == nil {
		addForms(got, ticket)
		d.read = got
	}
	return d, NewMessage("read", "kind", "forms", "key", s.name, "text", d.text), nil
}

// stricter says in which way Go is known to be stricter about the XML around a
// session token, which is not authenticated. Nobody writes either form.
func (d *damaged) stricter() string {
	inside := d.inside
	// Damage to the outer base64 is damage to the XML in it.
	if xml, err := base64.StdEncoding.DecodeString(noBase64.ReplaceAllString(d.text,
		"")); err == nil {
		inside = xml
	}
	if controlReference.Match(inside) {
		return "a reference to a control character"
	}
	texts := []string{d.text}
	for _, m := range cookieElement.FindAllSubmatch(inside, 1) {
		texts = append(texts, string(m[1]))
	}
	for _, text := range texts {
		text = noBase64.ReplaceAllString(text, "")
		_, strict := base64.StdEncoding.Strict().DecodeString(text)
		if _, err := base64.StdEncoding.DecodeString(text); err == nil && strict != nil {
			return "spare bits in base64"
		}
	}
	return ""
}

var (
	cookieElement    = regexp.MustCompile(`(?s)<Cookie[^>]*>(.*)</Cookie`)
	noBase64         = regexp.MustCompile(`\s|&#x?[0-9A-Fa-f]+;|<!--[^>]*-->|<!\[CDATA\[|\]\]>`)
	controlReference = regexp.MustCompile(`&#(x0*[01]?[0-9A-Fa-f]|0*[0-2]?[0-9]|0*3[01]);`)
)

// TestStricter damages the outer base64 so that what is inside changes in one
// of the ways in which Go is stricter, or in another.
func TestStricter(t *testing.T) {
	const controls, spare = "a reference to a control character", "spare bits in base64"
	for _, tt := range []struct{ xml, want string }{
		{"<S><Cookie>AAA=</Cookie></S>", ""},
		{"<S><Cookie>AAB=</Cookie></S>", spare},
		{"<S><Cookie>A A<!-- c -->AC=</Cookie></S>", ""},
		{"<S><Cookie>A A<!-- c -->B=</Cookie></S>", spare},
		{"<S>&#1;<Cookie>AAA=</Cookie></S>", controls},
		{"<S>&#10;<Cookie>AAA=</Cookie></S>", controls},
		{"<S>&#32;<Cookie>AAA=</Cookie></S>", ""},
	} {
		text := base64.StdEncoding.EncodeToString([]byte(tt.xml))
		for _, d := range []damaged{
			{inside: []byte(tt.xml), text: text},
			{inside: []byte(text), text: text},
			{inside: []byte(text[:5] + " " + text[5:]), text: text[:5] + " " + text[5:]},
		} {
			if got := d.stricter(); got != tt.want {
				t.Errorf("%q, as %.20q…: %q, want %q", tt.xml, d.text, got, tt.want)
			}
		}
	}
}

// damagedAlike damages cookies and asks both sides about them. Nothing
// that Go reads may be refused by C#, what both read they must read alike, and
// what C# alone reads must be of a kind in which Go is stricter on purpose.
// WEBFARM_DAMAGED is the number of cookies, in place of 5,000 or a share of them.
func damagedAlike(t *testing.T, pipe *Pipe) {
	n := 5_000 / share.OneIn(t, 10)
	if text := os.Getenv("WEBFARM_DAMAGED"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("WEBFARM_DAMAGED=%s", text)
		}
	}
	seed := seed.Fresh(t)
	e := &exchange{random: random{rand.New(rand.NewPCG(seed, 0))}, t: t, pipe: pipe,
		counts: counts{}}
	for _, s := range e.sites() {
		e.open(&s)
	}
	for left := n; left > 0 && !t.Failed(); {
		batch := min(left, 5_000)
		cookies, requests := make([]damaged, batch), make([]*Message, batch)
		for i := range cookies {
			var err error
			if cookies[i], requests[i], err = e.damagedCookie(pick(e.random,
				e.opened)); err != nil {
				t.Fatal(err)
			}
		}
		e.compare(cookies, requests)
		left -= batch
	}
	t.Logf("%d damaged cookies: %s", n, fmt.Sprint(map[string]int(e.counts)))
}

// compare asks C# about cookies that Go has judged.
func (e *exchange) compare(cookies []damaged, requests []*Message) {
	answers, err := e.pipe.Call(requests...)
	if err != nil {
		e.t.Fatal(err)
	}
	for i, a := range answers {
		d := &cookies[i]
		kind, count := requests[i].Get("kind"), "refused by both"
		switch {
		case d.read == nil && a.Verb == "ok":
			why := d.stricter()
			if why == "" {
				e.t.Errorf("%s: C# reads what Go refuses: %.1500q", kind, d.inside)
			}
			count = "read by C# alone: " + why
		case d.read != nil && a.Verb != "ok":
			e.t.Errorf("%s: Go reads what C# refuses (%s): %.1500q", kind,
				a.Get("message"), d.inside)
		case d.read != nil:
			count = "read by both"
			if wrong := difference(a.Fields, d.read.Fields); wrong != "" {
				e.t.Errorf("%s: %s: %.1500q", kind, wrong, d.inside)
			}
		}
		e.counts[count]++
	}
}
