package flate

import (
	"encoding/binary"
	"math/bits"
)

// token is a literal, or a match.
//
//	 31     30..16        15..0
//	match   distance - 1  length, or the literal byte
type token uint32

const (
	tokenMatch token = 1 << 31
	distShift        = 16
)

func matchToken(length, dist int) token {
	return tokenMatch | token(dist-1)<<distShift | token(length)
}

func (t token) match() bool   { return int32(t) < 0 }
func (t token) length() int   { return int(t & 0xffff) }
func (t token) distance() int { return int(t>>distShift&0x7fff) + 1 }

// How hard to search, chosen on session tokens: their claims repeat long pieces
// with small changes between, so the longest copy is often not the last one,
// and starts or ends where an earlier copy did.
const (
	minLen     = 4  // shortest match looked for
	goodLen    = 16 // a match that long is good:
	tries      = 64 // earlier positions compared while there is no good match
	fewTries   = 16 // and after that, in the hope of a better one
	edge       = 8  // positions remembered at either end of a longer match
	windowMask = maxDistance - 1

	// The hash table has four to eight slots for each byte of input, within
	// these bounds: more would leave the cache, fewer make strangers meet.
	minHashBits = 10
	maxHashBits = 15
)

// matcher finds earlier copies of the bytes at a position, by chains of
// positions with the same hash of four bytes.
//
// The tables are not cleared between inputs. They hold stamps, which are
// positions plus base, and base rises by every input's length: what an earlier
// input left is then farther back than the input's own start. prev is only read
// at positions that head or prev led to.
type matcher struct {
	base  uint32
	shift uint                     // 32 minus the bits of the hash
	head  [1 << maxHashBits]uint32 // hash: stamp of its last position
	prev  [maxDistance]uint32      // position: what head held before it; a ring
}

// start prepares for an input of size bytes. Small inputs use a small part of
// the table, which then stays in the cache.
func (m *matcher) start(size int) {
	m.shift = 32 - uint(min(max(bits.Len(uint(size))+2, minHashBits), maxHashBits))
	if m.base == 0 || m.base > 1<<31 {
		clear(m.head[:])
		m.base = 1
	}
}

// finish makes the positions of an input of size bytes invalid.
func (m *matcher) finish(size int) { m.base += uint32(size) }

// insert adds the position and returns the stamp of the last one with the same
// hash, which may be of an earlier input or too far back. Four bytes must be
// left.
func (m *matcher) insert(src []byte, pos int) uint32 {
	hash := binary.LittleEndian.Uint32(src[pos:]) * 0x9e3779b1 >> (m.shift & 31)
	slot := &m.head[hash&(1<<maxHashBits-1)]
	before := *slot
	*slot = m.base + uint32(pos)
	m.prev[pos&windowMask] = before
	return before
}

// reach is the greatest distance that counts at pos. One less than the format
// allows, as pos takes its place in prev first.
func reach(pos int) uint32 { return uint32(min(pos, maxDistance-1)) }

// longest returns the longest match at pos that is longer than best (at least
// 3), the nearest of equals, or else best and 0. It tries the position with
// stamp near and those chained to it.
func (m *matcher) longest(src []byte, pos int, near uint32, best, tries int) (length, dist int) {
	limit := min(maxMatch, len(src)-pos)
	if best >= limit {
		return best, 0
	}
	var (
		here  = m.base + uint32(pos)
		far   = reach(pos)
		first = binary.LittleEndian.Uint32(src[pos:])
		last  = binary.LittleEndian.Uint32(src[pos+best-3:])
	)
	for ; tries > 0; tries-- {
		back := here - near
		if back > far {
			break
		}
		at := pos - int(back)
		if binary.LittleEndian.Uint32(src[at+best-3:]) == last &&
			binary.LittleEndian.Uint32(src[at:]) == first {
			if n := commonLen(src[at:], src[pos:pos+limit]); n > best {
				best, dist = n, int(back)
				if n == limit {
					break
				}
				last = binary.LittleEndian.Uint32(src[pos+best-3:])
			}
		}
		near = m.prev[at&windowMask]
	}
	return best, dist
}

// commonLen returns how many bytes a and b have in common at the start, at most
// len(b); a is longer than b.
func commonLen(a, b []byte) int {
	n := 0
	for len(b)-n >= 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// tokenize turns src from pos on into tokens until src ends or the block is
// full, and counts their symbols. It returns the position reached.
func (d *deflater) tokenize(src []byte, pos int) ([]token, int) {
	var (
		m        = &d.matches
		tokens   = d.tokens[:0]
		lastHash = len(src) - 4 // last position with four bytes
	)
	for pos < len(src) && len(tokens) < maxTokens {
		length, dist := minLen-1, 0
		if pos <= lastHash {
			near := m.insert(src, pos)
			if m.base+uint32(pos)-near <= reach(pos) { // mostly not
				length, dist = m.longest(src, pos, near, length, tries)
			}
		}
		if dist == 0 {
			tokens = append(tokens, d.literal(src[pos]))
			pos++
			continue
		}
		// A longer match one byte on is worth a literal; and so again.
		next := pos + 1
		for length < maxMatch && next <= lastHash && len(tokens) < maxTokens-1 {
			n := tries
			if length >= goodLen {
				n = fewTries
			}
			longer, at := m.longest(src, next, m.insert(src, next), length, n)
			next++
			if at == 0 {
				break
			}
			tokens = append(tokens, d.literal(src[pos]))
			pos, length, dist = pos+1, longer, at
		}
		tokens = append(tokens, d.match(length, dist))
		pos += length
		if pos-next > 2*edge {
			for end := next + edge; next < end; next++ { // before pos-edge, so four bytes are left
				m.insert(src, next)
			}
			next = pos - edge
		}
		for ; next < pos && next <= lastHash; next++ {
			m.insert(src, next)
		}
	}
	return tokens, pos
}

// literal counts and returns a token for b.
func (d *deflater) literal(b byte) token {
	d.lit.freq[b]++
	return token(b)
}

// match counts and returns a token for a match.
func (d *deflater) match(length, dist int) token {
	d.lit.freq[endOfBlock+1+int(lengthSymbol[length-minMatch])]++
	d.dist.freq[distSymbol(dist)]++
	return matchToken(length, dist)
}
