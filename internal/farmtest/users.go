// Package farmtest is what tests of several packages and modules share: users
// whose sessions are in a store, behind a cookie.Guard, servers that a test can
// kill and start again, and a site to try examples on. Production code does not
// import it.
package farmtest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Name is the name of the user, in no other text of the tests.
const Name = "Wilhelmina Quartermaine"

// Users are one user with two sessions in a store: a WIF token in reference
// mode, and a ticket in Katana's session store.
type Users struct {
	session *sessiontoken.SessionCodec
	katana  *sessiontoken.KatanaCodec
	guard   cookie.Guard
	cookies map[string]string
}

// SignIn puts both sessions into a store.
func SignIn(t *testing.T, store sessiontoken.Store) *Users {
	t.Helper()
	u := &Users{cookies: map[string]string{}}
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	if u.session, err = sessiontoken.NewSessionCodec(ring,
		&sessiontoken.SessionOptions{Store: store}); err != nil {
		t.Fatal(err)
	}
	if u.katana, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"),
		&sessiontoken.KatanaOptions{Store: store}); err != nil {
		t.Fatal(err)
	}
	u.guard.Accept(cookie.From(cookie.KindFedAuth, ""), u.session)
	u.guard.Accept(cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"), u.katana)
	if err := u.issue(); err != nil {
		t.Fatal(err)
	}
	return u
}

func identity() sessiontoken.Identity {
	return sessiontoken.Identity{AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: Name}}}
}

// issue signs the user in anew with both credentials.
func (u *Users) issue() error {
	ctx := context.Background()
	token, err := u.session.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{identity()}})
	if err != nil {
		return err
	}
	token.ReferenceMode = true
	text, err := u.session.Encode(ctx, token)
	if err != nil {
		return err
	}
	ticket, err := u.katana.Encode(ctx, u.katana.NewTicket(identity(), nil))
	if err != nil {
		return err
	}
	u.cookies["FedAuth"], u.cookies[".AspNet.ApplicationCookie"] = text, ticket
	return nil
}

// statuses asks for a page with each cookie.
func (u *Users) statuses() map[string]int {
	page := u.guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := cookie.FromContext(r.Context()); !ok || p.Name() != Name {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	got := map[string]int{}
	for name, text := range u.cookies {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", name+"="+text)
		page.ServeHTTP(w, r)
		got[name] = w.Code
	}
	return got
}

// Want wants that status for a request with either cookie.
func (u *Users) Want(t *testing.T, status int) {
	t.Helper()
	for name, got := range u.statuses() {
		if got != status {
			t.Errorf("%s: status %d, want %d", name, got, status)
		}
	}
}

// SignOut ends the session of Katana's ticket, and wants it to be over.
func (u *Users) SignOut(t *testing.T) {
	t.Helper()
	ctx, name := context.Background(), ".AspNet.ApplicationCookie"
	ticket, err := u.katana.Decode(ctx, u.cookies[name])
	if err != nil {
		t.Fatal(err)
	}
	if err := u.katana.Delete(ctx, ticket); err != nil {
		t.Fatal(err)
	}
	if got := u.statuses()[name]; got != http.StatusUnauthorized {
		t.Errorf("%s after sign-out: status %d", name, got)
	}
}

// Sessions wants both kinds of session to work on a store, and what rawData
// returns, all that the backend holds, not to show whose they are.
func Sessions(t *testing.T, store sessiontoken.Store, rawData func() []byte) {
	t.Helper()
	u := SignIn(t, store)
	u.Want(t, http.StatusOK)
	raw := rawData()
	if len(raw) < 500 {
		t.Errorf("%d bytes at rest", len(raw))
	}
	var wide []byte
	for _, unit := range utf16.Encode([]rune(Name)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for _, plain := range [][]byte{[]byte(Name), wide, []byte("claims/name"),
		[]byte("ApplicationCookie"), []byte("SessionSecurityToken")} {
		if bytes.Contains(raw, plain) {
			t.Errorf("%q is in the data at rest", plain)
		}
	}
	u.SignOut(t)
}

// Outage kills the server behind a store in the middle, and wants errors and
// status 503 but nobody signed out, and all as before when it is back.
func Outage(t *testing.T, store sessiontoken.Store, server *Server) {
	t.Helper()
	ctx := context.Background()
	expires := time.Now().Add(time.Hour)
	u := SignIn(t, store)
	u.Want(t, http.StatusOK)
	if err := store.Put(ctx, "survives", []byte("data"), expires); err != nil {
		t.Fatal(err)
	}

	server.Kill(t)
	for range 2 {
		_, _, known := store.Get(ctx, "survives")
		_, _, unknown := store.Get(ctx, "unknown")
		for call, err := range map[string]error{
			"Get":             known,
			"Get of no entry": unknown,
			"Put":             store.Put(ctx, "new", []byte("data"), expires),
			"Delete":          store.Delete(ctx, "survives"),
		} {
			if err == nil || errors.Is(err, sessiontoken.ErrNotInStore) {
				t.Errorf("%s during the outage: %v", call, err)
			}
		}
		u.Want(t, http.StatusServiceUnavailable)
	}
	if u.issue() == nil {
		t.Error("signed in during the outage")
	}

	server.Start(t)
	if err := Eventually(func() error { return store.Put(ctx, "new", []byte("data"), expires) }); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"survives", "new"} {
		if data, _, err := store.Get(ctx, key); err != nil || string(data) != "data" {
			t.Errorf("%s after the outage: %q, %v", key, data, err)
		}
	}
	if _, _, err := store.Get(ctx, "unknown"); !errors.Is(err, sessiontoken.ErrNotInStore) {
		t.Errorf("unknown after the outage: %v", err)
	}
	u.Want(t, http.StatusOK)
	if err := u.issue(); err != nil {
		t.Error(err)
	}
	u.Want(t, http.StatusOK)
	u.SignOut(t)
}
