package flate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A gzip member, RFC 1952, in the order of its bytes:
//
//	1f 8b        magic
//	08           the method, always DEFLATE
//	flags        1 text, 2 header CRC, 4 extra field, 8 name, 16 comment
//	mtime        4 bytes
//	xfl, os      2 bytes, hints only
//	extra field  length (2 bytes, little-endian) and that many bytes, if flagged
//	name         Latin-1 up to a zero byte, if flagged
//	comment      the same
//	header CRC   2 bytes, the low half of the CRC-32 of all before, if flagged
//	body         a raw DEFLATE stream
//	CRC-32       4 bytes, little-endian, of the content
//	ISIZE        4 bytes, little-endian, length of the content modulo 2³²

// gzipHeader is what GZipStream of the .NET Framework writes: no flags, no
// time, "fastest", and the file system of DOS.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x00"

const (
	gzipTrailerSize = 8

	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagsUnknown  = 0xe0
)

// Causes of an [Error] of Gunzip, beside those of Inflate.
var (
	// ErrHeader means that the source does not begin as a gzip member does.
	ErrHeader = errors.New("flate: not a gzip header")
	// ErrChecksum means that the CRC-32 or the length in the trailer is not
	// that of the result.
	ErrChecksum = errors.New("flate: gzip checksum differs")
	// ErrTrailing means that something follows the gzip member.
	ErrTrailing = errors.New("flate: bytes behind the gzip member")
)

// Gunzip appends to dst the content of the gzip member src, at most limit
// bytes. Checksum and length are verified, and nothing may follow the member.
// In all else it behaves as [Inflate].
func Gunzip(dst, src []byte, limit int) ([]byte, error) {
	start := len(dst)
	body, err := gzipBody(src)
	if err != nil {
		return dst, err
	}
	out, end, err := inflate(dst, src[body:], limit)
	end += body
	if err != nil {
		var at *Error
		if errors.As(err, &at) {
			at.Offset = end
		}
		return dst, err
	}
	trailer, content := src[end:], out[start:]
	switch {
	case len(trailer) < gzipTrailerSize:
		return dst, &Error{Offset: len(src), Err: ErrTruncated}
	case len(trailer) > gzipTrailerSize:
		return dst, &Error{Offset: end + gzipTrailerSize, Err: ErrTrailing}
	case binary.LittleEndian.Uint32(trailer) != crc32.ChecksumIEEE(content),
		binary.LittleEndian.Uint32(trailer[4:]) != uint32(len(content)):
		return dst, &Error{Offset: end, Err: ErrChecksum}
	}
	return out, nil
}

// gzipBody returns where the DEFLATE stream begins.
func gzipBody(src []byte) (int, error) {
	magic := gzipHeader[:3]
	if len(src) < len(gzipHeader) {
		if n := min(len(src), len(magic)); string(src[:n]) != magic[:n] {
			return 0, &Error{Offset: 0, Err: ErrHeader}
		}
		return 0, &Error{Offset: len(src), Err: ErrTruncated}
	}
	flags := src[3]
	if string(src[:3]) != magic || flags&flagsUnknown != 0 {
		return 0, &Error{Offset: 0, Err: ErrHeader}
	}
	at := len(gzipHeader)
	if flags&flagExtra != 0 {
		if len(src)-at < 2 {
			return 0, &Error{Offset: len(src), Err: ErrTruncated}
		}
		at += 2 + int(binary.LittleEndian.Uint16(src[at:]))
		if at > len(src) {
			return 0, &Error{Offset: len(src), Err: ErrTruncated}
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		n := bytes.IndexByte(src[at:], 0)
		if n < 0 {
			return 0, &Error{Offset: len(src), Err: ErrTruncated}
		}
		at += n + 1
	}
	if flags&flagHeaderCRC != 0 {
		if len(src)-at < 2 {
			return 0, &Error{Offset: len(src), Err: ErrTruncated}
		}
		if binary.LittleEndian.Uint16(src[at:]) != uint16(crc32.ChecksumIEEE(src[:at])) {
			return 0, &Error{Offset: at, Err: ErrHeader}
		}
		at += 2
	}
	return at, nil
}

// Gzip appends to dst a gzip member with src as its content and the header
// that the .NET Framework writes. It has the conditions of [Deflate].
func Gzip(dst, src []byte) []byte {
	dst = append(dst, gzipHeader...)
	dst = Deflate(dst, src)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(src))
	return binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
}
