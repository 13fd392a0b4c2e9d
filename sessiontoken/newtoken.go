package sessiontoken

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// NewToken returns a token for p as .NET makes one at sign-in: fresh
// identifiers and key, valid from now for the codec's lifetime, for its
// endpoint. Change what should differ and give it to Encode. It fails only if
// [rand.Reader] does.
func (c *SessionCodec) NewToken(p Principal) (*Token, error) {
	var r [64]byte
	if _, err := io.ReadFull(rand.Reader, r[:]); err != nil {
		return nil, fmt.Errorf("sessiontoken: random source: %w", err)
	}
	now := c.o.Now().UTC().Truncate(100 * time.Nanosecond) // the resolution of .NET
	id := append(newUUID([]byte("_"), r[:16]), '-')
	t := &Token{
		ID:         string(forms.AppendHex(id, r[16:32])),
		ContextID:  secret.Own(newUUID([]byte("urn:uuid:"), r[32:48])),
		EndpointID: c.o.Endpoint,
		Key:        secret.New(nonZero(r[48:64])),
		ValidFrom:  now,
		ValidTo:    now.Add(c.o.Lifetime),
		Principal:  p,
	}
	t.KeyEffective, t.KeyExpires = t.ValidFrom, t.ValidTo
	return t, nil
}

// newUUID appends a random UUID (version 4) in .NET's lower-case form.
func newUUID(dst, random []byte) []byte {
	g := [16]byte(random)
	g[7] = g[7]&0x0F | 0x40 // .NET keeps the third field little-endian
	g[8] = g[8]&0x3F | 0x80
	return dotnet.FormatGUID(dst, g)
}

// nonZero replaces zero bytes, which .NET's generator never makes.
func nonZero(key []byte) []byte {
	for i := range key {
		if key[i] == 0 {
			key[i] = byte(i + 1)
		}
	}
	return key
}
