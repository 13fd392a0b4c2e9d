package cookie

import (
	"crypto/sha256"
	"sync"
)

// verifiedCache keeps what verified values say, by the SHA-256 of the whole
// value: a value with one other bit is another value. WIF's cache goes by the
// id of the session, which anybody can write around other bytes.
//
// It is bounded by dropping the elder of two generations when the younger is
// full; a value that is used moves to the younger one.
type verifiedCache struct {
	max     int // of one generation
	scratch sync.Pool

	mu         sync.RWMutex
	young, old map[digest]*session
}

type digest [sha256.Size]byte

// maxVerified is the length of the largest value that is kept, so that the
// cache is bounded in bytes too. Larger ones do not fit the header lines of
// common proxies anyway.
const maxVerified = 16 << 10

func newVerifiedCache(n int) *verifiedCache {
	c := &verifiedCache{max: max(n/2, 1), young: make(map[digest]*session),
		old: make(map[digest]*session)}
	c.scratch.New = func() any { return new([]byte) }
	return c
}

// sum returns the key of a value, and false for one that is not kept.
func (c *verifiedCache) sum(text string) (digest, bool) {
	if len(text) > maxVerified {
		return digest{}, false
	}
	buf := c.scratch.Get().(*[]byte)
	*buf = append((*buf)[:0], text...) // a conversion would allocate
	sum := sha256.Sum256(*buf)
	c.scratch.Put(buf)
	return sum, true
}

func (c *verifiedCache) get(sum digest) (*session, bool) {
	c.mu.RLock()
	x, ok := c.young[sum]
	elder := false
	if !ok {
		x, elder = c.old[sum]
	}
	c.mu.RUnlock()
	if elder {
		c.put(sum, x)
	}
	return x, ok || elder
}

func (c *verifiedCache) put(sum digest, x *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.max {
		clear(c.old)
		c.young, c.old = c.old, c.young
	}
	c.young[sum] = x
}

func (c *verifiedCache) remove(sum digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, sum)
	delete(c.old, sum)
}
