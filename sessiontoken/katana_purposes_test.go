package sessiontoken

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKatanaStateVectors(t *testing.T) {
	f := readKatanaFile(t)
	for i := range f.State {
		v := &f.State[i]
		if len(v.Purposes) != 3 || v.Purposes[2] != "v1" || v.Expect != "ok" {
			t.Fatalf("%s: %q", v.ID, v.Purposes)
		}
		c, err := NewKatanaStateCodec(f.ring(t, v.Key), v.Purposes[0], v.Purposes[1])
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Decode(ctx, *v.Text)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		if d := cmp.Diff(properties(v.Properties), p); d != "" {
			t.Errorf("%s (-want +got):\n%s", v.ID, d)
		}
		w := katanaWriter{}
		w.properties(p)
		if got := hex.EncodeToString(w.dst); w.err != nil || got != *v.SerializedHex {
			t.Errorf("%s: serialized %s, %v", v.ID, got, w.err)
		}
		protected := unhex(t, *v.ProtectedHex)
		if !bytes.Equal(f.protect(t, v, w.dst, protected), protected) {
			t.Errorf("%s: protected differs", v.ID)
		}
		text, err := c.Encode(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.Decode(ctx, text)
		if d := cmp.Diff(p, back); d != "" || err != nil {
			t.Errorf("%s: %v, round trip:\n%s", v.ID, err, d)
		}
	}
}

// TestKatanaPurposes compares the purposes of the constructors with those that
// the vectors were protected for.
func TestKatanaPurposes(t *testing.T) {
	f := readKatanaFile(t)
	for id, make := range map[string]func(Keys, *KatanaOptions) (*KatanaCodec, error){
		"pub-001": cookieCodec("ApplicationCookie"),
		"pub-002": cookieCodec("ExternalCookie"),
		"pub-003": cookieCodec("TwoFactorCookie"),
		"pub-004": cookieCodec("TwoFactorRememberBrowser"),
		"pub-005": cookieCodec("Cookies"),
		"pub-006": NewKatanaAccessTokenCodec,
		"pub-007": NewKatanaRefreshTokenCodec,
		"pub-008": NewKatanaAuthorizationCodeCodec,
	} {
		v := f.vector(t, id)
		c, err := make(f.ring(t, v.Key), &KatanaOptions{Now: func() time.Time { return time.Unix(0, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(ctx, *v.Text)
		if err != nil {
			t.Errorf("%s: %v", v.ID, err)
		} else if d := v.Ticket.diff(got); d != "" {
			t.Errorf("%s (-want +got):\n%s", v.ID, d)
		}
	}
}

func cookieCodec(authenticationType string) func(Keys, *KatanaOptions) (*KatanaCodec, error) {
	return func(keys Keys, opts *KatanaOptions) (*KatanaCodec, error) {
		return NewKatanaCookieCodec(keys, authenticationType, opts)
	}
}
