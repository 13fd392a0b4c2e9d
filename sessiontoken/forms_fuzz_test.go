package sessiontoken

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// FuzzFormsDecode looks for a text that one of the codecs takes although
// nobody issued it.
func FuzzFormsDecode(f *testing.F) {
	modern := formsVectorNamed(f, "nfa-45-base")
	legacy := formsVectorNamed(f, "nfa-20SP2-base")
	var codecs []*FormsCodec
	for _, v := range []*formsVector{modern, legacy} {
		codecs = append(codecs, v.codec(f, v.Ticket.ticket(f).IssueDate))
	}
	n := 0
	for _, v := range formsVectors(f) {
		if v.Cookie != "" && len(v.Cookie) < 5000 {
			f.Add(v.Cookie)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	for _, text := range hostileTargets(f)[2].Texts(400) {
		f.Add(text.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, c := range codecs {
			got, err := c.Decode(ctx, text)
			if err != nil {
				if got != nil || !errors.Is(err, ErrInvalid) {
					t.Fatalf("%v, %v", got, err)
				}
				continue
			}
			if want := []*formsVector{modern, legacy}[i].Ticket; got.Name != want.Name {
				t.Fatalf("accepted a ticket that nobody issued: %v", got)
			}
		}
	})
}

// FuzzFormsTicket reads both layouts and writes what was read.
func FuzzFormsTicket(f *testing.F) {
	n := 0
	for _, v := range formsVectors(f) {
		if v.SerializedTicket != "" {
			f.Add(testkit.Unhex(f, v.SerializedTicket))
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var tickets [3]FormsTicket
		for i, old := range []bool{false, true} {
			got := &tickets[i]
			if err := readForms(got, data, old); err != nil {
				var at *FormatError
				if !errors.As(err, &at) || at.Offset > len(data) || *got != (FormsTicket{}) {
					t.Fatalf("%v, %+v", err, *got)
				}
				continue
			}
			if strings.IndexByte(got.Name, 0) >= 0 {
				t.Fatalf("name %q", got.Name)
			}
			written, err := got.bytes().Append(nil)
			if err != nil || i == 0 && len(written) > len(data) {
				t.Fatalf("%v, %x", err, written)
			}
			if err := readForms(&tickets[2], written, false); err != nil || tickets[2] != *got {
				t.Fatalf("changed in a round trip: %v\n%+v\n%+v", err, tickets[2], *got)
			}
		}
	})
}

func FuzzFormsEncode(f *testing.F) {
	n := 0
	for _, v := range formsVectors(f) {
		if v.Ticket != nil && len(v.Ticket.UserData) < 500 {
			f.Add(v.Ticket.Name, v.Ticket.UserData, v.Ticket.CookiePath, byte(v.Ticket.Version),
				v.Ticket.IsPersistent)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	c := formsCodec(f, machinekey.Framework45, FormsOptions{})
	f.Fuzz(func(t *testing.T, name, userData, path string, version byte, persistent bool) {
		ticket := c.NewTicket(name, userData)
		ticket.CookiePath, ticket.Version, ticket.Persistent = path, version, persistent
		text, err := c.Encode(ctx, ticket)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "sessiontoken: cannot issue: ") {
				t.Fatal(err)
			}
			return
		}
		if text != strings.ToUpper(text) || len(text) > 4096 {
			t.Fatalf("%q", text)
		}
		got, err := c.Decode(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		got.openedBy = ""
		if *got != *ticket {
			t.Fatalf("changed in a round trip:\n%+v\n%+v", *got, *ticket)
		}
	})
}

// FuzzFormsText compares the hex reader with encoding/hex, and shows that a
// URL token is read only if it is the one for its data.
// FuzzAnonymousID reads the layout and writes what was read.
func FuzzAnonymousID(f *testing.F) {
	n := 0
	for _, v := range readFormsVectors(f, "cookieprotection.json", 39) {
		if v.AnonymousID != "" {
			f.Add(testkit.Unhex(f, v.Payload))
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readAnonymousID(data)
		if err != nil {
			var at *FormatError
			if got != nil || !errors.As(err, &at) || at.Offset > len(data) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		written, err := got.append(nil)
		if err != nil || !bytes.HasPrefix(data, written) {
			t.Fatalf("%x, %v", written, err)
		}
	})
}
