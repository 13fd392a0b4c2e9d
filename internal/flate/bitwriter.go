package flate

import (
	"encoding/binary"
	"slices"
)

// bitWriter appends to out, the first bit lowest.
type bitWriter struct {
	out []byte
	buf uint64
	n   uint // bits in buf
}

// reserve makes room for size more bits.
func (w *bitWriter) reserve(size int) {
	need := (size + int(w.n) + 7) / 8
	if cap(w.out)-len(w.out) < need {
		w.out = slices.Grow(w.out, need+8)
	}
}

// write appends the n lowest bits of v, at most 16; no others are set.
func (w *bitWriter) write(v uint64, n uint) {
	w.buf |= v << (w.n & 63)
	w.n += n
	if w.n >= 48 {
		w.flush()
	}
}

// flush moves whole bytes of buf to out. Eight are written at a time where
// there is room.
func (w *bitWriter) flush() {
	size := len(w.out)
	if size+8 <= cap(w.out) {
		w.out = w.out[:size+8]
		binary.LittleEndian.PutUint64(w.out[size:], w.buf)
		w.out = w.out[:size+int(w.n/8)]
		w.buf >>= w.n &^ 7 & 63
		w.n &= 7
		return
	}
	for ; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.buf))
		w.buf >>= 8
	}
}

// align fills the last byte with zeros.
func (w *bitWriter) align() {
	w.n = (w.n + 7) &^ 7
	w.flush()
	w.buf, w.n = 0, 0
}

// stored writes src in stored blocks.
func (w *bitWriter) stored(src []byte, last uint64) {
	for {
		part := src[:min(len(src), maxStored)]
		src = src[len(part):]
		pad := -(int(w.n) + 3) & 7
		w.reserve(3 + pad + 8*(storedLenSize+len(part)))
		if len(src) > 0 {
			w.write(blockStored<<1, 3)
		} else {
			w.write(last|blockStored<<1, 3)
		}
		w.align()
		w.out = binary.LittleEndian.AppendUint16(w.out, uint16(len(part)))
		w.out = binary.LittleEndian.AppendUint16(w.out, ^uint16(len(part)))
		w.out = append(w.out, part...)
		if len(src) == 0 {
			return
		}
	}
}

// header writes the header of a dynamic block; see inflater.readTables.
func (w *bitWriter) header(runs []run, numLit, numDists, numCodes int, h *huffman) {
	w.write(uint64(numLit-endOfBlock-1), 5)
	w.write(uint64(numDists-1), 5)
	w.write(uint64(numCodes-4), 4)
	for _, s := range codeLenOrder[:numCodes] {
		w.write(uint64(h.codes[s].n), 3)
	}
	for _, r := range runs {
		c := h.codes[r.sym]
		w.write(uint64(c.bits), uint(c.n))
		switch r.sym {
		case runPrevious:
			w.write(uint64(r.extra), 2)
		case runZeroShort:
			w.write(uint64(r.extra), 3)
		case runZeroLong:
			w.write(uint64(r.extra), 7)
		}
	}
}

// tokens writes a block's tokens and its end.
func (w *bitWriter) tokens(tokens []token, lit, dist *[numFixedLit]code) {
	buf, n := w.buf, w.n
	for _, t := range tokens {
		if n > 15 {
			// A match takes up to 48 bits; this leaves at most 7 in buf.
			if size := len(w.out); size+8 <= cap(w.out) {
				out := w.out[:size+8]
				binary.LittleEndian.PutUint64(out[size:], buf)
				w.out = out[:size+int(n>>3)]
				buf >>= n &^ 7 & 63
				n &= 7
			} else {
				w.buf, w.n = buf, n
				w.flush()
				buf, n = w.buf, w.n
			}
		}
		if !t.match() {
			c := lit[uint8(t)]
			buf |= uint64(c.bits) << (n & 63)
			n += uint(c.n)
			continue
		}
		length := t.length()
		s := lengthSymbol[length-minMatch]
		c := lit[endOfBlock+1+int(s)]
		buf |= uint64(c.bits) << (n & 63)
		n += uint(c.n)
		buf |= uint64(length-int(lengthBase[s])) << (n & 63)
		n += uint(lengthExtra[s])
		d := t.distance()
		ds := distSymbol(d)
		c = dist[ds]
		buf |= uint64(c.bits) << (n & 63)
		n += uint(c.n)
		buf |= uint64(d-int(distBase[ds])) << (n & 63)
		n += uint(distExtra[ds])
	}
	w.buf, w.n = buf, n
	if w.n > 47 {
		w.flush()
	}
	w.write(uint64(lit[endOfBlock].bits), uint(lit[endOfBlock].n))
	w.flush()
}
