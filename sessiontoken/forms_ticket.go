package sessiontoken

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// FormsTicket says who signed in with forms authentication and for how long
// (System.Web.Security.FormsAuthenticationTicket). Its bytes, inside the
// protection, are those of FormsAuthenticationTicketSerializer, in all modes:
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
// The texts of .NET can hold what Go's cannot: unpaired surrogates, and a
// U+0000 that some programs take for the end. So that no two names become one,
// a ticket with an unpaired surrogate anywhere, or with U+0000 in Name or
// CookiePath, is neither read ([ErrUnsupported]) nor issued.
type FormsTicket struct {
	// Version is the application's; .NET itself writes 2.
	Version byte
	// Name is the user's name. It may be empty: .NET then still takes the user
	// for signed in.
	Name string
	// IssueDate and Expiration are in UTC, to 100 ns. The ticket is valid up
	// to and including Expiration; IssueDate serves the renewal.
	IssueDate, Expiration time.Time
	// Persistent says that the cookie outlives the browser session.
	Persistent bool
	// UserData is the application's text, often the user's roles.
	UserData string
	// CookiePath is the path of the cookie, which .NET uses when it renews.
	CookiePath string

	openedBy string
}

// The marks in the bytes of a ticket.
const (
	formsFormat    = 0x01
	formsSeparator = 0xFE
	formsFooter    = 0xFF
)

// minFormsTicket is the length of a ticket with three empty texts.
const minFormsTicket = 24

var (
	errFormsFormat     = errors.New("not a ticket of format 1")
	errFormsSeparator  = errors.New("wrong byte between the dates")
	errFormsFooter     = errors.New("wrong last byte")
	errFormsTime       = errors.New("time outside the years 1 to 9999")
	errFormsPersistent = errors.New("persistent flag neither 0 nor 1")
	errFormsTruncated  = errors.New("ends too soon")
	errFormsTrailing   = errors.New("bytes after the end")
	errFormsSurrogate  = fmt.Errorf("%w: text with an unpaired surrogate", ErrUnsupported)
	errFormsNUL        = fmt.Errorf("%w: name or path with U+0000", ErrUnsupported)
)

// read reads the current layout. All texts share one string.
func (t *FormsTicket) read(s *formsScratch, data []byte) error {
	if len(data) < minFormsTicket {
		return formsError(len(data), errFormsTruncated)
	}
	issueDate, issuedOK := dotnet.Time(int64(binary.LittleEndian.Uint64(data[2:])))
	expiration, expiresOK := dotnet.Time(int64(binary.LittleEndian.Uint64(data[11:])))
	switch {
	case data[0] != formsFormat:
		return formsError(0, errFormsFormat)
	case !issuedOK:
		return formsError(2, errFormsTime)
	case data[10] != formsSeparator:
		return formsError(10, errFormsSeparator)
	case !expiresOK:
		return formsError(11, errFormsTime)
	case data[19] > 1:
		return formsError(19, errFormsPersistent)
	}
	r := dotnet.Reader(data[20:])
	var ends [3]int
	out := s.utf8[:0]
	for i := range ends {
		units, at := 0, len(data)-len(r)
		if len(r) > 0 && r[0] < 0x80 { // nearly always; ReadUint7 is three times the work
			units, r = int(r[0]), r[1:]
		} else if !r.ReadUint7(&units) {
			return formsError(at, errFormsTruncated)
		}
		if units > len(r)/2 {
			return formsError(at, errFormsTruncated)
		}
		if units > 0 {
			var ok bool
			if out, ok = appendText(out, r[:2*units]); !ok {
				return formsError(at, errFormsSurrogate)
			}
			r = r[2*units:]
		}
		ends[i] = len(out)
	}
	s.utf8 = out[:0]
	switch {
	case len(r) == 0:
		return formsError(len(data), errFormsTruncated)
	case r[0] != formsFooter:
		return formsError(len(data)-len(r), errFormsFooter)
	case len(r) > 1:
		return formsError(len(data)-len(r)+1, errFormsTrailing)
	}
	texts := string(out)
	name, userData, path := texts[:ends[0]], texts[ends[0]:ends[1]], texts[ends[1]:]
	if strings.IndexByte(texts, 0) >= 0 && (strings.IndexByte(name, 0) >= 0 || strings.IndexByte(path, 0) >= 0) {
		return formsError(-1, errFormsNUL)
	}
	t.Version, t.Persistent = data[1], data[19] == 1
	t.IssueDate, t.Expiration = issueDate, expiration
	t.Name, t.UserData, t.CookiePath = name, userData, path
	return nil
}

func formsError(offset int, err error) error {
	return &FormatError{Layer: "forms ticket", Offset: offset, Err: err}
}

// append appends the bytes of t in the current layout.
func (t *FormsTicket) append(dst []byte) ([]byte, error) {
	issued, issuedOK := dotnet.Ticks(t.IssueDate)
	expires, expiresOK := dotnet.Ticks(t.Expiration)
	switch {
	case !issuedOK || !expiresOK:
		return dst, errors.New("sessiontoken: cannot issue: forms ticket with a time outside the years 1 to 9999")
	case strings.IndexByte(t.Name, 0) >= 0 || strings.IndexByte(t.CookiePath, 0) >= 0:
		return dst, errors.New("sessiontoken: cannot issue: forms ticket whose name or path contains U+0000")
	case len(t.Name)+len(t.UserData)+len(t.CookiePath) > 3*maxFormsText: // here already, so that a huge text costs nothing more
		return dst, fmt.Errorf("sessiontoken: cannot issue: %w: texts of %d bytes", ErrTooLong, len(t.Name)+len(t.UserData)+len(t.CookiePath))
	}
	persistent := byte(0)
	if t.Persistent {
		persistent = 1
	}
	dst = append(dst, formsFormat, t.Version)
	dst = dotnet.AppendInt64(dst, issued)
	dst = append(dst, formsSeparator)
	dst = dotnet.AppendInt64(dst, expires)
	dst = append(dst, persistent)
	for _, text := range [...]string{t.Name, t.UserData, t.CookiePath} {
		var ok bool
		if dst, ok = appendFormsText(dst, text); !ok {
			return dst, errors.New("sessiontoken: cannot issue: forms ticket with text that is not UTF-8")
		}
	}
	return append(dst, formsFooter), nil
}

// Renew returns the ticket that .NET would issue in place of t when a request
// comes in at now (FormsAuthentication.RenewTicketIfOld), and false with t
// itself if t still serves. A ticket is renewed from the half of its life on,
// when no more time is left than has passed: the new one begins now and lasts
// as long as t did, whatever the site's timeout is. An expired ticket is not
// renewed.
//
// Only a site with slidingExpiration, which is the default, renews.
func (t *FormsTicket) Renew(now time.Time) (*FormsTicket, bool) {
	at, ok := dotnet.Ticks(now)
	issued, issuedOK := dotnet.Ticks(t.IssueDate)
	expires, expiresOK := dotnet.Ticks(t.Expiration)
	if !ok || !issuedOK || !expiresOK || expires < at || expires-at > at-issued {
		return t, false
	}
	begin, ok := dotnet.Time(at)
	end, endOK := dotnet.Time(at + (expires - issued))
	if !ok || !endOK {
		return t, false
	}
	renewed := *t
	renewed.IssueDate, renewed.Expiration, renewed.openedBy = begin, end, ""
	return &renewed, true
}

// OpenedBy returns the id of the key that opened the ticket, so that one opened with an
// older key of the ring can be issued again, or nil for a ticket that was not
// read from a cookie.
func (t *FormsTicket) OpenedBy() string { return t.openedBy }

// String describes the ticket for a log, without UserData.
func (t FormsTicket) String() string {
	return fmt.Sprintf("sessiontoken.FormsTicket{name %q, valid %s to %s}",
		t.Name, t.IssueDate.Format(time.RFC3339), t.Expiration.Format(time.RFC3339))
}

// Format implements [fmt.Formatter] for every verb, so that none prints
// UserData.
func (t FormsTicket) Format(s fmt.State, _ rune) { io.WriteString(s, t.String()) }

// LogValue implements [slog.LogValuer].
func (t FormsTicket) LogValue() slog.Value { return slog.StringValue(t.String()) }
