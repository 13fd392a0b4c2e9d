package testvectors_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// formsVector is one call of FormsAuthentication.Encrypt or Decrypt, or the
// renewal of a ticket.
type formsVector struct {
	Name, Op, KeyName string
	Valid             bool
	MachineKey        attributes
	AppSettings       switches
	Forms             struct{ Protection *string }

	Layout         string // "serializer" or "framework20"
	CookieEncoding string // "hex" or "urltoken"
	Ticket         *ticketModel
	Expected       *ticketModel // what is read, if it is not Ticket
	LoneSurrogate  bool         // JSON cannot hold a text of the ticket

	SerializedTicket hexBytes
	Cookie           string
	TooLongToDecrypt bool
	legacyParts
	IV, MAC                                    hexBytes // Framework45
	DerivedEncryptionKey, DerivedValidationKey hexBytes

	NowUTCTicks, NewIssueDateUTCTicks, NewExpirationUTCTicks int64 // "renew"
	Now                                                      string
	Renewed                                                  bool

	Error, Mutation, Reason, Note string
}

func runForms(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []formsVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *formsVector) string { return v.Name },
		func(t *testing.T, v *formsVector) {
			switch {
			case v.Op == "formsEncrypt" && v.Ticket != nil:
				v.issue(t, f)
				if v.Valid {
					v.layers(t)
					v.read(t, f)
				}
			case v.Op == "formsDecrypt" && v.Valid == (v.Ticket != nil):
				v.read(t, f)
			case v.Op == "renew" && v.Valid && v.Ticket != nil:
				v.renew(t)
			default:
				t.Fatalf("no test for op %q, valid %v", v.Op, v.Valid)
			}
		})
}

// site returns the site as its web.config describes it.
func (v *formsVector) site() *siteConfig {
	return &siteConfig{machineKey: &v.MachineKey, switches: v.AppSettings,
		protection: v.Forms.Protection}
}

// codec returns a codec that is set up by the site's web.config, at a time.
func (v *formsVector) codec(t *testing.T, random []byte, now time.Time) *sessiontoken.FormsCodec {
	t.Helper()
	settings := v.site().settings(t)
	codec, err := sessiontoken.NewFormsCodec(ringOf(t, keyOf(t, v.config(t), random)),
		&sessiontoken.FormsOptions{
			Protection: protectionOf(t, settings.Authentication.Forms.Protection,
				machinekey.ProtectionAll),
			InsecureUnsigned:  settings.AppSettings.Switch(webconfig.UseLegacyEncryption).On,
			InsecureOldLayout: settings.AppSettings.Switch(webconfig.UseLegacyFormsTicket).On,
			Now:               func() time.Time { return now },
		})
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func (v *formsVector) config(t *testing.T) machinekey.Config {
	t.Helper()
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(v.site().webConfig()))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	return cfg
}

// issue wants the recorded cookie, or none where we write none.
func (v *formsVector) issue(t *testing.T, f *file) {
	ticket := v.Ticket.ticket(t)
	codec := v.codec(t, v.Random, ticket.IssueDate)
	text, err := codec.Encode(context.Background(), ticket)
	switch v.CookieEncoding {
	case "urltoken":
		if err == nil {
			text = base64.EncodeURLToken(testkit.Unhex(t, text))
		}
	case "hex":
	default:
		if v.Valid {
			t.Fatalf("no cookieEncoding %q", v.CookieEncoding)
		}
	}
	switch {
	case !v.Valid:
		if err == nil || text != "" {
			t.Errorf("issued %s; .NET does not: %s", short(text), v.Mutation)
		}
	case v.TooLongToDecrypt:
		if !errors.Is(err, layer.ErrTooLong) {
			t.Errorf("error %v, want ErrTooLong", err)
		}
		f.notIssued(t, text, err)
	case v.AppSettings.UseLegacyFormsTicket, v.weak(t), !v.holdsUnicode():
		f.notIssued(t, text, err)
	case err != nil:
		t.Fatal(err)
	case text != v.Cookie:
		t.Errorf("cookie\ngot  %s\nwant %s", short(text), short(v.Cookie))
	}
}

// weak reports whether anybody could make or change the site's cookies.
func (v *formsVector) weak(t *testing.T) bool {
	return v.config(t).Mode != machinekey.Framework45 &&
		weakProtection(t, v.Forms.Protection, v.AppSettings.UseLegacyEncryption)
}

func weakProtection(t *testing.T, protection *string, unsigned bool) bool {
	t.Helper()
	p := machinekey.ProtectionAll
	if protection != nil {
		p = protectionOf(t, *protection, p)
	}
	return p == machinekey.InsecureProtectionNone ||
		unsigned && p != machinekey.ProtectionValidation
}

// holdsUnicode reports whether the texts of the ticket are those that a Go
// program can hold without taking one user for another.
func (v *formsVector) holdsUnicode() bool {
	j := &v.Ticket.ticketJSON
	return !v.LoneSurrogate && !strings.Contains(j.Name+j.CookiePath, "\x00")
}

// layers opens the cookie by hand, down to the ticket's bytes.
func (v *formsVector) layers(t *testing.T) {
	raw := v.cookieBytes(t)
	if want := map[bool]string{false: "serializer",
		true: "framework20"}[v.AppSettings.UseLegacyFormsTicket]; v.Layout != want {
		t.Errorf("layout %q, the switch says %q", v.Layout, want)
	}
	cfg := v.config(t)
	if cfg.Mode == machinekey.Framework45 {
		parts := protectVector{PrimaryPurpose: machinekey.FormsPurpose,
			Plaintext: v.SerializedTicket, IV: v.IV, Ciphertext: v.Ciphertext, MAC: v.MAC, Protected: raw,
			DerivedEncryptionKey: v.DerivedEncryptionKey,
			DerivedValidationKey: v.DerivedValidationKey}
		if !v.AppSettings.UseLegacyFormsTicket { // whose head may be random too
			parts.Random = v.Random
		}
		parts.byHand(t)
		p, err := protectorOf(cfg, purposesOf(machinekey.FormsPurpose), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := p.Unprotect(t.Context(), nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, "serializedTicket", got, v.SerializedTicket)
		return
	}
	v.legacyParts.check(t, cfg, v.SerializedTicket, raw)
	got, err := legacyOpen(t, cfg, v.site(), v.site().settings(t).Authentication.Forms.Protection,
		raw)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "serializedTicket", got, v.SerializedTicket)
}

// legacyOpen opens a cookie of a legacy mode.
func legacyOpen(t *testing.T, cfg machinekey.Config, site *siteConfig, protection string, raw []byte) ([]byte, error) {
	t.Helper()
	p, err := ringOf(t, keyOf(t, cfg, nil)).CookieProtector(machinekey.LegacyOptions{
		Protection:       protectionOf(t, protection, machinekey.ProtectionAll),
		InsecureUnsigned: site.switches.UseLegacyEncryption,
	}, machinekey.FormsPurpose)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := p.Unprotect(t.Context(), nil, raw)
	return got, err
}

func (v *formsVector) cookieBytes(t *testing.T) []byte {
	t.Helper()
	decode := hex.DecodeString
	if v.CookieEncoding == "urltoken" {
		decode = base64.DecodeURLToken
	}
	raw, err := decode(v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// read opens the cookie at the last moment of its life, and one tick later.
func (v *formsVector) read(t *testing.T, f *file) {
	want := v.Expected
	if want == nil {
		want = v.Ticket
	}
	now, end := time.Time{}, false // of one's own cookies the end need not be known
	if want != nil {
		if _, end = want.tree["expirationUtcTicks"]; end {
			now = want.ticket(t).Expiration
		}
	}
	got, err := v.codec(t, nil, now).Decode(context.Background(), v.Cookie)
	var inside *sessiontoken.FormatError
	switch {
	case v.TooLongToDecrypt:
		if !errors.Is(err, layer.ErrTooLong) || got != nil {
			t.Errorf("read as %v with error %v, want ErrTooLong", got, err)
		}
	case !v.Valid && err == nil:
		t.Errorf("read as %v; .NET refuses: %s %s", got, v.Error, v.Mutation)
	case !v.Valid:
		if v.Error == "HttpException" || v.Error == "CryptographicException" {
			if err != sessiontoken.ErrInvalid {
				t.Errorf("error %v, want ErrInvalid as it is", err)
			}
		} else if !errors.Is(err, sessiontoken.ErrInvalid) {
			t.Errorf("undocumented error %v", err)
		}
	case err != nil:
		if v.LoneSurrogate != want.loneSurrogate() {
			t.Errorf("loneSurrogate is %v, and the texts say otherwise", v.LoneSurrogate)
		}
		f.refused(t, v.Name, err, errors.As(err, &inside) && declaredClass(err))
	default:
		for _, difference := range differences("ticket", describeTicket(got), want.tree, !f.own) {
			t.Error(difference)
		}
		if v.LoneSurrogate {
			t.Error("loneSurrogate, and it is read")
		}
		late := now.Add(100 * time.Nanosecond)
		if _, ok := dotnet.Ticks(late); !ok || !end {
			return // also at the end of .NET's time
		}
		if _, err := v.codec(t, nil, late).Decode(context.Background(), v.Cookie); !errors.Is(err,
			sessiontoken.ErrExpired) {
			t.Errorf("one tick after its end: %v, want ErrExpired", err)
		}
	}
}

// renew wants the ticket that .NET issues on a request at a time.
func (v *formsVector) renew(t *testing.T) {
	ticket := v.Ticket.ticket(t)
	got, renewed := new(sessiontoken.FormsCodec).Traits().Renew(ticket,
		timeOfTicks(t, v.NowUTCTicks))
	if renewed != v.Renewed {
		t.Errorf("renewed %v, want %v", renewed, v.Renewed)
	}
	if v.Now != "" && v.Now != timeText(timeOfTicks(t, v.NowUTCTicks)) {
		t.Errorf("now is %s, and in ticks %d", v.Now, v.NowUTCTicks)
	}
	want := *ticket
	want.IssueDate, want.Expiration = timeOfTicks(t, v.NewIssueDateUTCTicks), timeOfTicks(t,
		v.NewExpirationUTCTicks)
	for _, difference := range differences("ticket", describeTicket(got),
		describeTicket(&want), true) {
		t.Error(difference)
	}
	for _, difference := range differences("ticket", describeTicket(ticket), v.Ticket.tree, true) {
		t.Error(difference)
	}
}
