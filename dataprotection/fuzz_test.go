package dataprotection_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// target is one protector of the vectors and everything it may open.
type target struct {
	protector dataprotection.Protector
	known     map[string]string // protected to plaintext
}

// payloads returns a protector for every ring and purpose of the recorded
// payloads whose ring is in clear, and everything that is recorded.
func payloads(f *testing.F) (targets []*target, seeds [][]byte) {
	f.Helper()
	elements := map[string][]string{}
	for _, r := range vectorRings(f) {
		elements[r.Name] = r.Elements
	}
	var file map[string]json.RawMessage
	testkit.JSON(f, "dataprotection.json", &file)
	byName := map[string]*target{}
	for _, list := range []string{"vectors", "several_keys", "refused"} {
		var vectors []struct {
			Ring, ApplicationName string
			Purposes              []string
			Plaintext, Protected  string
			Valid                 bool
		}
		if err := json.Unmarshal(file[list], &vectors); err != nil {
			f.Fatal(err)
		}
		for _, v := range vectors {
			protected, err1 := hex.DecodeString(v.Protected)
			plaintext, err2 := hex.DecodeString(v.Plaintext)
			if err := errors.Join(err1, err2); err != nil {
				f.Fatal(err)
			}
			seeds = append(seeds, protected)
			name, err := json.Marshal([]any{v.Ring, v.ApplicationName, v.Purposes})
			if err != nil {
				f.Fatal(err)
			}
			g := byName[string(name)]
			if g == nil {
				ring := open(f, &dataprotection.RingOptions{ApplicationName: v.ApplicationName,
					Interval: -1}, elements[v.Ring]...)
				g = &target{protector: protector(f, ring, v.Purposes...),
					known: map[string]string{}}
				byName[string(name)] = g
				if ring.Keys()[0].Err == nil { // no certificate is needed
					targets = append(targets, g)
				}
			}
			if v.Valid {
				g.known[string(protected)] = string(plaintext)
			}
		}
	}
	if len(targets) < 50 || len(seeds) != 998 {
		f.Fatalf("%d targets and %d seeds, want 998 seeds", len(targets), len(seeds))
	}
	return targets, seeds
}

// FuzzUnprotect gives the same bytes to the protectors of all vectors. Only
// recorded bytes may open, and those of the protector must; everything else is
// ErrUnprotect, with dst as it was. What .NET refuses is recorded too, mostly
// for a protector that another one of these is: the suite in testvectors has
// the verdict for each.
func FuzzUnprotect(f *testing.F) {
	targets, seeds := payloads(f)
	recorded := map[string]bool{}
	for _, seed := range seeds {
		f.Add(seed)
		recorded[string(seed)] = true
	}
	f.Fuzz(func(t *testing.T, protected []byte) {
		input := bytes.Clone(protected)
		for _, g := range targets {
			dst := append(make([]byte, 0, len(protected)+3), "dst"...)
			got, id, err := g.protector.Unprotect(context.Background(), dst, protected)
			plaintext, known := g.known[string(protected)]
			switch {
			case known:
				if err != nil || id == "" || string(got) != "dst"+plaintext {
					t.Errorf("a known value gives %q, %q, %v", got, id, err)
				}
			case err == nil && recorded[string(protected)]:
			case err != dataprotection.ErrUnprotect || id != "" || string(got) != "dst":
				t.Errorf("Unprotect = %q, %q, %v", got, id, err)
			}
			if rest := dst[3:cap(dst)]; err != nil && len(bytes.Trim(rest, "\x00")) > 0 {
				t.Errorf("%x is left behind", rest)
			}
		}
		if !bytes.Equal(protected, input) {
			t.Error("the input was changed")
		}
	})
}

// FuzzProtect protects any data for any purpose and opens it again; for
// another purpose, or changed, it does not open.
func FuzzProtect(f *testing.F) {
	f.Add([]byte("data"), "a", "b", uint16(3), false)
	f.Add([]byte{}, "", "a", uint16(0), true)
	rings := map[bool]*dataprotection.Ring{
		false: open(f, nil, keyXML(1, "AES_256_CBC", master)),
		true:  open(f, nil, keyXML(1, "AES_128_GCM", master))}
	f.Fuzz(func(t *testing.T, plaintext []byte, purpose, other string, at uint16, gcm bool) {
		p, err := rings[gcm].Protector(purpose)
		if err != nil {
			return // not UTF-8
		}
		protected, err := p.Protect([]byte("dst"), plaintext)
		if err != nil || string(protected[:3]) != "dst" {
			t.Fatalf("%q, %v", protected, err)
		}
		protected = protected[3:]
		if got, _, err := p.Unprotect(t.Context(), nil, protected); err != nil ||
			!bytes.Equal(got, plaintext) {
			t.Fatalf("%q, %v", got, err)
		}
		until, err := rings[gcm].TimeLimited(purpose)
		if err != nil {
			t.Fatal(err)
		}
		limited, err := until.Protect(nil, plaintext, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, expires, err := until.Unprotect(t.Context(), nil, limited); err != nil ||
			!bytes.Equal(got, plaintext) || !expires.Equal(now) {
			t.Fatalf("%q, %v, %v", got, expires, err)
		}
		if _, _, err := p.Unprotect(t.Context(), nil, limited); err != dataprotection.ErrUnprotect {
			t.Errorf("a time-limited payload opens as another: %v", err)
		}
		if q, err := rings[gcm].Protector(other); err == nil && other != purpose {
			if _, _, err := q.Unprotect(t.Context(), nil,
				protected); err != dataprotection.ErrUnprotect {
				t.Errorf("opens for another purpose: %v", err)
			}
		}
		protected[int(at)%len(protected)] ^= 1
		if _, _, err := p.Unprotect(t.Context(), nil,
			protected); err != dataprotection.ErrUnprotect {
			t.Errorf("opens when changed: %v", err)
		}
	})
}

// FuzzOpen reads an element beside a good key. Whatever it is, it is refused
// with its name, or the good key is there.
func FuzzOpen(f *testing.F) {
	seeds := 0
	for _, r := range vectorRings(f) {
		for _, e := range r.Elements {
			f.Add([]byte(e))
			seeds++
		}
	}
	if seeds < 100 {
		f.Fatalf("%d seeds", seeds)
	}
	good := plainKey(1)
	f.Fuzz(func(t *testing.T, element []byte) {
		o := &dataprotection.RingOptions{Now: func() time.Time { return now }}
		if _, err := dataprotection.Open(t.Context(), dataprotection.Document(element),
			o); err != nil {
			ringError(t, err, "dataprotection: ") // the same as a whole document
		}
		ring, err := openErr(nil, good, string(element))
		if err != nil {
			ringError(t, err, "dataprotection: key-1.xml: ")
			return
		}
		keys := ring.Keys()
		if len(keys) == 0 || keys[0].ID != keyID(1) || keys[0].Err != nil {
			t.Fatalf("keys %+v", keys)
		}
		for _, k := range keys[1:] {
			if k.Err != nil {
				ringError(t, k.Err, "dataprotection: key-1.xml: key ")
			}
			if (k.Err == nil) != (k.Algorithm != "") {
				t.Errorf("key %+v", k)
			}
		}
		protected, err := protector(t, ring, "a").Protect(nil, nil)
		if err == nil {
			_, _, err = protector(t, ring, "a").Unprotect(t.Context(), nil, protected)
		} else if errors.Is(err, dataprotection.ErrNoKey) {
			err = nil // revoked
		}
		if err != nil {
			t.Error(err)
		}
	})
}
