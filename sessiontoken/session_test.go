package sessiontoken

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

var ctx = context.Background()

// ignoreKey leaves the key that opened a token out of a comparison.
var ignoreKey = cmpopts.IgnoreUnexported(Token{})

// mapStore is the simplest store, for one goroutine and without expiry.
type mapStore map[string][]byte

func (m mapStore) Get(_ context.Context, key string) ([]byte, time.Time, error) {
	if data, ok := m[key]; ok {
		return data, time.Time{}, nil
	}
	return nil, time.Time{}, ErrNotInStore
}

func (m mapStore) Put(_ context.Context, key string, data []byte, _ time.Time) error {
	m[key] = data
	return nil
}

func (m mapStore) Delete(_ context.Context, key string) error {
	delete(m, key)
	return nil
}

func TestDecodeVectors(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			if v.Input.IsReferenceMode {
				return // see TestReferenceMode
			}
			got, err := f.codec(t, v.MachineKey, SessionOptions{}).Decode(ctx, v.text())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Expected.token(t), got, ignoreKey); diff != "" {
				t.Fatalf("%s: differs from what .NET read (-want +got):\n%s", v.Name, diff)
			}
		})
	}
}

func TestEncodeVectors(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	n := 0
	for i := range f.Vectors {
		v := &f.Vectors[i]
		if v.Stages.NBFXHex == "" {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) {
			tok := v.Input.token(t)
			doc, err := marshal(wif.V45, tok)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(doc); got != v.Stages.NBFXHex {
				t.Fatalf("got  %s\nwant %s", got, v.Stages.NBFXHex)
			}
			c := f.codec(t, v.MachineKey, SessionOptions{})
			if tok.ReferenceMode {
				return
			}
			text, err := c.Encode(ctx, tok)
			if err != nil {
				t.Fatal(err)
			}
			back, err := c.Decode(ctx, text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Expected.token(t), back, ignoreKey); diff != "" {
				t.Fatalf("%s: differs from what .NET read (-want +got):\n%s", v.Name, diff)
			}
		})
	}
	if n < 100 {
		t.Fatalf("%d vectors issued", n)
	}
}

func TestDocumentVectors(t *testing.T) {
	f := readFile(t, "sessiontoken_tokendoc.json")
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			got, err := unmarshal(wif.V45, testkit.Unhex(t, v.NBFXHex))
			if v.Error != "" {
				var at *FormatError
				if !errors.As(err, &at) {
					t.Fatalf("read as %#v with error %v; .NET says %s", got, err, v.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Expected.token(t), got, ignoreKey); diff != "" {
				t.Fatalf("differs from what .NET read (-want +got):\n%s", diff)
			}
		})
	}
}

// stricter are the envelopes that .NET takes and this package does not: on a
// cache hit .NET neither opens the Cookie nor compares the Id.
var stricter = map[string]bool{"cache-hit-with-cookie": true, "cache-hit-id-not-compared": true}

// store returns a store that holds the token that .NET had in its cache.
func (v *vectorJSON) store(t *testing.T, c *SessionCodec) Store {
	tok, err := unmarshal(wif.V45, testkit.Unhex(t, v.CachedNBFXHex))
	if err != nil {
		t.Fatal(err)
	}
	protected, err := c.store.Protect(nil, nrbf.AppendSession(nil,
		testkit.Unhex(t, v.CachedNBFXHex)))
	if err != nil {
		t.Fatal(err)
	}
	return mapStore{c.storeKey(tok.contextID(), tok.KeyGeneration): protected}
}

func TestEnvelopeVectors(t *testing.T) {
	f := readFile(t, "sessiontoken_envelope.json")
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			text := string(wif.AppendText(nil, testkit.Unhex(t, v.XMLHex)))
			c := f.codec(t, v.MachineKey, SessionOptions{Store: mapStore{}})
			if v.CachedNBFXHex != "" {
				c = f.codec(t, v.MachineKey, SessionOptions{Store: v.store(t, c)})
			}
			got, err := c.Decode(ctx, text)
			if stricter[v.Name] && err != nil {
				return
			}
			if v.Error != "" {
				if err == nil {
					t.Fatalf("accepted; .NET says %s", v.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Expected.token(t), got, ignoreKey); diff != "" {
				t.Fatalf("%s: differs from what .NET read (-want +got):\n%s", v.Name, diff)
			}
		})
	}
}

func TestReferenceMode(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	n := 0
	for i := range f.Vectors {
		v := &f.Vectors[i]
		if !v.Input.IsReferenceMode {
			continue
		}
		n++
		if _, err := f.codec(t, v.MachineKey, SessionOptions{}).Decode(ctx,
			v.text()); !errors.Is(err, ErrNotInStore) {
			t.Errorf("%s without a store: %v", v.Name, err)
		}
		store := mapStore{}
		c := f.codec(t, v.MachineKey, SessionOptions{Store: store, Endpoint: "/"})
		text, err := c.Encode(ctx, v.Input.token(t))
		if err != nil {
			t.Fatal(err)
		}
		if text != v.text() {
			t.Errorf("%s: got %s, want %s", v.Name, text, v.text())
		}
		if _, ok := store[v.CacheKey]; !ok {
			t.Errorf("%s: stored under %v, .NET uses %q", v.Name, store, v.CacheKey)
		}
		got, err := c.Decode(ctx, v.text())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v.Expected.token(t), got, ignoreKey); diff != "" {
			t.Errorf("%s: differs from what .NET read (-want +got):\n%s", v.Name, diff)
		}
		clear(store)
		if _, err := c.Decode(ctx, text); !errors.Is(err, ErrNotInStore) {
			t.Errorf("%s with an empty store: %v", v.Name, err)
		}
	}
	if n == 0 {
		t.Fatal("no vectors")
	}
}
