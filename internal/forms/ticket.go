// Package forms reads and writes the bytes of forms authentication tickets
// (System.Web.Security.FormsAuthenticationTicketSerializer), and the texts in which System.Web
// sends what it protects: hex digits and URL tokens. It knows no keys and no clock.
//
//	offset
//	0    01         format version
//	1    byte       Version
//	2    LE64       IssueDate, ticks of UTC: 100 ns since the year 1
//	10   FE
//	11   LE64       Expiration, ticks of UTC
//	19   00 or 01   Persistent
//	20   text       Name
//	     text       UserData
//	     text       CookiePath
//	     FF         nothing follows
//
//	text = V7(number of UTF-16 code units) || UTF-16LE
//
// The texts of .NET can hold what Go's cannot: unpaired surrogates, and a U+0000 that some
// programs take for the end. So that no two names become one, a ticket with an unpaired
// surrogate anywhere, or with U+0000 in Name or CookiePath, is neither read nor written.
package forms

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
)

// Ticket is what a ticket says. Times are in UTC, to 100 ns.
type Ticket struct {
	Version                    byte
	Persistent                 bool
	IssueDate, Expiration      time.Time
	Name, UserData, CookiePath string
}

// Layer is the name of the layer in a [layer.Error].
const Layer = "forms ticket"

// The marks in the bytes of a ticket.
const (
	format    = 0x01
	separator = 0xFE
	footer    = 0xFF
)

// minTicket is the length of a ticket with three empty texts.
const minTicket = 24

// Causes of a [layer.Error].
var (
	ErrFormat     = errors.New("not a ticket of format 1")
	ErrSeparator  = errors.New("wrong byte between the dates")
	ErrFooter     = errors.New("wrong last byte")
	ErrTime       = errors.New("time outside the years 1 to 9999")
	ErrPersistent = errors.New("persistent flag neither 0 nor 1")
	ErrTruncated  = errors.New("ends too soon")
	ErrTrailing   = errors.New("bytes after the end")
	ErrOldTime    = errors.New("time outside the years 1601 to 9999")
)

// Causes of a [layer.Error] for tickets that .NET reads.
const (
	ErrSurrogate = layer.Unsupported("text with an unpaired surrogate")
	ErrNUL       = layer.Unsupported("name or path with U+0000")
)

// Read reads the current layout. All texts share one string, and scratch is memory for making
// it, which is returned for the next call. The error is a [*layer.Error].
func (t *Ticket) Read(data, scratch []byte) ([]byte, error) {
	if len(data) < minTicket {
		return scratch, fault(len(data), ErrTruncated)
	}
	issueDate, issuedOK := dotnet.Time(int64(binary.LittleEndian.Uint64(data[2:])))
	expiration, expiresOK := dotnet.Time(int64(binary.LittleEndian.Uint64(data[11:])))
	switch {
	case data[0] != format:
		return scratch, fault(0, ErrFormat)
	case !issuedOK:
		return scratch, fault(2, ErrTime)
	case data[10] != separator:
		return scratch, fault(10, ErrSeparator)
	case !expiresOK:
		return scratch, fault(11, ErrTime)
	case data[19] > 1:
		return scratch, fault(19, ErrPersistent)
	}
	r := dotnet.Reader(data[20:])
	var ends [3]int
	out := scratch[:0]
	for i := range ends {
		units, at := 0, len(data)-len(r)
		if len(r) > 0 && r[0] < 0x80 { // nearly always; ReadUint7 is three times the work
			units, r = int(r[0]), r[1:]
		} else if !r.ReadUint7(&units) {
			return scratch, fault(at, ErrTruncated)
		}
		if units > len(r)/2 {
			return scratch, fault(at, ErrTruncated)
		}
		if units > 0 {
			var ok bool
			if out, ok = appendUTF8(out, r[:2*units]); !ok {
				return scratch, fault(at, ErrSurrogate)
			}
			r = r[2*units:]
		}
		ends[i] = len(out)
	}
	switch {
	case len(r) == 0:
		return scratch, fault(len(data), ErrTruncated)
	case r[0] != footer:
		return scratch, fault(len(data)-len(r), ErrFooter)
	case len(r) > 1:
		return scratch, fault(len(data)-len(r)+1, ErrTrailing)
	}
	texts := string(out)
	name, userData, path := texts[:ends[0]], texts[ends[0]:ends[1]], texts[ends[1]:]
	if strings.IndexByte(texts, 0) >= 0 && (strings.IndexByte(name, 0) >= 0 ||
		strings.IndexByte(path, 0) >= 0) {
		return scratch, fault(-1, ErrNUL)
	}
	t.Version, t.Persistent = data[1], data[19] == 1
	t.IssueDate, t.Expiration = issueDate, expiration
	t.Name, t.UserData, t.CookiePath = name, userData, path
	return out[:0], nil
}

func fault(offset int, err error) error {
	return &layer.Error{Layer: Layer, Offset: offset, Err: err}
}

// Append appends the bytes of t in the current layout.
func (t *Ticket) Append(dst []byte) ([]byte, error) {
	issued, issuedOK := dotnet.Ticks(t.IssueDate)
	expires, expiresOK := dotnet.Ticks(t.Expiration)
	switch {
	case !issuedOK || !expiresOK:
		return dst, errors.New("forms ticket with a time outside the years 1 to 9999")
	case strings.IndexByte(t.Name, 0) >= 0 || strings.IndexByte(t.CookiePath, 0) >= 0:
		return dst, errors.New("forms ticket whose name or path contains U+0000")
	}
	persistent := byte(0)
	if t.Persistent {
		persistent = 1
	}
	dst = append(dst, format, t.Version)
	dst = dotnet.AppendInt64(dst, issued)
	dst = append(dst, separator)
	dst = dotnet.AppendInt64(dst, expires)
	dst = append(dst, persistent)
	for _, text := range [...]string{t.Name, t.UserData, t.CookiePath} {
		var ok bool
		if dst, ok = AppendText(dst, text); !ok {
			return dst, errors.New("forms ticket with text that is not UTF-8")
		}
	}
	return append(dst, footer), nil
}
