package forms

import (
	"bytes"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// The layout of tickets before the security update MS11-100, which only
// FormsOptions.InsecureOldLayout of package sessiontoken reads and nothing writes:
//
//	8 bytes   head, random or zero: no meaning
//	byte      Version
//	textZ     Name
//	LE64      IssueDate, FILETIME: 100 ns since 1601, UTC
//	byte      Persistent: 0 or else
//	LE64      Expiration, FILETIME
//	textZ     UserData
//	textZ     CookiePath
//
//	textZ = UTF-16LE code units up to the first 00 00
//
// The writer cut each text at its first U+0000 and told nobody.

// FileTimeEpoch is 1601-01-01 in ticks.
const FileTimeEpoch = 504911232000000000

const oldHead = 8

// FileTime returns the time of a Windows FILETIME, false if it is negative or
// after the year 9999.
func FileTime(n int64) (time.Time, bool) {
	if n < 0 || n > dotnet.MaxTicks-FileTimeEpoch {
		return time.Time{}, false
	}
	return dotnet.Time(n + FileTimeEpoch)
}

// ReadOld is Read for the old layout.
func (t *Ticket) ReadOld(data, scratch []byte) ([]byte, error) {
	r := dotnet.Reader(data)
	at := func() int { return len(data) - len(r) }
	var head []byte
	var version, persistent uint8
	var issued, expires int64
	if !r.ReadBytes(&head, oldHead) || !r.ReadUint8(&version) {
		return scratch, fault(len(data), ErrTruncated)
	}
	out, err := appendTextZ(scratch[:0], &r)
	if err != nil {
		return scratch, fault(at(), err)
	}
	name := len(out)
	if !r.ReadInt64(&issued) || !r.ReadUint8(&persistent) || !r.ReadInt64(&expires) {
		return scratch, fault(at(), ErrTruncated)
	}
	issueDate, issuedOK := FileTime(issued)
	expiration, expiresOK := FileTime(expires)
	if !issuedOK || !expiresOK {
		return scratch, fault(at(), ErrOldTime)
	}
	if out, err = appendTextZ(out, &r); err != nil {
		return scratch, fault(at(), err)
	}
	userData := len(out)
	if out, err = appendTextZ(out, &r); err != nil {
		return scratch, fault(at(), err)
	}
	if !r.Empty() {
		return scratch, fault(at(), ErrTrailing)
	}
	texts := string(out)
	*t = Ticket{
		Version: version, Name: texts[:name], IssueDate: issueDate, Expiration: expiration,
		Persistent: persistent != 0, UserData: texts[name:userData], CookiePath: texts[userData:],
	}
	return out[:0], nil
}

// appendTextZ takes a text and its end off r and appends it as UTF-8.
func appendTextZ(dst []byte, r *dotnet.Reader) ([]byte, error) {
	n := 0
	for {
		i := bytes.Index((*r)[n:], []byte{0, 0})
		if i < 0 {
			return dst, ErrTruncated
		}
		if n += i; n%2 == 0 {
			break
		}
		n++ // two zeros of different code units
	}
	var text, end []byte
	_ = r.ReadBytes(&text, n) && r.ReadBytes(&end, 2)
	out, ok := appendUTF8(dst, text)
	if !ok {
		return dst, ErrSurrogate
	}
	return out, nil
}
