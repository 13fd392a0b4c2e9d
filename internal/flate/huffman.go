package flate

import "slices"

// code is a symbol's code, its first bit lowest.
type code struct {
	bits uint16
	n    uint8
}

// huffman builds the codes of one alphabet.
type huffman struct {
	freq  [numFixedLit]uint32 // how often each symbol occurs
	codes [numFixedLit]code
}

// Frequencies below smallFreq, which are most, are sorted by counting.
const (
	smallFreq = 64
	symBits   = 9
)

// build gives the first size symbols the shortest codes for their frequencies,
// none longer than limit bits, and returns the number of symbols up to the last
// one that has a code.
//
// Frequencies must be below 1<<23. At least two codes are made even if fewer
// symbols occur: not every decoder takes an incomplete code.
func (h *huffman) build(size, limit int) int {
	// Keys are frequency and symbol, in rising order.
	var (
		keys  [numFixedLit]uint32
		place [smallFreq + 1]uint16
		used  = 0
		top   = 0
	)
	for s, f := range h.freq[:size] {
		if f != 0 {
			place[min(f, smallFreq)]++
			used++
			top = s + 1
		}
	}
	for s := 0; used < 2; s++ {
		if h.freq[s] == 0 {
			h.freq[s] = 1
			defer func() { h.freq[s] = 0 }()
			place[1]++
			used++
			top = max(top, s+1)
		}
	}
	sum := uint16(0)
	for i, n := range place {
		place[i] = sum
		sum += n
	}
	for s, f := range h.freq[:top] {
		if f != 0 {
			at := &place[min(f, smallFreq)]
			keys[*at] = f<<symBits | uint32(s)
			*at++
		}
	}
	sorted := keys[:used]
	slices.Sort(sorted[place[smallFreq-1]:]) // those places now end where the last one began

	// lens counts the codes of each length; the most frequent symbols get the
	// shortest.
	var lens [maxCodeLen + 1]int
	countLengths(sorted, &lens, limit)
	clear(h.codes[:size])
	next, i := 0, used
	var start [maxCodeLen + 1]uint16
	for n := 1; n <= limit; n++ {
		next <<= 1
		start[n] = uint16(next)
		next += lens[n]
		for range lens[n] {
			i--
			h.codes[sorted[i]&(1<<symBits-1)].n = uint8(n)
		}
	}
	for s := range h.codes[:top] {
		if c := &h.codes[s]; c.n != 0 {
			c.bits = uint16(reverse(int(start[c.n]), int(c.n)))
			start[c.n]++
		}
	}
	return top
}

// countLengths sets lens[n] to the number of codes of n bits in an optimal code
// for the frequencies in sorted, which rise.
//
// The tree is built as in "In-place calculation of minimum-redundancy codes"
// (Moffat and Katajainen, 1995): of two rising sequences, the leaves and the
// inner nodes made so far, the two lightest heads are joined each time.
func countLengths(sorted []uint32, lens *[maxCodeLen + 1]int, limit int) {
	n := len(sorted)
	var (
		weight [numFixedLit]uint32 // of the inner nodes
		parent [numFixedLit]uint16 // of the inner nodes
		leaf   = 0                 // first leaf without a parent
		inner  = 0                 // first inner node without one
	)
	leafParent := make([]uint16, 0, numFixedLit)
	for node := 0; node < n-1; node++ {
		var w uint32
		for range 2 {
			if leaf < n && (inner >= node || sorted[leaf]>>symBits <= weight[inner]) {
				w += sorted[leaf] >> symBits
				leafParent = append(leafParent, uint16(node))
				leaf++
			} else {
				w += weight[inner]
				parent[inner] = uint16(node)
				inner++
			}
		}
		weight[node] = w
	}
	// Depths, from the root down; parent becomes the depth.
	parent[n-2] = 0
	for i := n - 3; i >= 0; i-- {
		parent[i] = parent[parent[i]] + 1
	}
	for _, p := range leafParent {
		lens[min(int(parent[p])+1, limit)]++
	}
	// Codes cut to the limit take too much of the code space. Each step gives
	// one of them a shorter code: it and a code of n bits get n+1 bits each.
	space := 0
	for n := 1; n <= limit; n++ {
		space += lens[n] << (limit - n)
	}
	for ; space > 1<<limit; space-- {
		n := limit - 1
		for lens[n] == 0 {
			n--
		}
		lens[n]--
		lens[n+1] += 2
		lens[limit]--
	}
}
