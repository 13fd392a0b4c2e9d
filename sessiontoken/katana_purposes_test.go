package sessiontoken

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/internal/katana"
)

func TestKatanaStateVectors(t *testing.T) {
	f := readKatanaFile(t)
	for i := range f.State {
		v := &f.State[i]
		if len(v.Purposes) != 3 || v.Purposes[2] != "v1" || v.Expect != "ok" {
			t.Fatalf("%s: %q", v.ID, v.Purposes)
		}
		sealed, err := protector(f.ring(t, v.Key), v.Purposes...)
		if err != nil {
			t.Fatal(err)
		}
		protected, ok := katana.AppendTextDecode(nil, *v.Text)
		plain, _, err := sealed.Unprotect(ctx, nil, protected)
		if !ok || err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		p, err := katana.ReadState(plain)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		if d := cmp.Diff(v.Properties, p); d != "" {
			t.Errorf("%s (-want +got):\n%s", v.ID, d)
		}
		written, err := katana.AppendState(nil, p)
		if got := hex.EncodeToString(written); err != nil || got != *v.SerializedHex {
			t.Errorf("%s: serialized %s, %v", v.ID, got, err)
		}
		if !bytes.Equal(f.protect(t, v, written, protected), protected) {
			t.Errorf("%s: protected differs", v.ID)
		}
	}
}

// TestKatanaPurposes compares the purposes of the constructors with those that
// the vectors were protected for.
func TestKatanaPurposes(t *testing.T) {
	f := readKatanaFile(t)
	for id, purpose := range map[string]Purpose{
		"pub-001": Cookie("ApplicationCookie"),
		"pub-002": Cookie("ExternalCookie"),
		"pub-003": Cookie("TwoFactorCookie"),
		"pub-004": Cookie("TwoFactorRememberBrowser"),
		"pub-005": Cookie("Cookies"),
		"pub-006": AccessToken("Bearer"),
		"pub-007": RefreshToken("Bearer"),
		"pub-008": AuthorizationCode(),
	} {
		v := f.vector(t, id)
		c, err := NewKatanaCodec(f.ring(t, v.Key), purpose,
			&KatanaOptions{Now: func() time.Time { return time.Unix(0, 0) }})
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
