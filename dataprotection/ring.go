package dataprotection

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/internal/xmlenc"
)

// RingOptions are the choices of [Open]. The zero value, as nil, is fit for a ring
// in clear of applications without a name.
type RingOptions struct {
	// ApplicationName is what the .NET nodes pass to SetApplicationName: the
	// first purpose of everything. It is taken as it is, blanks included. Empty
	// adds no purpose. A .NET node without a name uses its content root path.
	ApplicationName string
	// Certificates open keys that ProtectKeysWithCertificate has encrypted; the
	// one that a key names is taken. tls.X509KeyPair reads them from PEM. The
	// private key is an RSA key in memory or any other [crypto.Decrypter]. Keys
	// that this ring makes are encrypted for the first.
	Certificates []tls.Certificate
	// Decrypt opens what only a service can, such as Azure Key Vault. It gets
	// the class that .NET would use, for example
	// "Azure.Extensions.AspNetCore.DataProtection.Keys.AzureKeyVaultXmlDecryptor, …",
	// and the encrypted element, and returns the plain element. It is asked when
	// a key is read for the first time, and after an error again with the next
	// reading. If the error wraps [ErrUnavailable], so does Unprotect's meanwhile.
	// If nil, such keys cannot be used.
	Decrypt func(ctx context.Context, decryptorType string, element []byte) ([]byte, error)
	// Interval is the time between two readings of the ring, which begin up to
	// 20 % earlier, so that nodes do not read at the same moment. The reading
	// goes on beside the request that is due. Zero means one minute; negative
	// means that the ring is only read by Refresh and for unknown keys.
	Interval time.Duration
	// KeepAhead, if not zero, makes this node a keeper of the ring: after every
	// reading it makes the next key as [Ring.Keep] does, with a lifetime of 90
	// days. A .NET node makes it three days ahead, so with more Go comes first.
	// Zero means that the ring never makes a key by itself.
	KeepAhead time.Duration
	// OnRefresh, if not nil, is told after every reading but the first: nil, or
	// why the ring stays as it was or could not get its next key. Two calls may
	// overlap.
	OnRefresh func(error)
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Rand is the source of randomness for Protect, for tests only. Nil means
	// crypto/rand.
	Rand io.Reader
}

// Ring is the key ring of a farm, the Keys of every codec of package
// sessiontoken. It is safe for concurrent use, follows its repository, and
// prints without key bytes. [Open] makes it.
type Ring struct {
	repository Repository
	o          RingOptions // with Now, Interval; without Certificates
	keys       func() []xmlenc.Key
	state      atomic.Pointer[state]
	next       atomic.Int64 // when to read again, in Unix nanoseconds

	mu     sync.Mutex
	flight *flight   // the reading that goes on, if any
	quiet  time.Time // until then unknown keys are refused at once
	failed error     // of the last reading: what unknown keys are refused with
	read   time.Time // when the state was read
	told   []func(error)
}

var _ seal.Keys = (*Ring)(nil)

// Open reads the ring. Its error is the repository's, or a [*RingError] for
// what makes .NET refuse the whole ring: two keys of one id, a revocation that
// cannot be read, an element that is no XML; also a ring over the bounds of
// this package. A key that cannot be used is no error, see [Ring.Keys].
func Open(ctx context.Context, repository Repository, o *RingOptions) (*Ring, error) {
	r := &Ring{repository: repository}
	if o != nil {
		r.o = *o
	}
	if repository == nil {
		return nil, fmt.Errorf("dataprotection: no repository")
	}
	if !utf8.ValidString(r.o.ApplicationName) {
		return nil, fmt.Errorf("dataprotection: RingOptions.ApplicationName is not UTF-8")
	}
	keys, err := certificateKeys(r.o.Certificates)
	if err != nil {
		return nil, err
	}
	if r.o.OnRefresh != nil {
		r.told = append(r.told, r.o.OnRefresh)
	}
	r.keys, r.o.Certificates = func() []xmlenc.Key { return keys }, nil
	if r.o.Now == nil {
		r.o.Now = time.Now
	}
	r.o.Interval = cmp.Or(r.o.Interval, defaultInterval)
	if err := checkLifetime(r.o.KeepAhead, newKeyLifetime); err != nil {
		return nil, err
	}
	s, err := r.load(ctx)
	if err == nil && r.o.KeepAhead > 0 && s.defaultKey(r.o.Now()) == nil {
		s, _, err = r.keep(ctx, s, r.o.KeepAhead, newKeyLifetime)
	}
	if err != nil {
		return nil, err
	}
	r.state.Store(s)
	r.read = r.o.Now()
	r.schedule()
	return r, nil
}

// Traits are for package cookie.
func (r *Ring) Traits() seal.RingTraits {
	return seal.RingTraits{
		ApplicationName: r.o.ApplicationName,
		Application:     func(name string) seal.Keys { return application{r, name} },
		OnRefresh: func(f func(error)) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, f)
		},
		Named: func(protected []byte) string {
			if !hasHead(protected) {
				return ""
			}
			return guid(protected[4:headSize]).String()
		},
		Fault: r.fault,
	}
}

// application is a ring under another application name.
type application struct {
	*Ring
	name string
}

func (a application) Protector(purposes ...string) (Protector, error) {
	return a.protector(a.name, purposes)
}

// Key is what there is to say of one key of a ring.
type Key struct {
	// ID is the key's id in lower case with hyphens, empty if it has none.
	ID string
	// Created, Activated and Expires are when the key was made, and when it
	// begins and ends to protect. An expired key still opens.
	Created, Activated, Expires time.Time
	// Revoked says that the key neither protects nor opens any more.
	Revoked bool
	// Algorithm is for example "AES_256_CBC, HMACSHA256" or "AES_256_GCM",
	// empty if the key cannot be used.
	Algorithm string
	// Decryptor is the .NET class that decrypts the key, for example
	// "EncryptedXmlDecryptor", and empty if the key lies there in clear.
	Decryptor string
	// Certificate is the one that the key is encrypted for, nil if it names none.
	Certificate *x509.Certificate
	// Err, a [*RingError], says why the key cannot be used, and is nil if it
	// can. If the dates are zero too, the element is no key for .NET either.
	Err error
}

// Keys returns the keys in the order of the repository.
func (r *Ring) Keys() []Key {
	s := r.state.Load()
	list := make([]Key, 0, len(s.entries)+len(s.leftOut))
	for _, e := range s.entries {
		k := e.Key
		k.Revoked = e.revoked
		list = append(list, k)
	}
	return append(list, s.leftOut...)
}

// KeyStatus says of a key that has opened data whether the ring still opens
// with it: a revoked key is not known any more, and what was kept of it should
// be dropped. Renew says that the key is older than the one that protects now,
// so that the data should be protected anew. A younger key is not renewed: a
// node whose clock is ahead protects with it already.
func (r *Ring) KeyStatus(keyID string) (known, renew bool) {
	id, ok := parseGUID(keyID)
	if !ok {
		return false, false
	}
	s := r.state.Load()
	e := s.byID[id]
	if e == nil || !e.usable() {
		return false, false
	}
	now := s.current(r.o.Now())
	return true, now != nil && now != e && !e.Activated.After(now.Activated)
}

// Resolve returns the id of the key that protects at a given time, as
// IDefaultKeyResolver does, and is empty if there is none. Fallback says that
// .NET has no default key then, and that the one returned is what nodes take
// that make no keys. Without a default a node that makes keys makes one.
func (r *Ring) Resolve(at time.Time) (keyID string, fallback bool) {
	e, fallback := r.state.Load().protecting(at)
	if e == nil {
		return "", false
	}
	return e.ID, fallback
}
