// Package flate compresses and expands whole buffers in the raw DEFLATE format
// of RFC 1951, the innermost layer of every session cookie
// (System.IdentityModel.DeflateCookieTransform in .NET), and in the gzip
// format of RFC 1952 around it, which Katana's tickets have.
//
// It exists for speed on tokens of 0.4 to 20 kB. The standard library's
// compress/flate streams, so each token pays for a window, for tables that are
// allocated again, and for one input byte at a time. Here source and result
// lie in memory as a whole: the result is its own window, input is taken eight
// bytes at a time, and all working state is pooled.
//
// [Inflate] accepts what compress/flate accepts, except that it also demands a
// limit on the result. [Deflate] writes one of many valid streams; which one
// may change from version to version.
package flate

import (
	"errors"
	"fmt"
)

// Causes of an [Error], for errors.Is.
var (
	// ErrCorrupt means that the source breaks a rule of RFC 1951.
	ErrCorrupt = errors.New("flate: corrupt input")
	// ErrTruncated means that the source ends before its final block does.
	ErrTruncated = errors.New("flate: input ends early")
	// ErrTooLarge means that the result would be longer than the limit.
	ErrTooLarge = errors.New("flate: result exceeds the limit")
)

// Error reports a source that does not expand. It is the type of every error
// of this package.
type Error struct {
	// Offset is the index of the source byte at which decoding stopped, the
	// length of the source if it ended too early.
	Offset int
	// Err is ErrCorrupt, ErrTruncated or ErrTooLarge, or a cause of Gunzip.
	Err error
}

// Error names the cause and the offset.
func (e *Error) Error() string {
	return fmt.Sprintf("%v at byte %d", e.Err, e.Offset)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Sizes of the alphabets, RFC 1951, 3.2.5 to 3.2.7.
const (
	maxCodeLen    = 15  // bits of the longest literal, length or distance code
	maxHeaderLen  = 7   // bits of the longest code-length code
	endOfBlock    = 256 // symbols below are literals, those above are lengths
	numLitLen     = 286 // literals, end of block and 29 lengths
	numDist       = 30  // distances
	numFixedLit   = 288 // the fixed codes also cover symbols that never occur
	numFixedDist  = 32
	numCodeLen    = 19 // 0..15 lengths, 16..18 runs
	minMatch      = 3
	maxMatch      = 258
	maxDistance   = 32768
	maxStored     = 65535 // bytes in one stored block
	blockStored   = 0
	blockFixed    = 1
	blockDynamic  = 2
	runPrevious   = 16 // code-length symbols: copy the last length 3..6 times,
	runZeroShort  = 17 // 3..10 zeros,
	runZeroLong   = 18 // 11..138 zeros
	headerBits    = 14 // HLIT, HDIST and HCLEN
	storedLenSize = 4  // LEN and NLEN
)

// codeLenOrder is the order in which a dynamic block's header lists the
// lengths of the code-length codes, likely ones first.
var codeLenOrder = [numCodeLen]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3,
	13, 2, 14, 1, 15}

// lengthBase and lengthExtra give, for the length symbols 257..285, the
// shortest match and the number of extra bits added to it.
var (
	lengthBase = [29]uint16{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
		35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{
		0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
		3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
)

// distBase and distExtra give the same for the distance symbols 0..29.
var (
	distBase = [numDist]uint16{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193,
		257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra = [numDist]uint8{
		0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6,
		7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)
