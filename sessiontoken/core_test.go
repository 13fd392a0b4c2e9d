package sessiontoken_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/testvectors"
)

// coreNow is the time of these tests.
var coreNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// recordedRing is a ring of the vectors by name, or nil.
func recordedRing(name string) dataprotection.Repository {
	data, err := testvectors.Read("dataprotection_keyring.json")
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Rings []struct {
			Name     string
			Elements []string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		log.Fatal(err)
	}
	for _, r := range file.Rings {
		if r.Name == name {
			return dataprotection.Document([]byte("<repository>" + strings.Join(r.Elements, "") +
				"</repository>"))
		}
	}
	return nil
}

func coreRing(t testing.TB) *dataprotection.Ring {
	t.Helper()
	ring, err := dataprotection.Open(context.Background(), recordedRing("AES_256_CBC-HMACSHA256"),
		&dataprotection.RingOptions{
			ApplicationName: "SharedCookieApp", Interval: -1, Now: func() time.Time { return coreNow }})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func coreCodec(t testing.TB, purpose sessiontoken.Purpose, now time.Time) *sessiontoken.CoreCodec {
	t.Helper()
	c, err := sessiontoken.NewCoreCodec(coreRing(t), purpose,
		&sessiontoken.CoreOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The cookie of ASP.NET Core Identity: sign-in, and every request after it.
func ExampleNewCoreCodec() {
	ctx := context.Background()
	keys, err := dataprotection.Open(ctx, recordedRing("AES_256_GCM"), // or dataprotection.Path("/var/keys")
		&dataprotection.RingOptions{ApplicationName: "SharedCookieApp"})
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewCoreCodec(keys, sessiontoken.Cookie("Identity.Application"), nil)
	if err != nil {
		log.Fatal(err)
	}
	bob := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Identity.Application",
		Claims:             []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}},
	}}}
	text, err := codec.Encode(ctx, codec.NewTicket(bob, nil)) // of .AspNetCore.Identity.Application
	if err != nil {
		log.Fatal(err)
	}
	ticket, err := codec.Decode(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text[:5], ticket.Principal.Name())
	// Output: CfDJ8 bob
}

func coreUser(name string) *sessiontoken.Principal {
	return &sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Cookies",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: name}}}}}
}

// TestCorePurposes opens nothing under another scheme or for another use.
func TestCorePurposes(t *testing.T) {
	purposes := []sessiontoken.Purpose{sessiontoken.Cookie("Cookies"),
		sessiontoken.Cookie("cookies"), sessiontoken.AccessToken("Cookies"),
		sessiontoken.RefreshToken("Cookies")}
	lifetimes := []time.Duration{14 * 24 * time.Hour, 14 * 24 * time.Hour, time.Hour,
		14 * 24 * time.Hour}
	for i, p := range purposes {
		c := coreCodec(t, p, coreNow)
		ticket := c.NewTicket(coreUser("bob"), nil)
		if end, ok := ticket.Properties.Time(sessiontoken.PropertyExpires); !ok ||
			!end.Equal(coreNow.Add(lifetimes[i])) {
			t.Errorf("purpose %d ends at %v", i, end)
		}
		if _, got := ticket.Properties.Get(sessiontoken.PropertyIssued); got != (i < 2) {
			t.Errorf("purpose %d has .issued: %v", i, got)
		}
		text, err := c.Encode(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		for k, other := range purposes {
			got, err := coreCodec(t, other, coreNow).Decode(t.Context(), text)
			if i == k && (err != nil || got.Principal.Name() != "bob") ||
				i != k && err != sessiontoken.ErrInvalid {
				t.Errorf("purpose %d read as %d: %v, %v", i, k, got, err)
			}
		}
	}
	own := coreCodec(t,
		sessiontoken.Purposes("Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2"), coreNow)
	text, err := own.Encode(t.Context(), own.NewTicket(coreUser("bob"), nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := coreCodec(t, purposes[0], coreNow).Decode(t.Context(), text); err != nil ||
		got.Scheme != "Cookies" {
		t.Errorf("the purposes of Cookie: %v, %v", got, err)
	}
	for want, p := range map[string]sessiontoken.Purpose{"AuthorizationCode is for Katana": sessiontoken.AuthorizationCode(),
		"needs a purpose": {}} {
		if _, err := sessiontoken.NewCoreCodec(coreRing(t), p, nil); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestCoreTimes reads a ticket at its last moment and at the next tick.
func TestCoreTimes(t *testing.T) {
	c := coreCodec(t, sessiontoken.Cookie("Cookies"), coreNow)
	ticket := c.NewTicket(coreUser("bob"), nil)
	text, err := c.Encode(t.Context(), ticket)
	if err != nil {
		t.Fatal(err)
	}
	end := coreNow.Add(14 * 24 * time.Hour)
	for _, tt := range []struct {
		at   time.Time
		want error
	}{{coreNow.Add(-time.Hour), nil}, {end, nil}, {end.Add(100), sessiontoken.ErrExpired}} {
		_, err := coreCodec(t, sessiontoken.Cookie("Cookies"), tt.at).Decode(t.Context(), text)
		if !errors.Is(err, tt.want) {
			t.Errorf("at %v: %v, want %v", tt.at, err, tt.want)
		}
	}
	half := coreNow.Add(7 * 24 * time.Hour)
	if _, due := c.Traits().Renew(ticket, half); due {
		t.Error("due at half life")
	}
	renewed, due := c.Traits().Renew(ticket, half.Add(100))
	if until, _ := renewed.Properties.Time(sessiontoken.PropertyExpires); !due ||
		!until.Equal(half.Add(14*24*time.Hour)) {
		t.Errorf("renewed %v until %v", due, until)
	}
	ticket.Properties.Set(".refresh", "False")
	if _, due := c.Traits().Renew(ticket, half.Add(100)); due {
		t.Error("renewed in spite of .refresh")
	}
	for _, end := range []string{"", "2026-06-15T12:00:00Z"} {
		bad := *ticket
		bad.Properties = sessiontoken.Properties{{sessiontoken.PropertyExpires, end}}
		if text, err := c.Encode(t.Context(), &bad); err == nil {
			t.Errorf("issued with the end %q: %s", end, text)
		}
	}
	never := *ticket
	never.Properties = nil
	open, err := sessiontoken.NewCoreCodec(coreRing(t), sessiontoken.Cookie("Cookies"),
		&sessiontoken.CoreOptions{InsecureNoExpiry: true})
	if err != nil {
		t.Fatal(err)
	}
	if text, err = open.Encode(t.Context(), &never); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Decode(t.Context(), text); err != nil {
		t.Error(err)
	}
	if _, err := c.Decode(t.Context(), text); !errors.Is(err, sessiontoken.ErrUnsupported) {
		t.Errorf("without an end: %v", err)
	}
}

// TestCoreKeptElsewhere takes no reference to a SessionStore for a user.
func TestCoreKeptElsewhere(t *testing.T) {
	c := coreCodec(t, sessiontoken.Cookie("Cookies"), coreNow)
	for _, claim := range []string{"Microsoft.AspNetCore.Authentication.Cookies-SessionId",
		"Microsoft.Owin.Security.Cookies-SessionId"} {
		user := coreUser("bob")
		user.Identities[0].Claims = append(user.Identities[0].Claims,
			sessiontoken.Claim{Type: claim, Value: "key"})
		if text, err := c.Encode(t.Context(), c.NewTicket(user, nil)); err == nil || text != "" {
			t.Errorf("%s: issued %s", claim, text)
		}

		// As .NET issues it: a ticket with a claim of another type, exchanged.
		user.Identities[0].Claims[1].Type = strings.Repeat("x", len(claim))
		text, err := c.Encode(t.Context(), c.NewTicket(user, nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(t.Context(), exchange(t, text, strings.Repeat("x", len(claim)), claim))
		if got != nil || !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("%s: read as %v, %v", claim, got, err)
		}
	}
}

// exchange changes a part of what is protected, as whoever has the keys can.
func exchange(t *testing.T, text, old, with string) string {
	t.Helper()
	p, err := coreRing(t).Protector("Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2")
	if err != nil {
		t.Fatal(err)
	}
	protected, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := p.Unprotect(t.Context(), nil, protected)
	if err != nil || !bytes.Contains(plain, []byte(old)) {
		t.Fatalf("%q, %v", plain, err)
	}
	protected, err = p.Protect(nil, bytes.Replace(plain, []byte(old), []byte(with), 1))
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(protected)
}

// TestCorePrintsNothing prints a ticket with every verb and as JSON.
func TestCorePrintsNothing(t *testing.T) {
	c := coreCodec(t, sessiontoken.Cookie("Cookies"), coreNow)
	ticket := c.NewTicket(coreUser("5ecre7"),
		sessiontoken.Properties{{".Token.access_token", "5ecre7"}})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, ticket); strings.Contains(text, "5ecre7") ||
			strings.Contains(text, "356563") {
			t.Errorf("%s: %s", verb, text)
		}
	}
	ticket.Principal = coreUser("bob")
	if text, err := json.Marshal(ticket); err != nil || strings.Contains(string(text), "5ecre7") {
		t.Errorf("%s, %v", text, err)
	}
}

// coreVectors are recorded texts of the ring and scheme of these tests.
func coreVectors(f testing.TB) (texts []string) {
	f.Helper()
	data, err := testvectors.Read("aspnetcore_tickets.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Tickets, Texts []struct {
			Ring, ApplicationName, Text string
			Purposes                    []string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, v := range append(file.Tickets, file.Texts...) {
		if len(v.Text) < 4000 {
			texts = append(texts, v.Text)
		}
	}
	if len(texts) < 80 {
		f.Fatalf("%d seeds", len(texts))
	}
	return texts
}

// FuzzCoreDecode accepts what was recorded, in any text for the same bytes, and
// nothing else.
func FuzzCoreDecode(f *testing.F) {
	c, err := sessiontoken.NewCoreCodec(coreRing(f), sessiontoken.Cookie("Cookies"),
		&sessiontoken.CoreOptions{
			InsecureNoExpiry: true, Now: func() time.Time { return time.Time{} }})
	if err != nil {
		f.Fatal(err)
	}
	texts := coreVectors(f)
	plain := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "=", "", "%", "")
	known := map[string]bool{}
	for _, text := range texts {
		f.Add(text)
		if _, err := c.Decode(context.Background(), text); err == nil {
			known[plain.Replace(text)] = true
		}
	}
	if len(known) < 2 {
		f.Fatalf("%d good seeds", len(known))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := c.Decode(t.Context(), text)
		if (err == nil) != (got != nil) {
			t.Fatalf("%v with error %v", got, err)
		}
		if err == nil && !known[plain.Replace(text)] {
			t.Fatalf("accepted a text that nobody issued: %v", got)
		}
	})
}

// FuzzCoreEncode issues any ticket and reads it again.
func FuzzCoreEncode(f *testing.F) {
	c := coreCodec(f, sessiontoken.Cookie("Cookies"), coreNow)
	f.Add("name", "bob", "vt", "issuer", "k", "v", true)
	f.Add("", "", "", "", "", "", false)
	f.Add("\x00", "\xff", "\x00", "\x00", ".x", "", true)
	f.Fuzz(func(t *testing.T, claimType, value, valueType, issuer, key, text string, actor bool) {
		id := sessiontoken.Identity{AuthenticationType: value, NameClaimType: "n" + claimType,
			RoleClaimType: "r" + claimType, Claims: []sessiontoken.Claim{{Type: "t" + claimType,
				Value: value, ValueType: "v" + valueType, Issuer: "i" + issuer,
				OriginalIssuer: "o" + issuer, Properties: sessiontoken.Properties{{key, text}}}}}
		user := &sessiontoken.Principal{Identities: []sessiontoken.Identity{id, id}}
		if actor {
			user.Identities[1].Actor = &id
		}
		ticket := c.NewTicket(user, sessiontoken.Properties{{"p" + key, text}})
		issued, err := c.Encode(t.Context(), ticket)
		if err != nil {
			return
		}
		got, err := c.Decode(t.Context(), issued)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Principal, ticket.Principal) ||
			!reflect.DeepEqual(got.Properties, ticket.Properties) || got.Scheme != "Cookies" {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", got.Principal, ticket.Principal)
		}
	})
}

// coreBenchUser has so many claims.
func coreBenchUser(claims int) *sessiontoken.Principal {
	user := coreUser("bob")
	for i := range claims {
		user.Identities[0].Claims = append(user.Identities[0].Claims,
			sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole,
				Value: fmt.Sprintf("Region %d Sales", i)})
	}
	return user
}

// coreFloor is the floor of coreCodec for cookies, and a ticket of so many
// claims as bytes and as text.
func coreFloor(b *testing.B, c *sessiontoken.CoreCodec, claims int) (f *floor.Core, ticket *sessiontoken.CoreTicket, plain []byte, text string) {
	b.Helper()
	ticket = c.NewTicket(coreBenchUser(claims), nil)
	text, err := c.Encode(b.Context(), ticket)
	if err != nil {
		b.Fatal(err)
	}
	const class = "Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware"
	p, err := coreRing(b).Protector(class, "Cookies", "v2")
	if err != nil {
		b.Fatal(err)
	}
	protected, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		b.Fatal(err)
	}
	if plain, _, err = p.Unprotect(b.Context(), nil, protected); err != nil {
		b.Fatal(err)
	}
	return floor.NewCore(make([]byte, 64), false, "SharedCookieApp", class, "Cookies", "v2"),
		ticket, plain, text
}

// BenchmarkCoreDecode and BenchmarkCoreEncode compare with the floor, which
// parses and checks nothing.
func BenchmarkCoreDecode(b *testing.B) {
	c := coreCodec(b, sessiontoken.Cookie("Cookies"), coreNow)
	for _, claims := range []int{1, 40} {
		f, _, _, text := coreFloor(b, c, claims)
		b.Run(fmt.Sprintf("%dclaims", claims), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(b.Context(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%dclaims/floor", claims), func(b *testing.B) {
			for b.Loop() {
				if f.Read(text) == "" {
					b.Fatal()
				}
			}
		})
	}
}

func BenchmarkCoreEncode(b *testing.B) {
	c := coreCodec(b, sessiontoken.Cookie("Cookies"), coreNow)
	for _, claims := range []int{1, 40} {
		f, ticket, plain, _ := coreFloor(b, c, claims)
		b.Run(fmt.Sprintf("%dclaims", claims), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(b.Context(), ticket); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%dclaims/floor", claims), func(b *testing.B) {
			for b.Loop() {
				f.Write(plain)
			}
		})
	}
}

// TestCoreAllocations has no more of them for more claims.
func TestCoreAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool drops entries at random")
	}
	c := coreCodec(t, sessiontoken.Cookie("Cookies"), coreNow)
	ctx := context.Background()
	for _, claims := range []int{1, 40, 400} {
		ticket := c.NewTicket(coreBenchUser(claims), nil)
		text, err := c.Encode(ctx, ticket)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { c.Decode(ctx, text) }); n > 10 {
			t.Errorf("Decode of %d claims: %v allocations", claims, n)
		}
		if n := testing.AllocsPerRun(100, func() { c.Encode(ctx, ticket) }); n > 10 {
			t.Errorf("Encode of %d claims: %v allocations", claims, n)
		}
	}
}
