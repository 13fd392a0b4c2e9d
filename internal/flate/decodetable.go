package flate

import (
	"math/bits"
	"sync"
)

// entry is one slot of a decoding table: what the next bits of the input mean.
//
//	 31      30..16    15       14        13     11..8      5..0
//	literal  value   special  subtable  end   code bits  all bits
//
//	literal    value is the byte
//	length     value is the shortest match
//	distance   value is the smallest distance
//	subtable   value is the index of a further table, "code bits" its width
//	end        the block ends here
//	special    alone: no code starts with these bits
//
// In the table for a dynamic block's header a literal's value is a code length,
// "special" with "end" repeats the last length, and the others are runs of
// zeros; the value of both is the shortest run.
//
// "all bits" is what the entry takes from the input: the code and the extra
// bits behind it. The extra bits are those above "code bits". A sub-table's
// entries count only the bits that the first table has not taken.
type entry uint32

const (
	entryLiteral  entry = 1 << 31
	entrySpecial  entry = 1 << 15
	entrySubtable entry = 1 << 14
	entryEnd      entry = 1 << 13

	valueShift = 16
	codeShift  = 8
	perBit     = 1<<codeShift | 1 // adds one bit of code to an entry
)

func (e entry) literal() bool  { return int32(e) < 0 }
func (e entry) special() bool  { return e&entrySpecial != 0 }
func (e entry) value() int     { return int(e >> valueShift & 0x7fff) }
func (e entry) bits() uint     { return uint(e & 63) }
func (e entry) codeBits() uint { return uint(e >> codeShift & 15) }

// extra returns the number that the entry's extra bits hold, given the input
// from the entry's first bit on.
func (e entry) extra(buf uint64) int {
	return int(buf & (1<<e.bits() - 1) >> e.codeBits())
}

// Table sizes. A first table as wide as the longest code would be slow to
// fill, so longer codes, which are rare, take a second step. The totals are the
// most that any complete code of the alphabet needs (1334 and 402), rounded up
// to powers of two so that a masked index needs no bounds check.
const (
	litBits     = 10
	litSlots    = 2048
	distBits    = 8
	distSlots   = 512
	headerSlots = 1 << maxHeaderLen
	headerMask  = headerSlots - 1
)

// tables decodes one compressed block.
type tables struct {
	lit  [litSlots]entry
	dist [distSlots]entry
}

// litMeaning, distMeaning and headerMeaning hold each symbol's entry without
// its code's length.
var (
	litMeaning    = makeLitMeaning()
	distMeaning   = makeDistMeaning()
	headerMeaning = makeHeaderMeaning()
)

func makeLitMeaning() (m [numFixedLit]entry) {
	for i := range m {
		switch {
		case i < endOfBlock:
			m[i] = entryLiteral | entry(i)<<valueShift
		case i == endOfBlock:
			m[i] = entrySpecial | entryEnd
		case i < numLitLen:
			m[i] = entry(lengthBase[i-endOfBlock-1])<<valueShift | entry(lengthExtra[i-endOfBlock-1])
		default:
			m[i] = entrySpecial
		}
	}
	return m
}

func makeDistMeaning() (m [numFixedDist]entry) {
	for i := range m {
		if i < numDist {
			m[i] = entry(distBase[i])<<valueShift | entry(distExtra[i])
		} else {
			m[i] = entrySpecial
		}
	}
	return m
}

func makeHeaderMeaning() (m [numCodeLen]entry) {
	for i := range m[:runPrevious] {
		m[i] = entryLiteral | entry(i)<<valueShift
	}
	m[runPrevious] = entrySpecial | entryEnd | 3<<valueShift | 2
	m[runZeroShort] = 3<<valueShift | 3
	m[runZeroLong] = 11<<valueShift | 7
	return m
}

// codeLengths lists the symbols of a code by the length of their codes, in
// order: all that defines a canonical code (RFC 1951, 3.2.2). Filling the
// lists while the lengths are read spares counting and sorting them later.
type codeLengths struct {
	count [maxCodeLen + 1]uint16
	sym   [maxCodeLen + 1][numFixedLit + numFixedDist]uint16
}

func (c *codeLengths) reset() { clear(c.count[:]) }

// add gives the next symbol a code of n bits; 0 means none.
func (c *codeLengths) add(sym int, n uint8) {
	n &= maxCodeLen
	c.sym[n][c.count[n]] = uint16(sym)
	c.count[n]++
}

// split returns how many symbols of each length are below first.
func (c *codeLengths) split(first int) (below [maxCodeLen + 1]uint16) {
	for n := range c.count {
		i := c.count[n]
		for i > 0 && int(c.sym[n][i-1]) >= first {
			i--
		}
		below[n] = i
	}
	return below
}

// fixedTables are those of a block with fixed codes, RFC 1951, 3.2.6.
var fixedTables = sync.OnceValue(func() *tables {
	var c codeLengths
	for i := range numFixedLit {
		switch {
		case i < 144:
			c.add(i, 8)
		case i < 256:
			c.add(i, 9)
		case i < 280:
			c.add(i, 7)
		default:
			c.add(i, 8)
		}
	}
	for i := range numFixedDist {
		c.add(numFixedLit+i, 5)
	}
	t := new(tables)
	t.build(&c, numFixedLit)
	return t
})

// build fills both tables: symbols of c from numLit on are distances.
func (t *tables) build(c *codeLengths, numLit int) bool {
	var none [maxCodeLen + 1]uint16
	middle := c.split(numLit)
	return buildTable(t.lit[:], c, &none, &middle, litMeaning[:], 0, litBits) &&
		buildTable(t.dist[:], c, &middle, &c.count, distMeaning[:], numLit, distBits)
}

// buildTable fills table for the canonical code made of the symbols that lie
// between from and to in the lists of c. The first table takes width bits, and
// meaning[s-first] says what symbol s means.
//
// A code must be complete. As in zlib and compress/flate two more are allowed:
// one code of a single bit, and none at all; bits that mean nothing then lead
// to a special entry.
func buildTable(table []entry, c *codeLengths, from, to *[maxCodeLen + 1]uint16, meaning []entry, first int, width int) bool {
	// free counts the codes of a length that are still unused.
	free, longest := 1, 0
	for n := 1; n <= maxCodeLen; n++ {
		used := int(to[n] - from[n])
		if free = free<<1 - used; free < 0 {
			return false
		}
		if used > 0 {
			longest = n
		}
	}
	if free != 0 {
		if longest > 1 {
			return false
		}
		for i := range table[:1<<width] {
			table[i] = entrySpecial
		}
		if longest == 1 {
			e := meaning[int(c.sym[1][from[1]])-first] + perBit
			for i := 0; i < 1<<width; i += 2 {
				table[i] = e
			}
		}
		return true
	}

	// Codes of up to width bits fill the first table. It starts with two slots
	// and is doubled by copying whenever the codes grow by a bit: as codes are
	// read from their first bit, which is the lowest of the index, the copy puts
	// a short code at every index that ends in it. Slots that no code has
	// reached yet are copied as they are, and overwritten later, the code being
	// complete.
	code := 0
	for n := 1; n <= width; n++ {
		size := 1 << n
		if n > 1 {
			copy(table[size/2:size], table[:size/2])
		}
		add := entry(n) * perBit
		for _, sym := range c.sym[n][from[n]:to[n]] {
			table[reverse(code, n)] = meaning[int(sym)-first] + add
			code++
		}
		code <<= 1
	}

	// Longer codes share slots. Canonical codes come in order, so those of one
	// slot follow each other, and its sub-table is as wide as the codes left
	// can fill.
	var (
		slot = -1
		base int
		more int          // width of the sub-table
		end  = 1 << width // of the sub-tables so far
	)
	for n := width + 1; n <= longest; n++ {
		syms := c.sym[n][from[n]:to[n]]
		for i, sym := range syms {
			rev := reverse(code, n)
			if low := rev & (1<<width - 1); low != slot {
				slot, base, more = low, end, n-width
				for room := 1<<more - (len(syms) - i); room > 0 && width+more < longest; {
					more++
					room = room<<1 - int(to[width+more]-from[width+more])
				}
				end += 1 << more
				table[slot] = entrySpecial | entrySubtable |
					entry(base)<<valueShift | entry(more)<<codeShift | entry(width)
			}
			e := meaning[int(sym)-first] + entry(n-width)*perBit
			for i := rev >> width; i < 1<<more; i += 1 << (n - width) {
				table[base+i] = e
			}
			code++
		}
		code <<= 1
	}
	return true
}

// reverse returns the n lowest bits of code in reverse order: codes are defined
// from their first bit, which the format puts lowest.
func reverse(code, n int) int {
	return int(bits.Reverse16(uint16(code)) >> (16 - uint(n)))
}
