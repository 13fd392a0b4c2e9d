package nrbf

import "github.com/webfarm-go/webfarm/internal/dotnet"

// Both streams begin with these 110 bytes:
//
//	  0  00                       SerializedStreamHeader
//	  1  01000000 ffffffff        root id 1, header id -1
//	  9  01000000 00000000        version 1.0
//	 17  0c 02000000              BinaryLibrary, id 2
//	 22  57 + 87 characters       the assembly's full name
//	110  05 01000000              ClassWithMembersAndTypes, id 1
const (
	streamHead = "\x00" + "\x01\x00\x00\x00" + "\xff\xff\xff\xff" +
		"\x01\x00\x00\x00" + "\x00\x00\x00\x00" +
		"\x0c" + "\x02\x00\x00\x00" + "\x57" + libraryName +
		"\x05" + "\x01\x00\x00\x00"

	assemblyName = "System.IdentityModel"
	libraryName  = assemblyName +
		", Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"
)

// The session stream goes on with
//
//	115  30 + 48 characters       the class
//	164  01000000                 one member
//	168  0c "SessionToken"        its name
//	181  07 02                    its type: array of primitives, Byte
//	183  02000000                 the class is in library 2
//	187  09 03000000              MemberReference to object 3
//	192  0f 03000000              ArraySinglePrimitive, id 3
//	197  int32 N                  its length, N ≥ 1
//	201  02                       element type Byte
//	202  N bytes                  the NBFX document
//	202+N  0b                     MessageEnd
const (
	sessionClass   = "System.IdentityModel.Tokens.SessionSecurityToken"
	sessionMembers = "\x01\x00\x00\x00" + "\x0cSessionToken"

	sessionHead = streamHead + "\x30" + sessionClass + sessionMembers +
		"\x07\x02" + "\x02\x00\x00\x00" + arrayHead

	arrayHead = "\x09" + "\x03\x00\x00\x00" + "\x0f" + "\x03\x00\x00\x00"
)

const (
	elementByte = 0x02
	messageEnd  = 0x0b
)

// ParseSession returns the document inside a session stream. The result
// shares the memory of data. The error is an [*Error].
func ParseSession(data []byte) ([]byte, error) {
	r := dotnet.Reader(data)
	var doc []byte
	// All bytes but the document's are fixed by its length.
	if readLiteral(&r, sessionHead) && readArrayBody(&r, &doc) && len(doc) >= 1 && readEnd(&r) {
		return doc, nil
	}
	return nil, refuseSession(data)
}

// AppendSession appends the session stream of a document to dst, as .NET writes it. The
// document must not be empty, which .NET refuses to read, nor exceed 2 GiB.
func AppendSession(dst, doc []byte) []byte {
	dst = append(dst, sessionHead...)
	dst = appendArrayBody(dst, doc)
	return append(dst, messageEnd)
}

// readLiteral takes the bytes of want, or nothing.
func readLiteral(r *dotnet.Reader, want string) bool {
	if len(*r) < len(want) || string((*r)[:len(want)]) != want {
		return false
	}
	*r = (*r)[len(want):]
	return true
}

// readArrayBody reads what follows the id of an ArraySinglePrimitive record of bytes.
func readArrayBody(r *dotnet.Reader, out *[]byte) bool {
	var n int32
	var element uint8
	return r.ReadInt32(&n) && r.ReadUint8(&element) && element == elementByte &&
		r.ReadBytes(out, int(n))
}

func appendArrayBody(dst, data []byte) []byte {
	dst = dotnet.AppendInt32(dst, int32(len(data)))
	dst = append(dst, elementByte)
	return append(dst, data...)
}

// readEnd reads the MessageEnd record, behind which there is nothing.
func readEnd(r *dotnet.Reader) bool { return len(*r) == 1 && (*r)[0] == messageEnd }
