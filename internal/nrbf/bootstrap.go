package nrbf

import (
	"encoding/base64"
	"math"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Kind says in which form a BootstrapContext kept its token: the value of
// the stream's member K. The zero value is none of them.
type Kind byte

// The kinds of BootstrapContext.
const (
	KindString Kind = 'S' // BootstrapContext.Token: the token as text
	KindBytes  Kind = 'B' // BootstrapContext.TokenBytes: the token as bytes
	KindToken  Kind = 'T' // BootstrapContext.SecurityToken: its XML, in base64 on the wire
)

// The bootstrap stream follows the common head with
//
//	115  2c + 44 characters                 the class
//	160  02000000 01"K" 01"T"               two members
//	     00 01 03            | 00 07 03 02  their types: Char and String, or Char and array of Byte
//	     02000000                           the class is in library 2
//	     "S" or "T"          | "B"          member K
//	     06 03000000         | 09 03000000  BinaryObjectString, id 3, or MemberReference
//	     7-bit length, UTF-8 | 0f 03000000 int32 N 02, N bytes
//	     0b                                 MessageEnd
const (
	bootstrapClass   = "System.IdentityModel.Tokens.BootstrapContext"
	bootstrapMembers = "\x02\x00\x00\x00" + "\x01K" + "\x01T"

	bootstrapHead = streamHead + "\x2c" + bootstrapClass + bootstrapMembers

	stringForm = "\x00\x01" + "\x03" + "\x02\x00\x00\x00"
	bytesForm  = "\x00\x07" + "\x03\x02" + "\x02\x00\x00\x00" + "B" + arrayHead
	stringHead = "\x06" + "\x03\x00\x00\x00"
)

// ParseBootstrap returns the kind and the token of a bootstrap stream. Text is UTF-8 and,
// like bytes, shares the memory of data; the XML of a [KindToken] is decoded from its
// base64. The error is an [*Error].
func ParseBootstrap(data []byte) (Kind, []byte, error) {
	if kind, token, ok := parseBootstrap(data); ok {
		return kind, token, nil
	}
	return 0, nil, refuseBootstrap(data)
}

// parseBootstrap is the one rule of acceptance: all bytes but the token's are
// fixed by its kind and length, and text has one spelling.
func parseBootstrap(data []byte) (kind Kind, token []byte, ok bool) {
	r := dotnet.Reader(data)
	if !readLiteral(&r, bootstrapHead) {
		return 0, nil, false
	}
	if readLiteral(&r, bytesForm) {
		ok = readArrayBody(&r, &token) && readEnd(&r)
		return KindBytes, token, ok
	}
	ok = readLiteral(&r, stringForm) && r.ReadUint8((*uint8)(&kind)) &&
		readLiteral(&r, stringHead) && readText(&r, &token) && readEnd(&r)
	if !ok {
		return 0, nil, false
	}
	switch kind {
	case KindString:
		return kind, token, utf8.Valid(token)
	case KindToken:
		xml, ok := decodeToken(token)
		return kind, xml, ok
	}
	return 0, nil, false
}

// readText reads a length-prefixed string whose length is not padded.
func readText(r *dotnet.Reader, out *[]byte) bool {
	var n int
	before := len(*r)
	return r.ReadUint7(&n) && before-len(*r) == dotnet.Uint7Size(n) && r.ReadBytes(out, n)
}

// decodeToken decodes the base64 that .NET writes: padded, without line
// breaks, with no bit set behind the last byte.
func decodeToken(text []byte) ([]byte, bool) {
	xml, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	return xml, err == nil && base64.StdEncoding.EncodedLen(len(xml)) == len(text) && utf8.Valid(xml)
}

// AppendBootstrap appends the bootstrap stream of a token to dst, as .NET writes it. The data
// is what [ParseBootstrap] returns. The error is [ErrBootstrap], with dst as it was.
func AppendBootstrap(dst []byte, kind Kind, data []byte) ([]byte, error) {
	size := len(data)
	if kind == KindToken {
		size = base64.StdEncoding.EncodedLen(size)
	}
	if size < len(data) || size > math.MaxInt32 || kind != KindBytes && !utf8.Valid(data) {
		return dst, ErrBootstrap
	}
	switch kind {
	case KindBytes:
		dst = append(dst, bootstrapHead+bytesForm...)
		dst = appendArrayBody(dst, data)
	case KindString, KindToken:
		dst = append(dst, bootstrapHead+stringForm...)
		dst = append(dst, byte(kind))
		dst = append(dst, stringHead...)
		dst = dotnet.AppendUint7(dst, size)
		if kind == KindToken {
			dst = base64.StdEncoding.AppendEncode(dst, data)
		} else {
			dst = append(dst, data...)
		}
	default:
		return dst, ErrBootstrap
	}
	return append(dst, messageEnd), nil
}
