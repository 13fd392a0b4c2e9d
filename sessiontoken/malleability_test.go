package sessiontoken

import (
	stdbase64 "encoding/base64"
	"errors"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// protectedOf returns the innermost attacker-visible bytes of a vector.
func protectedOf(t testing.TB, v *vectorJSON) []byte {
	return testkit.Unhex(t, v.Stages.ProtectedHex)
}

// TestProtectedBytesAreNotMalleable changes the authenticated part in every
// way that could matter. Nothing may be accepted, and nothing may be said.
func TestProtectedBytesAreNotMalleable(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	v, w := f.vector(t, "one-claim"), f.vector(t, "persistent")
	if w.MachineKey != "A" {
		t.Fatal("the two tokens must share a key")
	}
	a, b := protectedOf(t, v), protectedOf(t, w)
	ids := v.Input.token(t)
	refuse := func(what string, n int, protected []byte) {
		if tok, err := c.Decode(ctx, envelopeText(ids, protected)); err != ErrInvalid || tok != nil {
			t.Fatalf("%s %d: %v, %v", what, n, tok, err)
		}
	}
	if _, err := c.Decode(ctx, envelopeText(ids, a)); err != nil {
		t.Fatal(err)
	}
	for i := range a {
		for bit := range 8 {
			a[i] ^= 1 << bit
			refuse("bit", i*8+bit, a)
			a[i] ^= 1 << bit
		}
		refuse("truncated to", i, a[:i])
		refuse("without the first", i+1, a[i+1:])
		refuse("spliced at", i, append(append([]byte{}, a[:i+1]...), b[min(i+1, len(b)-1):]...))
		refuse("spliced at", i, append(append([]byte{}, b[:min(i+1, len(b)-1)]...), a[i:]...))
	}
	refuse("extended", 1, append(a[:len(a):len(a)], 0))
	// The whole protected value of another session under these ids.
	if tok, err := c.Decode(ctx, envelopeText(ids, b)); !errors.Is(err, ErrInvalid) || tok != nil {
		t.Fatalf("another session's bytes: %v, %v", tok, err)
	}
}

// TestEnvelopeMutations flips every bit of the XML and of the text. What is
// still accepted must be the same session.
func TestEnvelopeMutations(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	text := f.vector(t, "one-claim").text()
	want, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	try := func(what string, n int, value string) {
		got, err := c.Decode(ctx, value)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotInStore) {
				t.Fatalf("%s %d: %v", what, n, err)
			}
			return
		}
		accepted++
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s %d changes the session to %+v", what, n, got.Principal)
		}
	}
	xml, err := stdbase64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range xml {
		for bit := range 8 {
			xml[i] ^= 1 << bit
			try("XML bit", i*8+bit, stdbase64.StdEncoding.EncodeToString(xml))
			xml[i] ^= 1 << bit
		}
		try("XML truncated to", i, stdbase64.StdEncoding.EncodeToString(xml[:i]))
	}
	raw := []byte(text)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			try("text bit", i*8+bit, string(raw))
			raw[i] ^= 1 << bit
		}
	}
	t.Logf("%d mutations outside the authenticated bytes give the same session", accepted)
}
