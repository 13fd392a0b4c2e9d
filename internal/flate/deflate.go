package flate

import (
	"math/bits"
	"sync"
)

// Deflate appends to dst a raw DEFLATE stream that expands to src. Nothing is
// allocated if the capacity of dst suffices. src must not overlap the part of
// dst behind its length.
func Deflate(dst, src []byte) []byte {
	d := deflaters.Get().(*deflater)
	d.w = bitWriter{out: dst}
	for {
		part := src[:min(len(src), maxSegment)]
		src = src[len(part):]
		d.segment(part, len(src) == 0)
		if len(src) == 0 {
			break
		}
	}
	d.w.align()
	dst = d.w.out
	d.w.out = nil
	deflaters.Put(d)
	return dst
}

var deflaters = sync.Pool{New: func() any { return new(deflater) }}

const (
	maxSegment = 1 << 22 // bytes whose positions are kept apart; see matcher.base
	maxTokens  = 1 << 14 // in one block
)

// deflater is the state of one call, pooled for its tables.
type deflater struct {
	w       bitWriter
	matches matcher
	tokens  [maxTokens]token

	lit, dist, header huffman
	runs              [numLitLen + numDist]run
}

// run is one item of a dynamic block's run-length coded header.
type run struct {
	sym, extra uint8
}

// segment compresses src, without looking back before it.
func (d *deflater) segment(src []byte, final bool) {
	d.matches.start(len(src))
	for pos := 0; ; {
		clear(d.lit.freq[:])
		clear(d.dist.freq[:])
		tokens, end := d.tokenize(src, pos)
		d.block(tokens, src[pos:end], final && end == len(src))
		pos = end
		if pos == len(src) {
			break
		}
	}
	d.matches.finish(len(src))
}

// block writes tokens, which stand for src, in the shortest of the three forms.
func (d *deflater) block(tokens []token, src []byte, final bool) {
	d.lit.freq[endOfBlock] = 1
	extra := 0
	for s, n := range lengthExtra {
		extra += int(d.lit.freq[endOfBlock+1+s]) * int(n)
	}
	for s, n := range distExtra {
		extra += int(d.dist.freq[s]) * int(n)
	}
	fixed := 3 + extra
	for s, f := range d.lit.freq[:numLitLen] {
		fixed += int(f) * int(fixedLitCodes[s].n)
	}
	for _, f := range d.dist.freq[:numDist] {
		fixed += int(f) * 5
	}
	numLit := max(d.lit.build(numLitLen, maxCodeLen), endOfBlock+1)
	numDists := d.dist.build(numDist, maxCodeLen)
	runs, numCodes, size := d.buildHeader(numLit, numDists)
	dynamic := 3 + size + extra
	for s, f := range d.lit.freq[:numLit] {
		dynamic += int(f) * int(d.lit.codes[s].n)
	}
	for s, f := range d.dist.freq[:numDists] {
		dynamic += int(f) * int(d.dist.codes[s].n)
	}
	stored := (len(src) + (len(src)/maxStored+1)*5) * 8

	last := uint64(0)
	if final {
		last = 1
	}
	switch {
	case stored < min(fixed, dynamic):
		d.w.stored(src, last)
	case fixed <= dynamic:
		d.w.reserve(fixed)
		d.w.write(last|blockFixed<<1, 3)
		d.w.tokens(tokens, &fixedLitCodes, &fixedDistCodes)
	default:
		d.w.reserve(dynamic)
		d.w.write(last|blockDynamic<<1, 3)
		d.w.header(runs, numLit, numDists, numCodes, &d.header)
		d.w.tokens(tokens, &d.lit.codes, &d.dist.codes)
	}
}

// lengthSymbol is the symbol of each match length, counted from 257 and
// minMatch.
var lengthSymbol = makeLengthSymbol()

func makeLengthSymbol() (table [maxMatch - minMatch + 1]uint8) {
	s := 0
	for i := range table {
		for s+1 < len(lengthBase) && i+minMatch >= int(lengthBase[s+1]) {
			s++
		}
		table[i] = uint8(s)
	}
	return table
}

// distSymbol returns the symbol of a distance: there are two for each power of
// two, so the number of bits and the bit after the first one make the symbol.
func distSymbol(dist int) int {
	d := uint(dist - 1)
	if d < 2 {
		return int(d)
	}
	n := bits.Len(d) - 1
	return 2*n + int(d>>(uint(n-1)&63)&1)
}

// fixedLitCodes and fixedDistCodes are those of RFC 1951, 3.2.6.
var fixedLitCodes, fixedDistCodes = makeFixedCodes()

func makeFixedCodes() (lit, dist [numFixedLit]code) {
	for i := range lit {
		bits, n := 0, 0
		switch {
		case i < 144:
			bits, n = 0x30+i, 8
		case i < 256:
			bits, n = 0x190+i-144, 9
		case i < 280:
			bits, n = i-256, 7
		default:
			bits, n = 0xc0+i-280, 8
		}
		lit[i] = code{uint16(reverse(bits, n)), uint8(n)}
	}
	for i := range numFixedDist {
		dist[i] = code{uint16(reverse(i, 5)), 5}
	}
	return lit, dist
}

// buildHeader run-length codes the lengths of all codes and builds the code for
// that. It returns the runs, the number of code-length codes to write and the
// header's size in bits without the block's first three.
func (d *deflater) buildHeader(numLit, numDists int) (runs []run, numCodes, size int) {
	var lens [numLitLen + numDist]uint8
	for s := range numLit {
		lens[s] = d.lit.codes[s].n
	}
	for s := range numDists {
		lens[numLit+s] = d.dist.codes[s].n
	}
	h := &d.header
	clear(h.freq[:])
	size = headerBits
	runs = d.runs[:0]
	put := func(sym, extra, bits int) {
		runs = append(runs, run{uint8(sym), uint8(extra)})
		h.freq[sym]++
		size += bits
	}
	total := numLit + numDists
	for i := 0; i < total; {
		n, end := lens[i], i+1
		for end < total && lens[end] == n {
			end++
		}
		count := end - i
		i = end
		if n == 0 {
			for count >= 11 {
				k := min(count, 138)
				put(runZeroLong, k-11, 7)
				count -= k
			}
			if count >= 3 {
				put(runZeroShort, count-3, 3)
				count = 0
			}
		} else {
			put(int(n), 0, 0)
			count--
			for count >= 3 {
				k := min(count, 6)
				put(runPrevious, k-3, 2)
				count -= k
			}
		}
		for range count {
			put(int(n), 0, 0)
		}
	}
	h.build(numCodeLen, maxHeaderLen)
	for s, f := range h.freq[:numCodeLen] {
		size += int(f) * int(h.codes[s].n)
	}
	numCodes = numCodeLen
	for numCodes > 4 && h.codes[codeLenOrder[numCodes-1]].n == 0 {
		numCodes--
	}
	return runs, numCodes, size + 3*numCodes
}
