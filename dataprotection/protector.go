package dataprotection

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// The head of a payload names the key.
//
//	09 F0 C9 F0 || key id (16)
//
// The last nibble of the magic number is the version, 0
// (KeyRingBasedDataProtector).
const (
	magic    = 0x09f0c9f0
	headSize = 20
)

func head(id guid) (h [headSize]byte) {
	binary.BigEndian.PutUint32(h[:], magic)
	copy(h[4:], id[:])
	return h
}

// Protector protects and unprotects data for one chain of purposes with the
// keys of one [Ring], as IDataProtector does. [Ring.Protector] makes it. It is
// safe for concurrent use, keeps following its ring, and prints without key
// bytes.
type Protector struct {
	ring     *Ring
	purposes []byte // as they stand in the label of the derivation
	sealers  atomic.Pointer[sealers]
	limited  func() *Protector // the protector of time-limited payloads
}

// sealers are the keys of one state of the ring made ready for a protector,
// when they are needed for the first time.
type sealers struct {
	state *state
	byKey sync.Map // *key to *sealer
}

// Protector returns the protector of a chain of purposes, of which there must
// be one at least: CreateProtector("a").CreateProtector("b") of .NET is
// Protector("a", "b"). The application name comes in front. A purpose may be
// empty, but must be UTF-8.
func (r *Ring) Protector(purposes ...string) (*Protector, error) {
	if len(purposes) == 0 {
		return nil, errors.New("dataprotection: no purpose")
	}
	var chain []string
	if r.o.ApplicationName != "" {
		chain = append(chain, r.o.ApplicationName)
	}
	for _, p := range purposes {
		if !utf8.ValidString(p) {
			return nil, fmt.Errorf("dataprotection: the purpose %q is not UTF-8", p)
		}
		chain = append(chain, p)
	}
	p := &Protector{ring: r, purposes: encodePurposes(chain)}
	p.limited = sync.OnceValue(func() *Protector {
		return &Protector{ring: r, purposes: encodePurposes(append(chain, timeLimitedPurpose))}
	})
	return p, nil
}

// encodePurposes returns the part of the label behind the head: the number of
// purposes and each as BinaryWriter writes it.
func encodePurposes(chain []string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(chain)))
	for _, p := range chain {
		b = append(dotnet.AppendUint7(b, len(p)), p...)
	}
	return b
}

// Protect appends the protected form of plaintext to dst, with the key that
// protects now, and returns the extended slice. Plaintext may be empty, and may
// overlap the unused capacity of dst, which is overwritten. With room in dst
// (plaintext and 140 bytes are enough) only the cipher of the payload, whose
// key is used once, takes memory.
//
// The error is [ErrNoKey], or that of Options.Rand. Dst then comes back as it
// was.
func (p *Protector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.protect(dst, nil, plaintext)
}

func (p *Protector) protect(dst, prefix, plaintext []byte) ([]byte, error) {
	now := p.ring.o.Now()
	p.ring.follow(now)
	s := p.ring.state.Load()
	e := s.current(now)
	if e == nil {
		return dst, ErrNoKey
	}
	return p.sealer(s, e.key).seal(dst, prefix, plaintext)
}

// Unprotect is [Protector.UnprotectKey] without a context and the key's id.
func (p *Protector) Unprotect(dst, protected []byte) ([]byte, error) {
	dst, _, err := p.UnprotectKey(context.Background(), dst, protected)
	return dst, err
}

// UnprotectKey appends the plaintext of protected to dst and returns the
// extended slice and the id of the key that opened it, see
// [Protector.KeyStatus]. Everything is authenticated, in constant time, before
// anything is decrypted.
//
// If the key is not known, UnprotectKey waits for the ring to be read, two
// seconds at most and no longer than ctx; known keys never wait. The error is
// [ErrUnprotect], or [ErrUnavailable] if the ring could not be read; dst then
// comes back as it was, with no plaintext beyond its length. With room in dst
// (len(protected) is enough) only the cipher of the payload takes memory.
// Protected may overlap the unused capacity of dst, which is overwritten.
func (p *Protector) UnprotectKey(
	ctx context.Context, dst, protected []byte,
) (plaintext []byte, keyID string, err error) {
	return p.unprotect(ctx, dst, protected, false)
}

// DangerousUnprotect is UnprotectKey with keys that are revoked, too. Who has
// revoked a key believes that others know it: what it opens may be forged. It
// serves to rescue data of one's own (IPersistedDataProtector).
func (p *Protector) DangerousUnprotect(
	ctx context.Context, dst, protected []byte,
) (plaintext []byte, keyID string, err error) {
	return p.unprotect(ctx, dst, protected, true)
}

func (p *Protector) unprotect(
	ctx context.Context, dst, protected []byte, revokedToo bool,
) ([]byte, string, error) {
	p.ring.follow(p.ring.o.Now())
	if len(protected) < headSize || binary.BigEndian.Uint32(protected) != magic {
		return dst, "", ErrUnprotect
	}
	s, e, err := p.ring.find(ctx, guid(protected[4:headSize]))
	switch {
	case err != nil:
		return dst, "", err
	case e.revoked && !revokedToo:
		return dst, "", ErrUnprotect
	case e.err != nil && errors.Is(e.err, ErrUnavailable):
		return dst, "", e.err
	case e.err != nil:
		return dst, "", ErrUnprotect
	}
	out, ok := p.sealer(s, e.key).open(dst, protected[headSize:])
	if !ok {
		return dst, "", ErrUnprotect
	}
	return out, e.name, nil
}

// KeyStatus says of a key that has opened data whether the ring still opens
// with it: a revoked key is not known any more, and what was kept of it should
// be dropped. Renew says that the key is older than the one that protects now,
// so that the data should be protected anew. A younger key is not renewed: a
// node whose clock is ahead protects with it already.
func (p *Protector) KeyStatus(keyID string) (known, renew bool) {
	id, ok := parseGUID(keyID)
	if !ok {
		return false, false
	}
	s := p.ring.state.Load()
	e := s.byID[id]
	if e == nil || !e.usable() {
		return false, false
	}
	now := s.current(p.ring.o.Now())
	return true, now != nil && now != e && !e.activated.After(now.activated)
}

// sealer returns a key made ready for the purposes of p. S is the state that
// the key is of: with a new state, what was made for removed keys is dropped.
func (p *Protector) sealer(s *state, k *key) *sealer {
	all := p.sealers.Load()
	if all == nil || all.state != s {
		next := &sealers{state: s}
		if all != nil {
			all.byKey.Range(func(known, ready any) bool {
				if e := s.byID[known.(*key).id]; e != nil && e.key == known {
					next.byKey.Store(known, ready)
				}
				return true
			})
		}
		p.sealers.Store(next)
		all = next
	}
	if ready, ok := all.byKey.Load(k); ok {
		return ready.(*sealer)
	}
	ready := newSealer(k, p.purposes, p.ring.o.Rand)
	all.byKey.Store(k, ready)
	return ready
}
