package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// A readiness probe. The answer says nothing of the cause, the log does.
func ExampleSite_Health() {
	path, remove := newSite()
	defer remove()
	site, err := cookie.LoadSite(path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := site.Health(ctx); err != nil {
			slog.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 200 ready
}

// healthStore is a store that can be away. It refuses writes.
type healthStore struct {
	err  error
	gets int
}

func (s *healthStore) Get(context.Context, string) ([]byte, time.Time, error) {
	s.gets++
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	return nil, time.Time{}, sessiontoken.ErrNotInStore
}

func (*healthStore) Put(context.Context, string, []byte, time.Time) error {
	panic("a probe writes")
}
func (*healthStore) Delete(context.Context, string) error { panic("a probe deletes") }

// TestHealth makes a round trip with every kind of credential of a site.
func TestHealth(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	every := []cookie.Credential{{Kind: cookie.KindFedAuth}, {Kind: cookie.KindForms},
		{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}, {Kind: cookie.KindCore},
		{Kind: cookie.KindBearer}, {Kind: cookie.KindBearer, AuthenticationType: "BearerToken"},
		{Kind: cookie.KindSQSession, Name: "SQSession"}}
	store := new(healthStore)
	o := cookie.SiteOptions{Now: on2026, DataProtection: freshCoreRing(t, on2026()),
		Credentials: every, Sessions: cookie.SessionsOptions{Store: store}}
	site, err := cookie.NewSite(cfg, &o)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"FedAuth", "Forms", "Katana", "Core", "Bearer", "SQSession"} {
		if !strings.Contains(site.String(), what+" ") {
			t.Fatalf("no %s in\n%s", what, site)
		}
	}
	if err := site.Health(t.Context()); err != nil || store.gets != 1 {
		t.Errorf("%v, %d questions", err, store.gets)
	}
	store.err = errStore
	if err := site.Health(t.Context()); !errors.Is(err, errStore) ||
		err.Error() != "cookie: store: "+errStore.Error() {
		t.Errorf("store away: %v", err)
	}

	// What was added to the guard counts too.
	store.err = nil
	n, away := newFarmNode(t), &healthStore{err: errStore}
	codec, err := sessiontoken.NewSessionCodec(n.ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Store: away,
		Cookie: &http.Cookie{Name: "Own"}})
	if err != nil {
		t.Fatal(err)
	}
	site.AcceptSessions(own)
	site.Accept(cookie.From(cookie.KindFedAuth, "Other"), newReader())
	if err := site.Health(t.Context()); err == nil ||
		err.Error() != "cookie: store of Own: "+errStore.Error() {
		t.Errorf("own store away: %v", err)
	}
}

// TestHealthCodecStore has the store of a codec away, in which its sessions lie.
func TestHealthCodecStore(t *testing.T) {
	n, store := newFarmNode(t), new(healthStore)
	wif, err := sessiontoken.NewSessionCodec(n.ring, &sessiontoken.SessionOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	katana, err := sessiontoken.NewKatanaCodec(n.ring, sessiontoken.Cookie("ApplicationCookie"),
		&sessiontoken.KatanaOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, codec := range []sessiontoken.Reader{wif, katana} {
		for _, own := range []sessiontoken.Store{nil, new(healthStore)} {
			site := healthSite(t)
			sessions, err := cookie.NewSessions(codec, &cookie.SessionsOptions{Store: own,
				Cookie: &http.Cookie{Name: "Own"}})
			if err != nil {
				t.Fatal(err)
			}
			site.AcceptSessions(sessions)
			store.err = nil
			if err := site.Health(t.Context()); err != nil {
				t.Errorf("%T: %v", codec, err)
			}
			store.err = errStore
			if err := site.Health(t.Context()); err == nil ||
				err.Error() != "cookie: store of Own: "+errStore.Error() {
				t.Errorf("%T: %v", codec, err)
			}
		}
		site := healthSite(t)
		site.Accept(cookie.From(cookie.KindFedAuth, "Other"), codec)
		if err := site.Health(t.Context()); !errors.Is(err, errStore) {
			t.Errorf("%T without sessions: %v", codec, err)
		}
	}
}

// healthSite is a site with a cookie of ASP.NET Core alone.
func healthSite(t *testing.T) *cookie.Site {
	site, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{Now: on2026,
		DataProtection: freshCoreRing(t, on2026()),
		Credentials:    []cookie.Credential{{Kind: cookie.KindCore}}})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// TestHealthRoundTrip finds a codec that does not read what it writes.
func TestHealthRoundTrip(t *testing.T) {
	ring := newTestRing(t)
	for _, tt := range []struct{ name, field, want string }{
		{"another text", "open", "not a valid credential"},
		{"nothing", "seal", "cannot be written"},
	} {
		lame, err := sessiontoken.NewSessionCodec(ring,
			&sessiontoken.SessionOptions{Transforms: []sessiontoken.Protector{lameTransform(tt.field)}})
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := cookie.NewSessions(lame, nil)
		if err != nil {
			t.Fatal(err)
		}
		site, err := loadKnown(siteFile(t, "wif45-fedauth.config"), &cookie.SiteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		site.AcceptSessions(sessions)
		if err := site.Health(t.Context()); err == nil ||
			!strings.HasPrefix(err.Error(), "cookie: FedAuth: ") ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestHealthRing wants the faults of a key ring that no user would bear, and no
// others.
func TestHealthRing(t *testing.T) {
	random := seed.Of(t)
	good := testkit.CoreKey(1, on2026(), random.Bytes(64))
	// The node has no certificate for the key that protects now.
	sealed := testkit.CoreKey(2, on2026(), random.Bytes(64))
	i, j := strings.Index(sealed, "<masterKey>"), strings.Index(sealed, "</masterKey>")
	sealed = sealed[:i] +
		`<encryptedSecret decryptorType="Microsoft.AspNetCore.DataProtection.XmlEncryption.DpapiXmlDecryptor, X" ` +
		`xmlns="http://schemas.asp.net/2015/03/dataProtection"><encryptedKey/></encryptedSecret>` +
		sealed[j+len("</masterKey>"):]
	older := strings.NewReplacer("25a2", "25a0", on2026().AddDate(0, 0, -8).Format(time.RFC3339),
		on2026().AddDate(0, 0, -20).Format(time.RFC3339)).Replace(sealed)
	away := errors.New("repository: no route")

	clock := testkit.NewClock(on2026())
	repository := &coreRepository{elements: []string{good}}
	ring, err := dataprotection.Open(t.Context(), repository,
		&dataprotection.RingOptions{Interval: 48 * time.Hour, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	site, err := cookie.NewSite(machinekey.Config{},
		&cookie.SiteOptions{DataProtection: ring, Now: clock.Now,
			Credentials: []cookie.Credential{{Kind: cookie.KindCore}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(step, want string) {
		t.Helper()
		err := site.Health(t.Context())
		if want == "" && err != nil || want != "" &&
			(err == nil || !strings.Contains(err.Error(), want) ||
				!strings.HasPrefix(err.Error(), "cookie: key ring: dataprotection: ")) {
			t.Errorf("%s: %v, want %q", step, err, want)
		}
	}
	read := func(elements ...string) {
		t.Helper()
		repository.elements = elements
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check("fresh", "")
	read(good, older)
	check("an older key cannot be used", "")
	read(good, sealed)
	check("the key of the nodes cannot be used",
		"nodes protect with a key that cannot be used here")
	read()
	check("no key", "no key")
	read(good)

	repository.err = away
	clock.Move(24 * time.Hour)
	check("a day old", "")
	clock.Move(1)
	check("older",
		"the keys were read 24h0m0s ago: dataprotection: reading the key ring: repository: no route")
	if err := site.Health(t.Context()); !errors.Is(err, away) {
		t.Error(err)
	}
	repository.err = nil
	check("read again", "")
	repository.err = away
	check("and young", "")
}

// lameTransform is a transform that fails in one direction.
type lameTransform string

func (l lameTransform) Protect(dst, data []byte) ([]byte, error) {
	if l == "seal" {
		return nil, errors.New("cannot be written")
	}
	return append(dst, data...), nil
}

func (lameTransform) Unprotect(context.Context, []byte, []byte) ([]byte, string, error) {
	return nil, "", errors.New("cannot be read")
}
