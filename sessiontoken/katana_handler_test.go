package sessiontoken

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// katanaHandlerJSON is a run of a whole middleware. Of it these tests use what
// concerns the ticket; headers, status and attributes of cookies are for
// package cookie.
type katanaHandlerJSON struct {
	ID, Key       string
	Now           time.Time
	Options       katanaHandlerOptions
	CookieHeader  string
	Authorization string
	Authenticated *bool
	Ticket        *katanaTicketJSON
	NewTicket     *katanaTicketJSON
	SignIn        *katanaTicketJSON
	SetCookie     []string
	StoreLog      []string
	Purposes      []string
	Text          string
	ExpiresIn     int
}

type katanaHandlerOptions struct {
	AuthenticationType, SessionStore, NextSessionKey string
	SlidingExpiration                                *bool
	ExpireSeconds                                    int
}

// codec returns the codec that stands for the middleware of a run.
func (f *katanaFileJSON) handlerCodec(t *testing.T, h *katanaHandlerJSON, opts KatanaOptions) *KatanaCodec {
	t.Helper()
	opts.Now = func() time.Time { return h.Now.Add(999 * time.Millisecond) } // the fraction must not matter
	opts.Lifetime = time.Duration(h.Options.ExpireSeconds) * time.Second
	purpose := Cookie(h.Options.AuthenticationType)
	switch {
	case h.Authorization != "", h.Purposes != nil && h.Purposes[1] == "Access_Token":
		purpose = AccessToken("Bearer")
	case h.Purposes != nil && h.Purposes[1] == "Refresh_Token":
		purpose = RefreshToken("Bearer")
	case h.Purposes != nil && h.Purposes[1] == "Authentication_Code":
		purpose = AuthorizationCode()
	}
	c, err := NewKatanaCodec(f.ring(t, h.Key), purpose, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sent returns the value of the cookie that the run set, its chunks joined.
func (h *katanaHandlerJSON) sent(t *testing.T) string {
	t.Helper()
	joined := ""
	for _, line := range h.SetCookie {
		pair, _, _ := strings.Cut(line, ";")
		_, value, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("Set-Cookie %q", line)
		}
		if !strings.HasPrefix(value, "chunks:") {
			joined += value
		}
	}
	return joined
}

func (f *katanaFileJSON) handler(t *testing.T, id string) *katanaHandlerJSON {
	t.Helper()
	for i := range f.Handler {
		if strings.HasPrefix(f.Handler[i].ID, id+"-") {
			return &f.Handler[i]
		}
	}
	t.Fatalf("no run %q", id)
	return nil
}

func TestKatanaHandlerVectors(t *testing.T) {
	f := readKatanaFile(t)
	n := map[string]int{}
	for i := range f.Handler {
		h := &f.Handler[i]
		t.Run(h.ID, func(t *testing.T) {
			switch {
			case strings.Contains(h.ID, "-store-"), strings.Contains(h.ID, "-ref-"):
				n["store"]++
				f.runStore(t, h)
			case h.SignIn != nil:
				n["sign-in"]++
				f.runSignIn(t, h)
			case h.Text != "":
				n["issued"]++
				f.runRead(t, h, h.Text)
			case h.Authorization != "":
				n["bearer"]++
				scheme, token, _ := strings.Cut(h.Authorization, " ")
				if !strings.EqualFold(scheme, "Bearer") {
					if *h.Authenticated {
						t.Fatal("authenticated by another scheme")
					}
					return
				}
				f.runRead(t, h, token)
			default:
				n["cookie"]++
				_, value, _ := strings.Cut(h.CookieHeader, "=")
				f.runRead(t, h, value)
			}
		})
	}
	if n["store"] != 7 || n["sign-in"] != 7 || n["issued"] != 3 || n["bearer"] != 5 ||
		n["cookie"] != 13 {
		t.Errorf("ran %v", n)
	}
}

// runRead reads, and renews where the middleware does.
func (f *katanaFileJSON) runRead(t *testing.T, h *katanaHandlerJSON, value string) {
	neverExpires := h.Ticket != nil && h.Ticket.ExpiresUTC == nil
	if neverExpires {
		got, err := f.handlerCodec(t, h, KatanaOptions{}).Decode(ctx, value)
		if got != nil || !errors.Is(err, ErrUnsupported) {
			t.Fatalf("never expires: %v, %v", got, err)
		}
	}
	c := f.handlerCodec(t, h, KatanaOptions{InsecureNoExpiry: neverExpires})
	got, err := c.Decode(ctx, value)
	if h.Authenticated != nil && !*h.Authenticated {
		if got != nil || !errors.Is(err, ErrExpired) {
			t.Fatalf("%v, %v", got, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sliding := h.Options.SlidingExpiration == nil || *h.Options.SlidingExpiration
	if sliding && h.CookieHeader != "" {
		before := *got
		renewed, ok := got.renew(c.o.Now())
		if ok != (h.NewTicket != nil) {
			t.Fatalf("renewed %v", ok)
		}
		if d := before.Properties; ok && (&d[0] == &renewed.Properties[0] ||
			got.Properties[0] != before.Properties[0]) {
			t.Fatal("Renew changes its receiver")
		}
		if ok { // the run shows the ticket after renewal
			got = renewed
			compareSent(t, h, c, got)
		}
	}
	if d := h.Ticket.diff(got); d != "" {
		t.Fatalf("differs from what .NET read (-want +got):\n%s", d)
	}
	if h.ExpiresIn != 0 {
		issued, _ := got.Properties.Time(PropertyIssued)
		expires, _ := got.Properties.Time(PropertyExpires)
		if int(expires.Sub(issued)/time.Second) != h.ExpiresIn {
			t.Errorf("expires in %v", expires.Sub(issued))
		}
		// The same ticket from its claims and the application's property.
		made := c.NewTicket(got.Identity, Properties{got.Properties[0]})
		if d := h.Ticket.diff(made); d != "" {
			t.Errorf("NewTicket differs (-want +got):\n%s", d)
		}
	}
}

// compareSent compares a ticket with the one in the cookie that .NET sent, and
// sends it ourselves.
func compareSent(t *testing.T, h *katanaHandlerJSON, c *KatanaCodec, ticket *KatanaTicket) {
	t.Helper()
	if h.NewTicket != nil {
		if d := h.NewTicket.diff(ticket); d != "" {
			t.Fatalf("differs from what .NET issued (-want +got):\n%s", d)
		}
	}
	same := cmp.Options{ignoreKatanaKey, cmpopts.IgnoreFields(KatanaTicket{}, "SessionKey")}
	if d := cmp.Diff(inside(t, c, h.sent(t)), ticket, same); d != "" {
		t.Fatalf("differs from what .NET sent (-want +got):\n%s", d)
	}
	text, err := c.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(inside(t, c, text), ticket, same); d != "" {
		t.Fatalf("differs from what was sent (-sent +given):\n%s", d)
	}
}

func (f *katanaFileJSON) runSignIn(t *testing.T, h *katanaHandlerJSON) {
	c := f.handlerCodec(t, h, KatanaOptions{})
	ticket := c.NewTicket(h.SignIn.ticket("3").Identity, properties(h.SignIn.Properties))
	// Encode fills in what the claims leave out; a reader sees it.
	plain, err := ticket.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.unmarshal(plain); err != nil {
		t.Fatal(err)
	}
	compareSent(t, h, c, ticket)
}

// runStore plays the runs with a session store. What .NET had in its store is
// made from the sign-in, the first of them.
func (f *katanaFileJSON) runStore(t *testing.T, h *katanaHandlerJSON) {
	first := f.handler(t, "pub-151")
	store := mapStore{}
	signIn := f.handlerCodec(t, first, KatanaOptions{Store: store})
	ticket := signIn.NewTicket(first.SignIn.ticket("3").Identity, nil)
	ticket.SessionKey = machinekey.NewSecret([]byte(first.Options.NextSessionKey))
	text, err := signIn.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	name := signIn.storeKey(first.Options.NextSessionKey)
	if len(store) != 1 || store[name] == nil {
		t.Fatalf("stored %v", store)
	}

	if h == first {
		// The references of both sides are the same ticket.
		for _, value := range []string{text, h.sent(t)} {
			if d := h.NewTicket.diff(inside(t, signIn, value)); d != "" {
				t.Errorf("reference differs (-want +got):\n%s", d)
			}
		}
		return
	}

	_, value, _ := strings.Cut(h.CookieHeader, "=")
	opts := KatanaOptions{Store: store}
	switch h.Options.SessionStore {
	case "stpublic":
	case "stpublicx":
		clear(store)
	case "":
		opts.Store = nil
	default:
		t.Fatalf("store %q", h.Options.SessionStore)
	}
	c := f.handlerCodec(t, h, opts)
	got, err := c.Decode(ctx, value)
	want, removed := error(nil), false
	switch h.ID[4:7] {
	case "154":
		want, removed = ErrNotInStore, true
	case "155":
		want = errKatanaWhole
	case "156":
		want, removed = ErrExpired, true
	case "157":
		want = errKatanaNoStore // here .NET lets a reference in
	}
	if !errors.Is(err, want) || (got == nil) != (want != nil) {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
	if (store[name] == nil) != removed {
		t.Errorf("store holds %d entries", len(store))
	}
	if want != nil {
		return
	}
	renewed, ok := got.renew(c.o.Now())
	if ok != (h.NewTicket != nil) {
		t.Fatalf("renewed %v", ok)
	}
	if ok {
		text, err := c.Encode(ctx, renewed)
		if err != nil {
			t.Fatal(err)
		}
		if len(store) != 1 {
			t.Errorf("store holds %d entries", len(store))
		}
		if d := h.NewTicket.diff(inside(t, c, text)); d != "" {
			t.Errorf("reference differs (-want +got):\n%s", d)
		}
		if got, err = c.Decode(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	if d := h.Ticket.diff(got); d != "" {
		t.Fatalf("differs from what .NET read (-want +got):\n%s", d)
	}
	if key := string(got.SessionKey.Reveal()); key != first.Options.NextSessionKey {
		t.Errorf("key %q", key)
	}
	if err := c.Delete(ctx, got); err != nil || len(store) != 0 {
		t.Errorf("Delete: %v, %d entries left", err, len(store))
	}
}

// inside returns the ticket in a text itself, also if it is a reference.
func inside(t *testing.T, c *KatanaCodec, text string) *KatanaTicket {
	t.Helper()
	protected, ok := katana.AppendTextDecode(nil, text)
	if !ok {
		t.Fatal("text")
	}
	packed, _, err := c.protector.Unprotect(ctx, nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := flate.Gunzip(nil, packed, limits.Token)
	if err != nil {
		t.Fatal(err)
	}
	var ticket KatanaTicket
	if err := ticket.unmarshal(plain); err != nil {
		t.Fatal(err)
	}
	return &ticket
}
