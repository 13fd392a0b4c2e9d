package netfx

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/seed"
)

func TestIsolation(t *testing.T) {
	key := secret.New(seed.Of(t).Bytes(24))
	path, id := int32(0x04030201), int32(-2)
	for _, test := range []struct {
		i    Isolation
		head []byte
	}{
		{Isolation{}, nil},
		{Isolation{AppPathHash: &path}, []byte{1, 2, 3, 4}},
		{Isolation{AppPathHash: &path, AppIDHash: &id}, []byte{1, 2, 3, 4, 0xfe, 0xff, 0xff, 0xff}},
		{Isolation{AppIDHash: &id}, append(key.Reveal()[:4], 0xfe, 0xff, 0xff, 0xff)},
	} {
		before := key.Reveal()
		got, err := test.i.Apply(key)
		if want := append(test.head, before[len(test.head):]...); err != nil ||
			!bytes.Equal(got.Reveal(), want) {
			t.Errorf("%x, %v, want %x", got.Reveal(), err, want)
		}
		if !bytes.Equal(key.Reveal(), before) {
			t.Error("the original changed with it")
		}
	}
	if _, err := (Isolation{AppPathHash: &path}).Apply(secret.New(make([]byte, 7))); err == nil {
		t.Error("a key of 7 bytes is isolated")
	}
}
