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

// ProtectUntil is [Protector.Protect] for data that opens up to a moment only,
// as ToTimeLimitedDataProtector of .NET makes it. The moment is rounded down to
// 100 ns; it must lie in the years 1 to 9999.
//
//	expiry, UTC ticks (8, big-endian) || plaintext
func (p *Protector) ProtectUntil(dst, plaintext []byte, expires time.Time) ([]byte, error) {
	ticks, ok := dotnet.Ticks(expires)
	if !ok {
		return dst, errors.New("dataprotection: the expiry is outside the years 1 to 9999")
	}
	var prefix [8]byte
	binary.BigEndian.PutUint64(prefix[:], uint64(ticks))
	return p.limited().protect(dst, prefix[:], plaintext)
}

// UnprotectUntil opens what ProtectUntil or .NET made, and returns the moment
// up to which it opens. After that the error wraps [ErrExpired]; for all else
// see [Protector.UnprotectKey].
func (p *Protector) UnprotectUntil(
	ctx context.Context, dst, protected []byte,
) (plaintext []byte, expires time.Time, err error) {
	out, _, err := p.limited().UnprotectKey(ctx, dst, protected)
	if err != nil {
		return dst, time.Time{}, err
	}
	inner := out[len(dst):]
	if len(inner) < 8 {
		clear(inner)
		return dst, time.Time{}, ErrUnprotect
	}
	expires, ok := dotnet.Time(int64(binary.BigEndian.Uint64(inner)))
	if !ok {
		clear(inner)
		return dst, time.Time{}, ErrUnprotect
	}
	if expires.Before(p.ring.o.Now()) {
		clear(inner)
		return dst, time.Time{}, fmt.Errorf("%w: at %s", ErrExpired, expires.Format(time.RFC3339Nano))
	}
	n := copy(inner, inner[8:])
	clear(inner[n:])
	return out[:len(dst)+n], expires, nil
}
