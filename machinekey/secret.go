package machinekey

import "github.com/webfarm-go/webfarm/internal/secret"

// Secret is an immutable byte string that is not printed: a key, or a token
// that is as good as one. [NewSecret] makes it; its methods are
//
//	Reveal() []byte           a copy of the bytes
//	Equal(other Secret) bool  in constant time
//	Len() int                 in bytes
//
// It shows its length in the place of its bytes under every verb of package
// fmt, in slog and in JSON, be it a value, a pointer or part of another type,
// also in an unexported field. Gob refuses it. The zero value is empty.
type Secret = secret.Bytes

// NewSecret returns a secret with a copy of b.
func NewSecret(b []byte) Secret { return secret.New(b) }
