package dotnet

import (
	"encoding/binary"
	"math/bits"
)

// AppendUint7 appends n as BinaryWriter.Write7BitEncodedInt does, in the
// fewest bytes; see [Reader.ReadUint7] for the layout. n must be within
// 0..1<<31-1, as is every length below 2 GiB.
func AppendUint7(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n))
}

// Uint7Size returns how many bytes AppendUint7 writes for n, 1 to 5.
func Uint7Size(n int) int {
	return (bits.Len32(uint32(n)|1) + 6) / 7
}

// AppendInt32 appends v as four bytes, little-endian.
func AppendInt32(dst []byte, v int32) []byte {
	return binary.LittleEndian.AppendUint32(dst, uint32(v))
}

// AppendInt64 appends v as eight bytes, little-endian.
func AppendInt64(dst []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}
