// Package codec has what package cookie asks of a codec of package
// sessiontoken, and users of the library do not.
package codec

import (
	"context"
	"time"

	"github.com/webfarm-go/webfarm/internal/seal"
)

// Traits are what never changes for a codec of tickets T and principals P: its
// settings with the defaults filled in, and what sessions do with a ticket.
type Traits[T, P any] struct {
	Keys     seal.Keys // nil for certificates
	Store    Store     // nil for none
	Now      func() time.Time
	Lifetime time.Duration // of a new ticket
	// ClockSkew is what the codec allows, zero where it knows none.
	ClockSkew time.Duration
	// Path is that of the cookie: the endpoint of a session token, the path of a
	// forms ticket.
	Path string
	// Scheme is the AuthenticationType of Katana, or the scheme of ASP.NET Core.
	Scheme string
	// WIF10 says that session tokens are of WIF 1.0.
	WIF10 bool
	// Valid compares a ticket with the clock and the endpoint, as Decode has done
	// already. The errors are those of Decode.
	Valid func(T) error
	// Principal returns the user of a ticket.
	Principal func(T) P
	// Renew returns what takes the place of a ticket by the rule of its framework,
	// and false if it is not due. It is for sites that slide.
	Renew func(t T, now time.Time) (T, bool)
	// SignedIn returns when the session of a session token began.
	SignedIn func(T) time.Time
	// Bytes returns the innermost layer of a ticket of Katana.
	Bytes func(T) ([]byte, error)
}

// Store is sessiontoken.Store.
type Store interface {
	Get(ctx context.Context, key string) (data []byte, expires time.Time, err error)
	Put(ctx context.Context, key string, data []byte, expires time.Time) error
	Delete(ctx context.Context, key string) error
}
