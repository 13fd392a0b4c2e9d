package dotnet

import "encoding/binary"

// Reader is what is left to read of a byte string. Each method that succeeds
// takes its bytes off the front; one that returns false leaves both the
// Reader and its argument as they were. A parser ends with [Reader.Empty].
type Reader []byte

// Empty reports whether nothing is left.
func (r Reader) Empty() bool { return len(r) == 0 }

// ReadUint8 reads one byte.
func (r *Reader) ReadUint8(out *uint8) bool {
	if len(*r) < 1 {
		return false
	}
	*out = (*r)[0]
	*r = (*r)[1:]
	return true
}

// ReadInt32 reads four bytes, little-endian.
func (r *Reader) ReadInt32(out *int32) bool {
	if len(*r) < 4 {
		return false
	}
	*out = int32(binary.LittleEndian.Uint32(*r))
	*r = (*r)[4:]
	return true
}

// ReadInt64 reads eight bytes, little-endian.
func (r *Reader) ReadInt64(out *int64) bool {
	if len(*r) < 8 {
		return false
	}
	*out = int64(binary.LittleEndian.Uint64(*r))
	*r = (*r)[8:]
	return true
}

// ReadUint7 reads a 7-bit number as BinaryReader.Read7BitEncodedInt does:
//
//	1ggggggg … 0ggggggg    groups of seven bits, the lowest first
//
// It is at most five bytes long and within 0..2³¹-1, so a length of the wire
// fits an int everywhere; what is above, .NET reads as a negative length.
// A number padded with zero groups is accepted, as .NET does; a caller that
// wants one spelling only compares the bytes taken with [Uint7Size].
func (r *Reader) ReadUint7(out *int) bool {
	var n uint32
	for i, b := range *r {
		if i == 4 && b > 0x07 {
			return false // the 32nd bit, or a sixth byte
		}
		n |= uint32(b&0x7f) << (7 * i)
		if b < 0x80 {
			*out = int(n)
			*r = (*r)[i+1:]
			return true
		}
	}
	return false
}

// ReadBytes reads n bytes. The result shares the memory of the Reader, with
// its capacity cut so that an append cannot reach what follows.
func (r *Reader) ReadBytes(out *[]byte, n int) bool {
	if n < 0 || n > len(*r) {
		return false
	}
	*out = (*r)[:n:n]
	*r = (*r)[n:]
	return true
}
