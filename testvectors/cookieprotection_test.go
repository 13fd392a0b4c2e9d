package testvectors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// cookieVector is an anonymous identification cookie, a role cookie, or the
// text form of both.
type cookieVector struct {
	Name, Op         string
	Valid            bool
	MachineKey       attributes
	CookieProtection *string
	PrimaryPurpose   string

	Payload, Random    hexBytes
	Cookie             string
	AnonymousID        string
	ExpirationUTCTicks *int64
	Expiration         string

	Data  hexBytes // "urlToken"
	Token string

	Error, Mutation, Note string
}

func runCookieProtection(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []cookieVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *cookieVector) string { return v.Name },
		func(t *testing.T, v *cookieVector) {
			switch {
			case v.Op == "urlToken" && v.Valid:
				v.urlToken(t)
				return
			case v.Op == "cookieEncode" && v.Valid, v.Op == "cookieDecode":
				v.envelope(t, f)
			default:
				t.Fatalf("no test for op %q, valid %v", v.Op, v.Valid)
			}
			switch v.PrimaryPurpose {
			case machinekey.AnonymousPurpose:
				v.anonymous(t, f)
			case machinekey.RolePurpose:
				v.role(t, f)
			default:
				t.Fatalf("no test for primaryPurpose %q", v.PrimaryPurpose)
			}
		})
}

func (v *cookieVector) urlToken(t *testing.T) {
	got, err := base64.DecodeURLToken(v.Token)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "data", got, v.Data)
	if text := base64.EncodeURLToken(v.Data); text != v.Token {
		t.Errorf("token %q, want %q", text, v.Token)
	}
}

func (v *cookieVector) config(t *testing.T) machinekey.Config {
	t.Helper()
	cfg, err := v.MachineKey.config(false)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// protection returns the site's, or .NET's default for this cookie.
func (v *cookieVector) protection(t *testing.T) machinekey.Protection {
	t.Helper()
	absent := machinekey.ProtectionAll
	if v.PrimaryPurpose == machinekey.AnonymousPurpose {
		absent = machinekey.ProtectionValidation
	}
	if v.CookieProtection == nil {
		return absent
	}
	return protectionOf(t, *v.CookieProtection, absent)
}

// envelope opens the cookie by hand. The legacy modes do not know whose it is.
func (v *cookieVector) envelope(t *testing.T, f *file) {
	raw, err := base64.DecodeURLToken(v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	cfg := v.config(t)
	var got []byte
	if cfg.Mode == machinekey.Framework45 {
		p, err := protectorOf(cfg, purposesOf(v.PrimaryPurpose), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err = p.Unprotect(t.Context(), nil, raw)
		v.checkPayload(t, f, got, err)
		return
	}
	got, err = legacyOpen(t, cfg, &siteConfig{}, string(v.protection(t)), raw)
	v.checkPayload(t, f, got, err)
}

func (v *cookieVector) checkPayload(t *testing.T, f *file, got []byte, err error) {
	t.Helper()
	switch {
	case v.Valid && err != nil:
		t.Error(err)
	case v.Valid:
		if v.Payload != nil || !f.own {
			sameBytes(t, "payload", got, v.Payload)
		}
	case err != machinekey.ErrUnprotect || got != nil:
		t.Errorf("Unprotect returns %x and %v, want ErrUnprotect; %s", got, err, v.Mutation)
	}
}

// checkIssued wants the recorded cookie, or none where anybody could make it.
func (v *cookieVector) checkIssued(t *testing.T, f *file, text string, err error) {
	t.Helper()
	switch {
	case v.config(t).Mode != machinekey.Framework45 &&
		v.protection(t) == machinekey.InsecureProtectionNone:
		f.notIssued(t, text, err)
	case err != nil:
		t.Error(err)
	case text != v.Cookie:
		t.Errorf("cookie\ngot  %s\nwant %s", short(text), short(v.Cookie))
	}
}

func (v *cookieVector) role(t *testing.T, f *file) {
	ctx := context.Background()
	protector, err := ringOf(t, keyOf(t, v.config(t), v.Random)).CookieProtector(
		machinekey.LegacyOptions{Protection: v.protection(t)}, machinekey.RolePurpose)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rolecookie.Decode(ctx, protector, v.Cookie)
	switch {
	case !v.Valid:
		if err != sessiontoken.ErrInvalid || got != nil {
			t.Errorf("Decode returns %x and %v, want ErrInvalid", got, err)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	if v.Payload != nil || !f.own {
		sameBytes(t, "payload", got, v.Payload)
	}
	if v.Op == "cookieEncode" {
		text, err := rolecookie.Encode(protector, v.Payload)
		v.checkIssued(t, f, text, err)
	}
}

func (v *cookieVector) anonymous(t *testing.T, f *file) {
	ctx := context.Background()
	now := time.Time{} // of one's own cookies the end need not be known
	if v.ExpirationUTCTicks != nil {
		now = timeOfTicks(t, *v.ExpirationUTCTicks)
	}
	codec, err := sessiontoken.NewAnonymousCodec(ringOf(t, keyOf(t, v.config(t), v.Random)),
		&sessiontoken.FormsOptions{Protection: v.protection(t),
			Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(ctx, v.Cookie)
	var inside *sessiontoken.FormatError
	switch {
	case !v.Valid:
		if err != sessiontoken.ErrInvalid || got != nil {
			t.Errorf("Decode returns %v and %v, want ErrInvalid", got, err)
		}
		return
	case v.AnonymousID == "": // authentic, and nothing is said about what it holds
		if err != nil && !errors.As(err, &inside) {
			t.Errorf("error %v, want a FormatError", err)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	if got.ID != v.AnonymousID || v.Expiration != "" && timeText(got.Expires) != v.Expiration {
		t.Errorf("id %s until %s, want %s until %s", got.ID, timeText(got.Expires),
			v.AnonymousID, v.Expiration)
	}
	if v.ExpirationUTCTicks == nil {
		return
	}
	if !got.Expires.Equal(now) {
		t.Errorf("until %v, want %v", got.Expires, now)
	}
	if v.Op == "cookieEncode" {
		text, err := codec.Encode(ctx, &sessiontoken.AnonymousID{ID: v.AnonymousID, Expires: now})
		v.checkIssued(t, f, text, err)
	}
	now = now.Add(100 * time.Nanosecond)
	if _, err := codec.Decode(ctx, v.Cookie); !errors.Is(err, sessiontoken.ErrExpired) {
		t.Errorf("one tick after its end: %v, want ErrExpired", err)
	}
}
