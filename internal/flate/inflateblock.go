package flate

import "encoding/binary"

// Margins of the fast loop. One turn refills buf twice, each time reading eight
// bytes and advancing by at most seven, and writes up to three literals and a
// match, or four literals.
const (
	srcMargin = 16
	outMargin = 4 + maxMatch
)

// compressed expands one compressed block. Near the end of the source or of
// the room for the result it goes symbol by symbol, with every check; all else
// is left to the fast loop.
func (z *inflater) compressed(t *tables) error {
	for {
		if z.pos+srcMargin <= len(z.src) && z.n+outMargin <= len(z.out) && z.n <= z.limit {
			if end, err := z.fastLoop(t); end || err != nil {
				return err
			}
		}
		if end, err := z.step(t); end || err != nil {
			return err
		}
	}
}

// fastLoop expands symbols while both margins hold, and reports whether the
// block ended. It checks what the data may get wrong (codes, distances), and
// the limit once per turn: room beyond the limit may be written, but is never
// returned.
func (z *inflater) fastLoop(t *tables) (end bool, err error) {
	var (
		src, pos  = z.src, z.pos
		out, n    = z.out, z.n
		buf, nbuf = z.buf, z.nbuf
		lastPos   = len(src) - srcMargin
		lastOut   = min(len(out)-outMargin, z.limit)
	)
	buf, nbuf, pos = refill(src, buf, nbuf, pos)
	e := t.lit[buf&(1<<litBits-1)]
	for pos <= lastPos && n <= lastOut {
		if e.literal() {
			// Up to four literals, of at most litBits each. The next entry is looked
			// up before buf is refilled, so that the one need not wait for the other.
			buf >>= e.bits()
			nbuf -= e.bits()
			out[n] = byte(e >> valueShift)
			n++
			e = t.lit[buf&(1<<litBits-1)]
			if e.literal() {
				buf >>= e.bits()
				nbuf -= e.bits()
				out[n] = byte(e >> valueShift)
				n++
				e = t.lit[buf&(1<<litBits-1)]
				if e.literal() {
					buf >>= e.bits()
					nbuf -= e.bits()
					out[n] = byte(e >> valueShift)
					n++
					e = t.lit[buf&(1<<litBits-1)]
					if e.literal() {
						buf >>= e.bits()
						nbuf -= e.bits()
						out[n] = byte(e >> valueShift)
						n++
						e = t.lit[buf&(1<<litBits-1)]
						buf, nbuf, pos = refill(src, buf, nbuf, pos)
						continue
					}
				}
			}
			// A length and a distance take up to 48 bits.
			buf, nbuf, pos = refill(src, buf, nbuf, pos)
		}
		if e.special() {
			if e&entrySubtable != 0 {
				buf >>= e.bits()
				nbuf -= e.bits()
				e = t.lit[(uint64(e.value())+buf&(1<<e.codeBits()-1))&(litSlots-1)]
				if e.literal() {
					buf >>= e.bits()
					nbuf -= e.bits()
					out[n] = byte(e >> valueShift)
					n++
					e = t.lit[buf&(1<<litBits-1)]
					buf, nbuf, pos = refill(src, buf, nbuf, pos)
					continue
				}
			}
			if e.special() {
				if e&entryEnd == 0 {
					err = ErrCorrupt
				} else {
					end = true
					buf >>= e.bits()
					nbuf -= e.bits()
				}
				break
			}
		}
		length := e.value() + e.extra(buf)
		buf >>= e.bits()
		nbuf -= e.bits()

		e = t.dist[buf&(1<<distBits-1)]
		if e.special() {
			if e&entrySubtable != 0 {
				buf >>= e.bits()
				nbuf -= e.bits()
				e = t.dist[(uint64(e.value())+buf&(1<<e.codeBits()-1))&(distSlots-1)]
			}
			if e.special() {
				err = ErrCorrupt
				break
			}
		}
		dist := e.value() + e.extra(buf)
		buf >>= e.bits()
		nbuf -= e.bits()
		if dist > n {
			err = ErrCorrupt
			break
		}
		switch {
		case length <= 16 && dist >= 16:
			*(*[16]byte)(out[n:]) = *(*[16]byte)(out[n-dist:])
		case dist >= length:
			copy(out[n:n+length], out[n-dist:])
		default:
			repeat(out[n-dist:n+length], dist)
		}
		n += length
		buf, nbuf, pos = refill(src, buf, nbuf, pos)
		e = t.lit[buf&(1<<litBits-1)]
	}
	z.pos, z.n, z.nbuf = pos, n, nbuf
	z.buf = buf & (1<<(nbuf&63) - 1)
	return end, err
}

// refill tops up buf to at least 56 bits; eight bytes must be left at pos. The
// bits of buf above nbuf are then those of the byte at the new pos: adding them
// again next time changes nothing.
func refill(src []byte, buf uint64, nbuf uint, pos int) (uint64, uint, int) {
	buf |= binary.LittleEndian.Uint64(src[pos:]) << (nbuf & 63)
	return buf, nbuf | 56, pos + int((63-nbuf)>>3)
}

// step expands one symbol near an end, and reports whether the block ended.
// Where the source ends buf is followed by zeros, so an entry counts only if
// all its bits are really there.
func (z *inflater) step(t *tables) (end bool, err error) {
	z.fill()
	e, length, err := z.symbol(t.lit[:], litBits)
	if err != nil {
		return false, err
	}
	if e.literal() {
		if z.n >= z.limit {
			return false, ErrTooLarge
		}
		z.reserve(1)
		z.out[z.n] = byte(e >> valueShift)
		z.n++
		return false, nil
	}
	if e&entryEnd != 0 {
		return true, nil
	}
	z.fill()
	_, dist, err := z.symbol(t.dist[:], distBits)
	if err != nil {
		return false, err
	}
	if dist > z.n {
		return false, ErrCorrupt
	}
	if length > z.limit-z.n {
		return false, ErrTooLarge
	}
	z.reserve(length)
	repeat(z.out[z.n-dist:z.n+length], dist)
	z.n += length
	return false, nil
}

// symbol takes one symbol and its extra bits from the source. It returns the
// entry found and its value with the extra bits added.
func (z *inflater) symbol(table []entry, width uint) (e entry, value int, err error) {
	e = table[z.buf&(1<<width-1)]
	if e&entrySubtable != 0 {
		first, buf := e.bits(), z.buf>>e.bits()
		e = table[e.value()+int(buf&(1<<e.codeBits()-1))]
		if first+e.bits() > z.nbuf {
			return 0, 0, ErrTruncated
		}
		z.skip(first)
	}
	if e.bits() > z.nbuf {
		return 0, 0, ErrTruncated
	}
	if e.special() && e&entryEnd == 0 {
		return 0, 0, ErrCorrupt
	}
	value = e.value() + e.extra(z.buf)
	z.skip(e.bits())
	return e, value, nil
}

// repeat continues b, of which the first period bytes are given, with copies
// of them up to its length. The copied part doubles each time.
func repeat(b []byte, period int) {
	for period < len(b) {
		period += copy(b[period:], b[:period])
	}
}
