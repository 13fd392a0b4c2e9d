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
	"github.com/webfarm-go/webfarm/internal/seal"
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
// keys of one [Ring], as IDataProtector does. It keeps following its ring. Its
// methods are
//
//	Protect(dst, plaintext []byte) ([]byte, error)
//	Unprotect(ctx context.Context, dst, protected []byte) (plaintext []byte, keyID string, err error)
//
// Both append to dst and return the extended slice. Protect uses the key that
// protects now. Plaintext may be empty. The error is [ErrNoKey], or that of
// RingOptions.Rand.
//
// Unprotect returns the id of the key that opened the data, see
// [Ring.KeyStatus]. Everything is authenticated, in constant time, before
// anything is decrypted. If the key is not known, it waits for the ring to be
// read, two seconds at most and no longer than ctx; known keys never wait. The
// error is [ErrUnprotect], or [ErrUnavailable] if the ring could not be read.
//
// With an error dst comes back as it was, with no plaintext beyond its length.
// With room in dst (plaintext and 140 bytes are enough for Protect,
// len(protected) for Unprotect) only the cipher of the payload, whose key is
// used once, takes memory. The argument may overlap the unused capacity of
// dst, which is overwritten. A Protector is safe for concurrent use and prints
// without key bytes.
type Protector = seal.Protector

// protector is a Protector.
type protector struct {
	ring     *Ring
	purposes []byte // as they stand in the label of the derivation
	revoked  bool   // open with revoked keys too
	sealers  atomic.Pointer[sealers]
}

// sealers are the keys of one state of the ring made ready for a protector,
// when they are needed for the first time.
type sealers struct {
	state  *state
	byKey  sync.Map               // *key to *sealer
	recent atomic.Pointer[sealer] // mostly the one that is wanted
}

// Protector returns the protector of a chain of purposes, of which there must
// be one at least: CreateProtector("a").CreateProtector("b") of .NET is
// Protector("a", "b"). The application name comes in front. A purpose may be
// empty, but must be UTF-8.
func (r *Ring) Protector(purposes ...string) (Protector, error) {
	return r.protector(r.o.ApplicationName, purposes)
}

// DangerousProtector is [Ring.Protector], but it opens with revoked keys, too.
// Who has revoked a key believes that others know it: what it opens may be
// forged. It serves to rescue data of one's own
// (IPersistedDataProtector.DangerousUnprotect). [Ring.KeyStatus] tells what
// should be protected anew: a revoked key is not known any more.
func (r *Ring) DangerousProtector(purposes ...string) (Protector, error) {
	p, err := r.protector(r.o.ApplicationName, purposes)
	if err != nil {
		return nil, err
	}
	p.revoked = true
	return p, nil
}

func (r *Ring) protector(application string, purposes []string) (*protector, error) {
	if len(purposes) == 0 {
		return nil, errors.New("dataprotection: no purpose")
	}
	var chain []string
	if application != "" {
		chain = append(chain, application)
	}
	for _, p := range purposes {
		if !utf8.ValidString(p) {
			return nil, fmt.Errorf("dataprotection: the purpose %q is not UTF-8", p)
		}
		chain = append(chain, p)
	}
	return &protector{ring: r, purposes: encodePurposes(chain)}, nil
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

// Protect implements seal.Protector, see [Protector].
func (p *protector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.protect(dst, nil, plaintext)
}

func (p *protector) protect(dst, prefix, plaintext []byte) ([]byte, error) {
	now := p.ring.o.Now()
	p.ring.follow(now)
	s := p.ring.state.Load()
	e := s.current(now)
	if e == nil {
		return dst, s.noKey(now)
	}
	return p.sealer(s, e.key).seal(dst, prefix, plaintext)
}

// Unprotect implements seal.Protector, see [Protector].
func (p *protector) Unprotect(ctx context.Context, dst, protected []byte) ([]byte, string, error) {
	p.ring.follow(p.ring.o.Now())
	if !hasHead(protected) {
		return dst, "", ErrUnprotect
	}
	s, e, err := p.ring.find(ctx, guid(protected[4:headSize]))
	switch {
	case err != nil:
		return dst, "", err
	case e.revoked && !p.revoked:
		return dst, "", ErrUnprotect
	case e.Err != nil && errors.Is(e.Err, ErrUnavailable):
		return dst, "", e.Err
	case e.Err != nil:
		return dst, "", ErrUnprotect
	}
	out, ok := p.sealer(s, e.key).open(dst, protected[headSize:])
	if !ok {
		return dst, "", ErrUnprotect
	}
	return out, e.ID, nil
}

// hasHead reports whether protected data begins as .NET's does, with the id of
// its key.
func hasHead(protected []byte) bool {
	return len(protected) >= headSize && binary.BigEndian.Uint32(protected) == magic
}

// String says what p is for, without any key.
func (p *protector) String() string {
	return fmt.Sprintf("dataprotection.Protector{purposes=%q}", p.purposes)
}

// sealer returns a key made ready for the purposes of p. S is the state that
// the key is of: with a new state, what was made for removed keys is dropped.
func (p *protector) sealer(s *state, k *key) *sealer {
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
	ready := all.recent.Load()
	if ready != nil && ready.key == k {
		return ready
	}
	if known, ok := all.byKey.Load(k); ok {
		ready = known.(*sealer)
	} else {
		ready = newSealer(k, p.purposes, p.ring.o.Rand)
		all.byKey.Store(k, ready)
	}
	all.recent.Store(ready)
	return ready
}
