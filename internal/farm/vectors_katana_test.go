package farm

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

type vectorKatana struct {
	AuthenticationType, NameType, RoleType string
	Claims                                 []vectorClaim
	Bootstrap                              string
	Properties                             [][2]string
	IssuedUTC, ExpiresUTC                  *time.Time
	IsPersistent                           bool
}

func (v *vectorKatana) add(m *Message) {
	t := &sessiontoken.KatanaTicket{Identity: sessiontoken.Identity{
		AuthenticationType: v.AuthenticationType, NameClaimType: v.NameType, RoleClaimType: v.RoleType, Claims: claims(v.Claims),
	}}
	if v.Bootstrap != "" {
		t.Identity.BootstrapKind, t.Identity.Bootstrap = "string", machinekey.NewSecret([]byte(v.Bootstrap))
	}
	for _, p := range v.Properties {
		t.Properties = append(t.Properties, p)
	}
	addKatana(m, t)
}

// addTimes adds what .NET made of the properties.
func (v *vectorKatana) addTimes(m *Message) {
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return ticks(*t)
	}
	m.Add("issued", at(v.IssuedUTC))
	m.Add("expires", at(v.ExpiresUTC))
	m.Add("persistent", flag(v.IsPersistent))
}

func readsKatana(t *testing.T, a *asker) {
	var file struct {
		Keys    map[string]vectorKey
		Vectors []struct {
			ID, Key, Format, Expect, Text, SerializedHex string
			KeyInline                                    *vectorKey
			Purposes                                     []string
			Input, Ticket                                *vectorKatana
		}
	}
	testkit.JSON(t, "owin.json", &file)
	for name, key := range file.Keys {
		a.setUp(key.message(name))
	}
	anybody := func(m *Message) *Message {
		addKatana(m,
			&sessiontoken.KatanaTicket{Identity: sessiontoken.Identity{AuthenticationType: "x"}})
		return m
	}
	null := 0
	for _, v := range file.Vectors {
		if v.KeyInline != nil { // that .NET refuses for this use
			a.n++
			if known := a.ask(v.KeyInline.message("refused")); known.Verb == "ok" &&
				a.ask(anybody(NewMessage("write", "kind", "owin", "key", "refused", "format",
					"3"))).Verb == "ok" {
				t.Errorf("%s: not refused", v.ID)
			}
			continue
		}
		purposes := func(verb, format string) *Message {
			m := NewMessage(verb, "kind", "owin", "key", v.Key, "format", format)
			for _, p := range v.Purposes {
				m.Add("purpose", p)
			}
			return m
		}
		if v.Expect == "argument-error" {
			if len(v.Purposes) == 0 {
				null++ // a text that is null in .NET, which no field can say
			} else {
				a.wants(v.ID, anybody(purposes("write", "3")), nil)
			}
			continue
		}
		format := v.Format
		if format == "3bc" { // the same bytes
			format = "3"
		}
		read := purposes("read", format)
		read.Add("text", v.Text)
		if v.Expect != "ok" {
			a.wants(v.ID, read, nil)
			continue
		}
		answer := NewMessage("")
		v.Ticket.add(answer)
		v.Ticket.addTimes(answer)
		a.wants(v.ID, read, answer.Fields)
		if v.Input != nil && v.SerializedHex != "" && v.Format == "3" {
			m := NewMessage("bytes", "kind", "owin")
			v.Input.add(m)
			a.wants(v.ID+", bytes", m, []Field{{"hex", strings.ToUpper(v.SerializedHex)}})
		}
	}
	t.Logf("owin.json: %d comparisons of %d vectors, %d about null left out", a.n,
		len(file.Vectors), null)
}

// slidesKatana asks about the requests to Katana's middleware
// whose cookie is read, and renewed or not.
func slidesKatana(t *testing.T, a *asker) {
	var file struct {
		Keys    map[string]vectorKey
		Handler []struct {
			ID, Key, CookieHeader string
			Now                   time.Time
			Options               struct {
				AuthenticationType, SessionStore string
				SlidingExpiration                *bool
			}
			SignIn, SignOut   any
			Authenticated     bool
			Ticket, NewTicket *vectorKatana
		}
	}
	testkit.JSON(t, "owin.json", &file)
	for name, key := range file.Keys {
		a.setUp(key.message(name))
	}
	renewed := 0
	for _, v := range file.Handler {
		if v.CookieHeader == "" || v.SignIn != nil || v.SignOut != nil ||
			v.Options.SessionStore != "" || !v.Authenticated || v.Options.SlidingExpiration != nil {
			continue
		}
		cookies, err := http.ParseCookie(v.CookieHeader)
		if err != nil {
			t.Fatal(err)
		}
		m := NewMessage("join", "scheme", "katana", "name", ".AspNet."+v.Options.AuthenticationType)
		for _, c := range cookies {
			m.Add("cookie", c.Name)
			m.Add("value", c.Value)
		}
		text := a.ask(m).Get("value")
		read := a.ask(NewMessage("read", "kind", "owin", "key", v.Key, "format", "3",
			"purpose", "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware", "purpose",
			v.Options.AuthenticationType, "purpose", "v1", "text", text))
		if read.Verb != "ok" {
			t.Errorf("%s: %v", v.ID, read)
			continue
		}
		m = NewMessage("renew", "kind", "owin", "now", ticks(v.Now))
		m.Fields = append(m.Fields, read.Fields[:len(read.Fields)-3]...) // without the times, which say the same
		want, answer := v.Ticket, NewMessage("")
		if v.NewTicket != nil {
			want = v.NewTicket
			renewed++
		}
		want.add(answer)
		a.wants(v.ID, m, answer.Fields)
	}
	if renewed == 0 || renewed == a.n {
		t.Errorf("%d of %d are renewed", renewed, a.n)
	}
	t.Logf("owin.json: %d requests to the middleware, %d of them renew the cookie", a.n, renewed)
}

// chunksKatana asks about Katana's chunks.
func chunksKatana(t *testing.T, a *asker) {
	var file struct {
		Vectors []struct {
			ID, Op, Manager, Name, CookieHeader, Expect string
			Value                                       *string
			ChunkSize                                   *int
			Options                                     struct {
				Path, Domain, SameSite string
				Expires                time.Time
				Secure, HTTPOnly       bool
			}
			SetCookie []any
		}
	}
	testkit.JSON(t, "owin_chunks.json", &file)
	for _, v := range file.Vectors {
		switch {
		case v.Manager != "owin": // the other manager is not this program's
		case v.Op == "get":
			cookies := strings.Split(v.CookieHeader, "; ")
			m := NewMessage("join", "scheme", "katana", "name", v.Name)
			for _, c := range cookies {
				name, value, _ := strings.Cut(c, "=")
				m.Add("cookie", name)
				m.Add("value", value)
			}
			switch {
			case v.Expect == "error": // of an option of old; the marker is what stays
				a.wants(v.ID, m, []Field{{"value", strings.TrimPrefix(cookies[0], v.Name+"=")}})
			case v.Value == nil:
				a.wants(v.ID, m, nil)
			default:
				a.wants(v.ID, m, []Field{{"value", *v.Value}})
			}
		case v.Op == "append":
			suffix := katanaSuffix(&http.Cookie{Path: v.Options.Path, Domain: v.Options.Domain,
				Expires: v.Options.Expires, Secure: v.Options.Secure, HttpOnly: v.Options.HTTPOnly})
			if v.Options.SameSite != "" {
				suffix += len("; SameSite=" + v.Options.SameSite)
			}
			limit := 0
			if v.ChunkSize != nil {
				limit = *v.ChunkSize
			}
			m := NewMessage("split", "scheme", "katana", "name", v.Name, "value", *v.Value, "size",
				strconv.Itoa(suffix), "limit", strconv.Itoa(limit))
			var want []Field
			for _, line := range v.SetCookie {
				pair, _, _ := strings.Cut(line.(string), ";")
				name, value, _ := strings.Cut(pair, "=")
				want = append(want, Field{"cookie", name}, Field{"value", value})
			}
			a.wants(v.ID, m, want)
		}
	}
	t.Logf("owin_chunks.json: %d comparisons of %d vectors, the rest about deleting or another manager", a.n, len(file.Vectors))
}
