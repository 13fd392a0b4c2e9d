// Package nbfx reads and writes the .NET binary XML format (MC-NBFX) as far as session tokens
// need it: one document, one static dictionary, no session strings.
//
// [Reader] is a strict, bounded pull parser over a whole document in memory; it allocates
// nothing per node. [Writer] makes the bytes that .NET's XmlDictionaryWriter.CreateBinaryWriter
// makes, including the effects of its 512-byte buffer.
//
// A document is one element. Every record begins with a code byte:
//
//	01            EndElement
//	02            Comment            text
//	03            Array              element 01 code MB32 packed values
//	04..07 0C..3F Attribute          [prefix] name value
//	08..0B        Xmlns              [prefix] uri
//	40..77        Element            [prefix] name
//	80..BD        value              odd codes end the element as well
//
// Names are literal text or dictionary ids; texts and literal names carry their length in bytes,
// MB32 (7 bits at a time, low group first) for names and 8, 16 or 32 bits for values. Section
// numbers in this package refer to MC-NBFX.
package nbfx

import (
	"errors"
	"fmt"
)

// Record codes (MC-NBFX 2.2). Value codes are the even ones; the code plus
// one is the same value followed by the end of the element.
const (
	recEndElement           = 0x01
	recComment              = 0x02
	recArray                = 0x03
	recShortAttribute       = 0x04
	recAttribute            = 0x05
	recShortDictAttribute   = 0x06
	recDictAttribute        = 0x07
	recShortXmlns           = 0x08
	recXmlns                = 0x09
	recShortDictXmlns       = 0x0A
	recDictXmlns            = 0x0B
	recPrefixDictAttributeA = 0x0C // .. 0x25 for z
	recPrefixAttributeA     = 0x26 // .. 0x3F for z
	recShortElement         = 0x40
	recElement              = 0x41
	recShortDictElement     = 0x42
	recDictElement          = 0x43
	recPrefixDictElementA   = 0x44 // .. 0x5D for z
	recPrefixElementA       = 0x5E // .. 0x77 for z
)

// Value record codes, for [Value.Code] and the Record methods of [Writer].
const (
	Zero           = 0x80 // the text "0"
	One            = 0x82 // the text "1"
	False          = 0x84
	True           = 0x86
	Int8           = 0x88
	Int16          = 0x8A
	Int32          = 0x8C
	Int64          = 0x8E
	Float          = 0x90
	Double         = 0x92
	Decimal        = 0x94
	DateTime       = 0x96
	Chars8         = 0x98 // UTF-8
	Chars16        = 0x9A
	Chars32        = 0x9C
	Bytes8         = 0x9E // reads as base64
	Bytes16        = 0xA0
	Bytes32        = 0xA2
	StartList      = 0xA4
	EndList        = 0xA6
	Empty          = 0xA8
	Dictionary     = 0xAA
	UniqueID       = 0xAC
	TimeSpan       = 0xAE
	GUID           = 0xB0
	UInt64         = 0xB2
	Bool           = 0xB4
	UnicodeChars8  = 0xB6 // UTF-16
	UnicodeChars16 = 0xB8
	UnicodeChars32 = 0xBA
	QName          = 0xBC
)

// The causes in an [Error].
var (
	ErrSyntax      = errors.New("malformed or misplaced record")
	ErrTruncated   = errors.New("document ends too early")
	ErrText        = errors.New("text is not valid Unicode")
	ErrValue       = errors.New("value out of range")
	ErrDuplicate   = errors.New("duplicate attribute")
	ErrPrefix      = errors.New("namespace prefix is not declared, or declared as it must not be")
	ErrLimit       = errors.New("document exceeds a limit")
	ErrUnsupported = errors.New("record of a kind that tokens do not have")
)

// Error is a fault in a document. It holds no part of the document.
type Error struct {
	// Offset is the byte position in the document.
	Offset int
	// Err is one of this package's sentinels.
	Err error
}

// Error names the offset and the cause.
func (e *Error) Error() string { return fmt.Sprintf("nbfx: byte %d: %v", e.Offset, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
