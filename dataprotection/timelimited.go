package dataprotection

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// timeLimitedPurpose is the last purpose of time-limited payloads
// (TimeLimitedDataProtector).
const timeLimitedPurpose = "Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1"

// TimeLimited protects data that opens up to a moment only, as an
// ITimeLimitedDataProtector of .NET does. [Ring.TimeLimited] makes it.
type TimeLimited struct{ p *protector }

// TimeLimited returns the protector of ToTimeLimitedDataProtector behind a
// chain of purposes, see [Ring.Protector].
func (r *Ring) TimeLimited(purposes ...string) (*TimeLimited, error) {
	if len(purposes) == 0 {
		return nil, errors.New("dataprotection: no purpose")
	}
	p, err := r.protector(r.o.ApplicationName,
		append(purposes[:len(purposes):len(purposes)], timeLimitedPurpose))
	if err != nil {
		return nil, err
	}
	return &TimeLimited{p}, nil
}

// Protect appends the protected form of plaintext, which opens up to a moment.
// That is rounded down to 100 ns and must lie in the years 1 to 9999. For all
// else see [Protector].
//
//	expiry, UTC ticks (8, big-endian) || plaintext
func (l *TimeLimited) Protect(dst, plaintext []byte, expires time.Time) ([]byte, error) {
	ticks, ok := dotnet.Ticks(expires)
	if !ok {
		return dst, errors.New("dataprotection: the expiry is outside the years 1 to 9999")
	}
	var prefix [8]byte
	binary.BigEndian.PutUint64(prefix[:], uint64(ticks))
	return l.p.protect(dst, prefix[:], plaintext)
}

// Unprotect appends what Protect or .NET protected, and returns the moment up
// to which it opens. After that the error wraps [ErrExpired]. For all else see
// [Protector].
func (l *TimeLimited) Unprotect(ctx context.Context, dst, protected []byte) (plaintext []byte, expires time.Time, err error) {
	out, _, err := l.p.Unprotect(ctx, dst, protected)
	if err != nil {
		return dst, time.Time{}, err
	}
	inner := out[len(dst):]
	if len(inner) < 8 {
		err = ErrUnprotect
	} else if at, ok := dotnet.Time(int64(binary.BigEndian.Uint64(inner))); !ok {
		err = ErrUnprotect
	} else if expires = at; at.Before(l.p.ring.o.Now()) {
		err = fmt.Errorf("%w: at %s", ErrExpired, at.Format(time.RFC3339Nano))
	}
	if err != nil {
		clear(inner)
		return dst, time.Time{}, err
	}
	n := copy(inner, inner[8:])
	clear(inner[n:])
	return out[:len(dst)+n], expires, nil
}
