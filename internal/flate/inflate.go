package flate

import (
	"encoding/binary"
	"sync"
)

// Inflate appends to dst the bytes that the raw DEFLATE stream src stands for,
// at most limit of them.
//
// The stream must have its final block; what follows that block is ignored, as
// .NET's DeflateStream does. On error the result is dst as it was, and the
// error is an *[Error].
//
// dst grows with the data actually produced, by doubling and never beyond
// limit; if its capacity suffices nothing is allocated. Bytes between its
// length and its capacity may be overwritten. src must not overlap that part.
func Inflate(dst, src []byte, limit int) ([]byte, error) {
	dst, _, err := inflate(dst, src, limit)
	return dst, err
}

// inflate is Inflate and also returns the index of the byte behind the stream.
func inflate(dst, src []byte, limit int) ([]byte, int, error) {
	z := inflaters.Get().(*inflater)
	z.src, z.pos, z.buf, z.nbuf = src, 0, 0, 0
	z.dst, z.base, z.limit = dst, len(dst), max(limit, 0)
	z.out, z.n = dst[len(dst):cap(dst)], 0
	cause := z.stream()
	if z.n > z.limit {
		cause = ErrTooLarge
	}
	result, offset := z.dst[:z.base], z.pos-int(z.nbuf/8)
	switch cause {
	case nil:
		result = z.dst[:z.base+z.n]
	case ErrTruncated:
		offset = len(src)
	}
	z.src, z.dst, z.out = nil, nil, nil // the pool must not hold the caller's data
	inflaters.Put(z)
	if cause != nil {
		return dst, offset, &Error{Offset: offset, Err: cause}
	}
	return result, offset, nil
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// inflater is the state of one call, pooled for its tables.
type inflater struct {
	src  []byte
	pos  int    // of the next byte to move into buf
	buf  uint64 // bits taken from src and not used yet, the next one lowest;
	nbuf uint   // there are nbuf of them, and zeros above

	dst   []byte // the caller's slice, or one that replaced it
	base  int    // where the caller's slice ended
	out   []byte // dst from base to its capacity: the result, and the window
	n     int    // bytes of out that are written
	limit int

	tables tables
	header [headerSlots]entry
	lens   codeLengths
}

// stream expands blocks up to the final one.
func (z *inflater) stream() error {
	for {
		z.fill()
		if z.nbuf < 3 {
			return ErrTruncated
		}
		final, kind := z.buf&1 != 0, z.buf>>1&3
		z.skip(3)
		var err error
		switch kind {
		case blockStored:
			err = z.stored()
		case blockFixed:
			err = z.compressed(fixedTables())
		case blockDynamic:
			if err = z.readTables(); err == nil {
				err = z.compressed(&z.tables)
			}
		default:
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
		if final {
			return nil
		}
	}
}

// fill tops up buf to at least 56 bits, or to what is left of the source.
func (z *inflater) fill() {
	if z.pos+8 <= len(z.src) {
		z.buf, z.nbuf, z.pos = refill(z.src, z.buf, z.nbuf, z.pos)
		z.buf &= 1<<(z.nbuf&63) - 1
		return
	}
	for z.nbuf < 56 && z.pos < len(z.src) {
		z.buf |= uint64(z.src[z.pos]) << (z.nbuf & 63)
		z.pos++
		z.nbuf += 8
	}
}

func (z *inflater) skip(n uint) {
	z.buf >>= n & 63
	z.nbuf -= n
}

// stored copies a block that is not compressed: padding to a byte boundary,
// LEN, its complement NLEN, and LEN bytes (RFC 1951, 3.2.4).
func (z *inflater) stored() error {
	z.pos -= int(z.nbuf / 8)
	z.buf, z.nbuf = 0, 0
	rest := z.src[z.pos:]
	if len(rest) < storedLenSize {
		return ErrTruncated
	}
	size := int(binary.LittleEndian.Uint16(rest))
	if size^0xffff != int(binary.LittleEndian.Uint16(rest[2:])) {
		return ErrCorrupt
	}
	rest = rest[storedLenSize:]
	if min(size, len(rest)) > z.limit-z.n {
		return ErrTooLarge
	}
	if len(rest) < size {
		return ErrTruncated
	}
	z.reserve(size)
	z.n += copy(z.out[z.n:], rest[:size])
	z.pos += storedLenSize + size
	return nil
}

// reserve makes room for size more bytes, which the caller has checked against
// the limit. Room for a token of usual compression is made at once.
func (z *inflater) reserve(size int) {
	need := z.n + size
	if need <= len(z.out) {
		return
	}
	room := max(need, 2*len(z.out), 4*len(z.src)+512)
	room = max(min(room, z.limit), need)
	grown := make([]byte, z.base+room)
	copy(grown, z.dst[:z.base])
	copy(grown[z.base:], z.out[:z.n])
	z.dst, z.out = grown[:z.base], grown[z.base:]
}

// readTables reads the header of a dynamic block (RFC 1951, 3.2.7).
//
//	HLIT (5)   number of literal and length codes - 257
//	HDIST (5)  number of distance codes - 1
//	HCLEN (4)  number of code-length codes - 4
//	HCLEN+4 lengths of 3 bits, in the order of codeLenOrder
//	the lengths of all literal, length and distance codes, run-length coded
func (z *inflater) readTables() error {
	z.fill()
	if z.nbuf < headerBits {
		return ErrTruncated
	}
	numLit := int(z.buf&31) + endOfBlock + 1
	numDists := int(z.buf>>5&31) + 1
	numCodes := int(z.buf>>10&15) + 4
	z.skip(headerBits)
	if numLit > numLitLen || numDists > numDist {
		return ErrCorrupt
	}
	var headerLens [numCodeLen]uint8
	for i, at := range codeLenOrder[:numCodes] {
		if i%16 == 0 {
			z.fill() // 48 of the 56 bits
		}
		if z.nbuf < 3 {
			return ErrTruncated
		}
		headerLens[at] = uint8(z.buf & 7)
		z.skip(3)
	}
	c := &z.lens
	c.reset()
	for i, n := range headerLens {
		c.add(i, n)
	}
	var none [maxCodeLen + 1]uint16
	if !buildTable(z.header[:], c, &none, &c.count, headerMeaning[:], 0, maxHeaderLen) {
		return ErrCorrupt
	}

	c.reset()
	var (
		total     = numLit + numDists
		last      = -1 // length before, for runPrevious
		buf, nbuf = z.buf, z.nbuf
	)
	for i := 0; i < total; {
		if z.pos+8 <= len(z.src) {
			buf, nbuf, z.pos = refill(z.src, buf, nbuf, z.pos)
		} else {
			z.buf, z.nbuf = buf&(1<<(nbuf&63)-1), nbuf
			z.fill()
			buf, nbuf = z.buf, z.nbuf
		}
		e := z.header[buf&headerMask]
		if e.bits() > nbuf {
			return ErrTruncated
		}
		value := e.value()
		if e.literal() {
			buf >>= e.bits()
			nbuf -= e.bits()
			c.add(i, uint8(value))
			last = value
			i++
			continue
		}
		if e.special() && (e&entryEnd == 0 || last < 0) {
			return ErrCorrupt
		}
		end := i + value + e.extra(buf)
		buf >>= e.bits()
		nbuf -= e.bits()
		if end > total {
			return ErrCorrupt
		}
		if e.special() {
			for ; i < end; i++ {
				c.add(i, uint8(last))
			}
			continue
		}
		last, i = 0, end // symbols without a code are in no list
	}
	z.buf, z.nbuf = buf&(1<<(nbuf&63)-1), nbuf
	if !z.tables.build(c, numLit) {
		return ErrCorrupt
	}
	return nil
}
