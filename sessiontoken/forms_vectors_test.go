package sessiontoken

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// The JSON of formsauth.json and cookieprotection.json.

type formsVector struct {
	Name, Op, Layout, CookieEncoding, KeyName       string
	MachineKey                                      map[string]string
	AppSettings                                     map[string]bool
	Forms                                           struct{ Protection string }
	Ticket, Expected                                *formsTicketJSON
	Random, SerializedTicket, Cookie                string
	Ciphertext, InnerMAC, OuterMAC, IV, MAC         string
	DerivedEncryptionKey, DerivedValidationKey      string
	Valid, LoneSurrogate, TooLongToDecrypt, Renewed bool
	Error, Mutation, Reason, Note, Now              string
	NowUTCTicks, NewIssueDateUTCTicks               int64
	NewExpirationUTCTicks                           int64
	CookieProtection, PrimaryPurpose, Payload       string // cookieprotection.json
	AnonymousID, Data, Token                        string
	ExpirationUTCTicks                              int64
	Expiration                                      string
}

type formsTicketJSON struct {
	Version                                         int
	Name, UserData, CookiePath                      string
	NameUTF16LE, UserDataUTF16LE, CookiePathUTF16LE string
	IssueDateUTCTicks, ExpirationUTCTicks           int64
	IssueDate, Expiration                           string
	IsPersistent                                    bool
}

// The switches of appSettings that the vectors use.
const (
	switchUnsigned  = "aspnet:UseLegacyEncryption"
	switchOldLayout = "aspnet:UseLegacyFormsAuthenticationTicketCompatibility"
)

func readFormsVectors(t testing.TB, name string, want int) []formsVector {
	t.Helper()
	var f struct {
		Format             int
		File, Note, Source string
		Vectors            []formsVector
	}
	testkit.StrictJSON(t, name, &f)
	if len(f.Vectors) != want {
		t.Fatalf("%s: %d vectors, want %d", name, len(f.Vectors), want)
	}
	return f.Vectors
}

func formsVectors(t testing.TB) []formsVector { return readFormsVectors(t, "formsauth.json", 226) }

func formsVectorNamed(t testing.TB, name string) *formsVector {
	t.Helper()
	for _, v := range formsVectors(t) {
		if v.Name == name {
			return &v
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

// ring returns a ring with the vector's key, which draws its random numbers
// from the vector if it has any.
func (v *formsVector) ring(t testing.TB) *machinekey.Ring {
	t.Helper()
	return ringOf(t, v.key(t, ""))
}

// key returns the vector's key, in another mode than its own if mode is given.
func (v *formsVector) key(t testing.TB, mode string) *machinekey.Key {
	t.Helper()
	attributes := ""
	for name, value := range v.MachineKey {
		if name == "compatibilityMode" && mode != "" {
			value = mode
		}
		attributes += fmt.Sprintf(" %s=%q", name, value)
	}
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(
		"<configuration><system.web><machineKey" + attributes + "/></system.web></configuration>"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	if v.Random != "" {
		cfg.Rand = bytes.NewReader(testkit.Unhex(t, v.Random))
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func protectionNamed(t testing.TB, name string) machinekey.Protection {
	t.Helper()
	for _, p := range []machinekey.Protection{machinekey.ProtectionAll,
		machinekey.ProtectionEncryption,
		machinekey.ProtectionValidation, machinekey.InsecureProtectionNone} {
		if name == "" || string(p) == name {
			return p
		}
	}
	t.Fatalf("protection %q", name)
	return ""
}

// codec returns a codec that is set up as the vector's site, at a time.
func (v *formsVector) codec(t testing.TB, now time.Time) *FormsCodec {
	t.Helper()
	c, err := NewFormsCodec(v.ring(t), &FormsOptions{
		Protection:        protectionNamed(t, v.Forms.Protection),
		InsecureUnsigned:  v.AppSettings[switchUnsigned],
		InsecureOldLayout: v.AppSettings[switchOldLayout],
		Now:               func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tickTimeOf(t testing.TB, n int64) time.Time {
	t.Helper()
	at, ok := dotnet.Time(n)
	if !ok {
		t.Fatalf("ticks %d", n)
	}
	return at
}

// ticket makes the FormsTicket that j describes.
func (j *formsTicketJSON) ticket(t testing.TB) *FormsTicket {
	t.Helper()
	got := &FormsTicket{
		Version: byte(j.Version), Name: j.Name, UserData: j.UserData, CookiePath: j.CookiePath, Persistent: j.IsPersistent,
		IssueDate: tickTimeOf(t, j.IssueDateUTCTicks), Expiration: tickTimeOf(t, j.ExpirationUTCTicks),
	}
	return got
}

// insecure says that the vector's cookie may be read, but not issued.
func (v *formsVector) insecure() bool {
	if v.Layout == "framework20" {
		return true
	}
	return v.MachineKey["compatibilityMode"] != "Framework45" &&
		(v.AppSettings[switchUnsigned] || v.Forms.Protection == "None")
}

// unsupported says that the ticket's texts are none that Go can hold.
func (v *formsVector) unsupported() bool {
	return v.Layout != "framework20" && (v.LoneSurrogate || strings.Contains(v.Ticket.Name, "\x00"))
}

func TestFormsVectorsRead(t *testing.T) {
	read, refused, unsupported := 0, 0, 0
	for _, v := range formsVectors(t) {
		if v.Op == "renew" || v.Cookie == "" && v.Layout != "" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
			want := v.Expected
			if want == nil {
				want = v.Ticket
			}
			if want != nil {
				now = want.ticket(t).Expiration
			}
			c := v.codec(t, now)
			got, err := c.Decode(ctx, v.Cookie)
			if a := anatomy.Of(ctx, c.Decode, v.Cookie); fmt.Sprint(a.Err) != fmt.Sprint(err) ||
				a.Layers[len(a.Layers)-1].Err != a.Err {
				t.Errorf("Inspect says %v, Decode %v", a.Err, err)
			}
			switch {
			case !v.Valid || v.TooLongToDecrypt:
				refused++
				if got != nil || !errors.Is(err, ErrInvalid) {
					t.Fatalf("got %v, %v; .NET says %s", got, err, v.Error)
				}
				if errors.Is(err, layer.ErrTooLong) != (len(v.Cookie) > 4096) {
					t.Errorf("%d characters: %v", len(v.Cookie), err)
				}
				return
			case v.unsupported():
				unsupported++
				var at *FormatError
				if got != nil || !errors.Is(err, ErrUnsupported) || !errors.As(err, &at) {
					t.Fatalf("got %v, %v", got, err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			read++
			if got.OpenedBy() == "" {
				t.Error("OpenedBy is empty")
			}
			got.openedBy = ""
			if w := want.ticket(t); !reflect.DeepEqual(got, w) {
				t.Fatalf("got  %s %q\nwant %s %q", got, got.UserData, w, w.UserData)
			}
			if got.Expiration.Before(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)) { // 100 ns later
				if _, err := v.codec(t, now.Add(100)).Decode(ctx,
					v.Cookie); !errors.Is(err, ErrExpired) {
					t.Errorf("one tick after its end: %v", err)
				}
			}
		})
	}
	t.Logf("%d read, %d refused as in .NET, %d refused for their text", read, refused, unsupported)
	if read < 120 || unsupported != 6 {
		t.Error("too few")
	}
}

func TestFormsVectorsIssue(t *testing.T) {
	issued := 0
	for _, v := range formsVectors(t) {
		if v.Op != "formsEncrypt" {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			ticket := v.Ticket.ticket(t)
			c := v.codec(t, ticket.IssueDate)
			if v.LoneSurrogate {
				ticket.Name = "x\xed\xa0\x80y" // what JSON could not hold
			}
			text, err := c.Encode(ctx, ticket)
			if err == nil && v.CookieEncoding == "urltoken" {
				text = asURLToken(t, text)
			}
			switch {
			case v.insecure() || v.unsupported() || !v.Valid:
				if text != "" || err == nil {
					t.Fatalf("issued %q", text)
				}
			case v.TooLongToDecrypt:
				if !errors.Is(err, layer.ErrTooLong) || text != "" {
					t.Fatalf("issued %d characters, %v", len(text), err)
				}
			case err != nil:
				t.Fatal(err)
			case text != v.Cookie:
				t.Fatalf("got  %s\nwant %s", text, v.Cookie)
			default:
				issued++
			}
		})
	}
	t.Logf("%d issued byte for byte", issued)
	if issued != 74 {
		t.Error("too few")
	}
}

// TestFormsVectorsLayout reads and writes the ticket inside every cookie, also
// of those that are never issued.
func TestFormsVectorsLayout(t *testing.T) {
	layouts := map[string]int{}
	for _, v := range formsVectors(t) {
		if v.SerializedTicket == "" {
			continue
		}
		blob := testkit.Unhex(t, v.SerializedTicket)
		var got FormsTicket
		err := readForms(&got, blob, v.Layout == "framework20")
		if v.unsupported() {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		layouts[v.Layout]++
		want := v.Ticket
		if v.Expected != nil {
			want = v.Expected
		}
		if w := want.ticket(t); err != nil || !reflect.DeepEqual(&got, w) {
			t.Errorf("%s: %v, %v", v.Name, got, err)
		}
		if v.Layout == "framework20" || v.TooLongToDecrypt {
			continue
		}
		if again, err := got.bytes().Append(nil); err != nil ||
			hex.EncodeToString(again) != v.SerializedTicket {
			t.Errorf("%s: %v\ngot  %x\nwant %s", v.Name, err, again, v.SerializedTicket)
		}
	}
	if layouts["serializer"] < 80 || layouts["framework20"] < 35 {
		t.Error(layouts)
	}
}

func TestFormsVectorsRenew(t *testing.T) {
	n := 0
	for _, v := range formsVectors(t) {
		if v.Op != "renew" {
			continue
		}
		n++
		ticket := v.Ticket.ticket(t)
		got, renewed := ticket.renew(tickTimeOf(t, v.NowUTCTicks))
		want := *ticket
		want.IssueDate, want.Expiration = tickTimeOf(t, v.NewIssueDateUTCTicks), tickTimeOf(t,
			v.NewExpirationUTCTicks)
		if renewed != v.Renewed || *got != want || !renewed && got != ticket {
			t.Errorf("%s: %v, %v", v.Name, got, renewed)
		}
	}
	if n != 6 {
		t.Error(n)
	}
}

func TestCookieProtectionVectors(t *testing.T) {
	ran := map[string]int{}
	for _, v := range readFormsVectors(t, "cookieprotection.json", 39) {
		ran[v.Op]++
		t.Run(v.Name, func(t *testing.T) {
			if v.Op == "urlToken" {
				got, err := fromURLToken(v.Token)
				if err != nil || hex.EncodeToString(got) != v.Data || urlToken(got) != v.Token {
					t.Fatalf("%x, %v", got, err)
				}
				return
			}
			protection := protectionNamed(t, v.CookieProtection)
			if v.PrimaryPurpose == machinekey.RolePurpose {
				v.runRole(t, protection)
			} else {
				v.runAnonymous(t, protection)
			}
		})
	}
	if ran["cookieEncode"] != 18 || ran["cookieDecode"] != 12 || ran["urlToken"] != 9 {
		t.Error(ran)
	}
}

func (v *formsVector) runRole(t *testing.T, protection machinekey.Protection) {
	p, err := newModeProtector(v.ring(t), machinekey.RolePurpose,
		machinekey.LegacyOptions{Protection: protection})
	if err != nil {
		t.Fatal(err)
	}
	s := new(formsScratch)
	got, _, err := p.decodeURLToken(ctx, s, nil, v.Cookie, limits.FormsText)
	if !v.Valid {
		if err != ErrInvalid || got != nil {
			t.Fatalf("%x, %v", got, err)
		}
		return
	}
	if err != nil || hex.EncodeToString(got) != v.Payload {
		t.Fatalf("%x, %v", got, err)
	}
	if v.Op == "cookieEncode" {
		if text, err := p.encodeURLToken(s, got, limits.FormsText); err != nil || text != v.Cookie {
			t.Fatalf("%s, %v\nwant %s", text, err, v.Cookie)
		}
	}
}

func (v *formsVector) runAnonymous(t *testing.T, protection machinekey.Protection) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	if v.ExpirationUTCTicks != 0 {
		now = tickTimeOf(t, v.ExpirationUTCTicks)
	}
	c, err := NewAnonymousCodec(v.ring(t), &FormsOptions{Protection: protection,
		Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(ctx, v.Cookie)
	if v.AnonymousID == "" { // another purpose's payload
		var at *FormatError
		if wrong := v.Valid && !errors.As(err, &at) ||
			!v.Valid && err != ErrInvalid; wrong || got != nil {
			t.Fatalf("%v, %v", got, err)
		}
		if v.Valid { // the weakness of the legacy modes: the envelope opens
			payload, _, err := c.protector.decodeURLToken(ctx, new(formsScratch), nil, v.Cookie,
				limits.AnonymousText)
			if err != nil || hex.EncodeToString(payload) != v.Payload {
				t.Fatalf("%x, %v", payload, err)
			}
		}
		return
	}
	if err != nil || got.ID != v.AnonymousID || !got.Expires.Equal(now) {
		t.Fatalf("%v, %v", got, err)
	}
	if data, err := got.append(nil); err != nil || hex.EncodeToString(data) != v.Payload {
		t.Fatalf("%x, %v", data, err)
	}
	text, err := c.Encode(ctx, got)
	if v.CookieProtection == "None" && v.MachineKey["compatibilityMode"] != "Framework45" {
		if err == nil || text != "" {
			t.Fatalf("issued %q", text)
		}
		return
	}
	if err != nil || text != v.Cookie {
		t.Fatalf("%s, %v\nwant %s", text, err, v.Cookie)
	}
	now = now.Add(100)
	if _, err := c.Decode(ctx, v.Cookie); !errors.Is(err, ErrExpired) {
		t.Errorf("one tick after its end: %v", err)
	}
}

// asURLToken returns the hex text of a ticket as it travels in URLs
// (HttpServerUtility.UrlTokenEncode).
func asURLToken(t testing.TB, text string) string {
	t.Helper()
	return base64.EncodeURLToken(testkit.Unhex(t, text))
}
