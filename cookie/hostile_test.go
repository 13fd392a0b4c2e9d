package cookie_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/hostile"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// target is a credential under attack: an honest request, and what a server
// does with any.
type target struct {
	name string
	hostile.Credential
	check func(*http.Request) error
}

// targets are all credentials, for the same user as far as they have room:
// twelve claims, which is 5.3 kB of FedAuth. A new credential is one more entry.
func targets(t testing.TB) []target {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f := newFarm(t)
	typical, err := f.codec.Decode(t.Context(), f.texts["chunk-size-3000"])
	must(err)
	user := typical.Principal
	now := func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

	newKey := func(mode machinekey.Mode) *machinekey.Key {
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		must(err)
		cfg.Mode = mode
		key, err := machinekey.New(cfg)
		must(err)
		return key
	}
	newRing := func(keys ...*machinekey.Key) *machinekey.Ring {
		ring, err := machinekey.NewRing(keys[0], keys[1:]...)
		must(err)
		return ring
	}
	// With several keys the honest user has a cookie of the oldest one, for
	// whose sake the ring has more than one.
	oldest := newKey(machinekey.Framework45)
	ring := newRing(oldest)
	ring3 := newRing(newKey(machinekey.Framework45), newKey(machinekey.Framework45), oldest)
	legacy := newRing(newKey(machinekey.Framework20SP2))

	var all []target
	guarded := func(name string, c hostile.Credential, source func(*http.Request) (string, error), reader sessiontoken.Reader) {
		g := new(cookie.Guard)
		g.Accept(source, reader)
		all = append(all,
			target{name, c, func(r *http.Request) error { _, err := g.Check(r); return err }})
	}
	session := func(name string, issue, read *machinekey.Ring, o sessiontoken.SessionOptions) {
		o.Endpoint, o.Now = "/", now
		issuer, err := sessiontoken.NewSessionCodec(issue, &o)
		must(err)
		text, err := issuer.Encode(t.Context(), typical)
		must(err)
		codec, err := sessiontoken.NewSessionCodec(read, &o)
		must(err)
		guarded(name, hostile.Credential{Cookie: "FedAuth", Chunk: "FedAuth%d", Text: text,
			Envelope: true}, cookie.From(cookie.KindFedAuth, ""), codec)
	}
	session("FedAuth", ring, ring, sessiontoken.SessionOptions{})
	session("FedAuth, 3 keys", ring, ring3, sessiontoken.SessionOptions{})
	session("FedAuth of WIF 1.0", ring, ring, sessiontoken.SessionOptions{WIF10: true})
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	transforms, err := sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{Certificates: []tls.Certificate{{PrivateKey: private}}})
	must(err)
	session("FedAuth, certificate", nil, nil, sessiontoken.SessionOptions{Transforms: transforms})

	forms := func(name string, issue, read *machinekey.Ring) {
		issuer, err := sessiontoken.NewFormsCodec(issue, &sessiontoken.FormsOptions{Now: now})
		must(err)
		codec, err := sessiontoken.NewFormsCodec(read, &sessiontoken.FormsOptions{Now: now})
		must(err)
		text, err := issuer.Encode(t.Context(),
			issuer.NewTicket(user.Name(), "Editors,Administrators,Region 417 Sales"))
		must(err)
		guarded(name, hostile.Credential{Cookie: ".ASPXAUTH", Text: text},
			cookie.From(cookie.KindForms, ""), codec)
	}
	forms("forms", ring, ring)
	forms("forms, 3 keys", ring, ring3)
	forms("forms, legacy", legacy, legacy)

	katana := func(name string, c hostile.Credential, source func(*http.Request) (string, error), issuer, codec *sessiontoken.KatanaCodec) {
		c.Text, err = issuer.Encode(t.Context(), issuer.NewTicket(user.Identities[0], nil))
		must(err)
		guarded(name, c, source, codec)
	}
	o := &sessiontoken.KatanaOptions{Now: now}
	codec, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"), o)
	must(err)
	codec3, err := sessiontoken.NewKatanaCodec(ring3, sessiontoken.Cookie("ApplicationCookie"), o)
	must(err)
	bearer, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.AccessToken("Bearer"), o)
	must(err)
	whole := hostile.Credential{Cookie: ".AspNet.ApplicationCookie",
		Chunk: ".AspNet.ApplicationCookieC%d", Marked: true}
	katana("Katana", whole, cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"), codec,
		codec)
	katana("Katana, System.Web", whole,
		func(r *http.Request) (string, error) { return chunks.KatanaSystemWeb.Join(r, whole.Cookie) }, codec, codec)
	katana("Katana, 3 keys", whole, cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"),
		codec, codec3)
	katana("bearer token", hostile.Credential{}, cookie.From(cookie.KindBearer, ""), bearer, bearer)

	for name, purpose := range map[string]sessiontoken.Purpose{
		"ASP.NET Core": sessiontoken.Cookie("Cookies"), "ASP.NET Core, bearer token": sessiontoken.AccessToken("Identity.Bearer")} {
		codec, err := sessiontoken.NewCoreCodec(freshCoreRing(t, now()), purpose,
			&sessiontoken.CoreOptions{Now: now})
		must(err)
		text, err := codec.Encode(t.Context(), codec.NewTicket(&user, nil))
		must(err)
		if strings.Contains(name, "bearer") {
			guarded(name, hostile.Credential{Text: text}, cookie.From(cookie.KindBearer, ""), codec)
			continue
		}
		guarded(name, hostile.Credential{Cookie: ".AspNet.SharedCookie",
			Chunk: ".AspNet.SharedCookieC%d", Marked: true, Text: text},
			func(r *http.Request) (string, error) { return chunks.CoreShared.Join(r, ".AspNet.SharedCookie") }, codec)
	}

	// A site that takes several: the honest cookie is the first to be tried,
	// the hostile ones are all tried.
	several := new(cookie.Guard)
	wif, err := sessiontoken.NewSessionCodec(ring,
		&sessiontoken.SessionOptions{Endpoint: "/", Now: now})
	must(err)
	tickets, err := sessiontoken.NewFormsCodec(ring, &sessiontoken.FormsOptions{Now: now})
	must(err)
	several.Accept(cookie.From(cookie.KindFedAuth, ""), wif)
	several.Accept(cookie.From(cookie.KindForms, ""), tickets)
	several.Accept(cookie.From(cookie.KindBearer, ""), bearer)
	authorization := []string{"Bearer " + strings.Repeat("A", chunks.MaxLength)}
	ticket := ".ASPXAUTH=" + strings.Repeat("0", 4096)
	all = append(all, target{"several", all[0].Credential, func(r *http.Request) error {
		lines := r.Header["Cookie"]
		if len(lines) < 200 { // more are not read, with the ticket or without
			lines = slices.Concat(lines, []string{ticket})
		}
		_, err := several.Check(&http.Request{Header: http.Header{"Cookie": lines,
			"Authorization": authorization}})
		return err
	}})

	of, err := cookie.NewSQSession(ring, cookie.Credential{Name: "SQSessionFlowtime"},
		&cookie.SiteOptions{Now: now})
	must(err)
	sq := cookie.SessionsOf(of)
	w := &nowhere{http.Header{}}
	must(sq.SignIn(w, request(""), &user, nil))
	signedIn := &http.Request{Header: http.Header{}}
	for _, line := range w.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		must(err)
		signedIn.AddCookie(c)
	}
	text, err := chunks.WIF.Join(signedIn, sq.CookieName())
	must(err)
	all = append(all, target{"SQSession", hostile.Credential{Cookie: sq.CookieName(),
		Chunk: sq.CookieName() +
			"%d", Text: text, Envelope: true}, func(r *http.Request) error { _, err := guardOf(sq).Check(r); return err }})

	anonymous, err := sessiontoken.NewAnonymousCodec(ring, &sessiontoken.FormsOptions{Now: now})
	must(err)
	text, err = anonymous.Encode(t.Context(), anonymous.NewID())
	must(err)
	all = append(all, target{"anonymous id", hostile.Credential{Cookie: ".ASPXANONYMOUS",
		Text: text}, func(r *http.Request) error {
		text, err := cookie.From(cookie.KindAnonymous, "")(r)
		if err == nil {
			_, err = anonymous.Decode(r.Context(), text)
		}
		return err
	}})
	roles, err := ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.RolePurpose)
	must(err)
	text, err = rolecookie.Encode(roles, make([]byte, 500)) // the stream of a principal with a few roles
	must(err)
	all = append(all, target{"role cookie", hostile.Credential{Cookie: ".ASPXROLES", Text: text},
		func(r *http.Request) error {
			text, err := cookie.From(cookie.KindRoles, "")(r)
			if err == nil {
				_, err = rolecookie.Decode(r.Context(), roles, text)
			}
			return err
		}})
	return all
}

// hostileRequest returns the request as net/http would.
func hostileRequest(h hostile.Request) *http.Request {
	r := &http.Request{Header: http.Header{"Cookie": h.Cookies}}
	if h.Authorization != "" {
		r.Header["Authorization"] = []string{h.Authorization}
	}
	return r
}

// sizes are those of hostile requests: what forms authentication takes, what
// is read of texts that no software writes, what is read at all, and what
// net/http reads.
func hostileSizes() []int {
	return []int{4096, 16 << 10, chunks.MaxLength * 63 / 64, http.DefaultMaxHeaderBytes}
}

// TestHostileAllocations holds the memory that any request without a key costs
// to ten times that of an honest one, and the joined text.
func TestHostileAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	sizes, step := hostileSizes(), share.OneIn(t, 8)
	sizes[len(sizes)-1] /= step // still twice what is read
	allocated := func(f func()) uint64 {
		f() // so that buffers are there that calls share
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, tg := range targets(t) {
		t.Run(tg.name, func(t *testing.T) {
			honest := hostileRequest(tg.Honest())
			if err := tg.check(honest); err != nil {
				t.Fatal(err)
			}
			requests := tg.Requests(sizes...)
			if len(requests) < 60 || tg.Envelope && len(requests) < 600 {
				t.Fatalf("%d requests", len(requests))
			}
			defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
			unit := allocated(func() { _ = tg.check(honest) })
			limit := 10*unit + chunks.MaxLength + 1024
			for i := 0; i < len(requests); i += step {
				h := requests[i]
				r := hostileRequest(h)
				var err error
				check := func() { err = tg.check(r) }
				n := allocated(check)
				// A goroutine that moves to another thread finds other pools there.
				for again := 0; n > limit && again < 5; again++ {
					n = allocated(check)
				}
				if err == nil {
					t.Errorf("%s: accepted", h.Name)
				}
				if n > limit {
					t.Errorf("%s: %d bytes, an honest request allocates %d", h.Name, n, unit)
				}
			}
		})
		runtime.GC()
	}
}

// TestGuardBoundsSources holds texts from any source to the length that is read
// from a cookie.
func TestGuardBoundsSources(t *testing.T) {
	f := newFarm(t)
	for _, test := range []struct {
		length int
		want   error
	}{{chunks.MaxLength, sessiontoken.ErrInvalid}, {chunks.MaxLength + 1, cookie.ErrTooLong}} {
		g := new(cookie.Guard)
		g.Accept(func(*http.Request) (string, error) { return strings.Repeat("A", test.length), nil }, f.codec)
		if _, err := g.Check(request("")); err != test.want {
			t.Errorf("%d bytes: %v, want %v", test.length, err, test.want)
		}
	}
}

// nanoseconds is how long f takes, the least of a few attempts.
func nanoseconds(attempts int, f func()) float64 {
	best := math.Inf(1)
	for range attempts {
		n := 0
		start := time.Now()
		for ; time.Since(start) < 100*time.Microsecond; n++ {
			f()
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	return best
}

// BenchmarkHostile reports how much more the dearest request without a key
// costs than an honest one.
func BenchmarkHostile(b *testing.B) {
	for _, tg := range targets(b) {
		b.Run(strings.ReplaceAll(tg.name, " ", "_"), func(b *testing.B) {
			honest := hostileRequest(tg.Honest())
			dearest, ratio := "", 0.0
			for b.Loop() {
				unit := nanoseconds(200, func() { _ = tg.check(honest) })
				for _, h := range tg.Requests(hostileSizes()...) {
					r := hostileRequest(h)
					f := func() { _ = tg.check(r) }
					if nanoseconds(2, f)/unit > ratio { // it may be the dearest, or the machine was busy
						if x := nanoseconds(200, f) / unit; x > ratio {
							dearest, ratio = h.Name, x
						}
					}
				}
				b.ReportMetric(unit, "honest-ns")
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ratio, "x-honest")
			b.Log(dearest)
		})
	}
}
