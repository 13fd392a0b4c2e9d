package sessiontoken

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// formsModes are the ways in which tickets are issued.
var formsModes = []struct {
	name       string
	mode       machinekey.Mode
	protection machinekey.Protection
}{
	{"Framework45", machinekey.Framework45, machinekey.ProtectionAll},
	{"Framework20SP1", machinekey.Framework20SP1, machinekey.ProtectionAll},
	{"Framework20SP2 Encryption", machinekey.Framework20SP2, machinekey.ProtectionEncryption},
	{"Framework20SP2 Validation", machinekey.Framework20SP2, machinekey.ProtectionValidation},
}

// TestFormsTicketsAreNotMalleable changes the protected bytes in every way
// that could matter. Nothing may be accepted, and nothing may be said.
func TestFormsTicketsAreNotMalleable(t *testing.T) {
	for _, m := range formsModes {
		t.Run(m.name, func(t *testing.T) {
			c := formsCodec(t, m.mode, FormsOptions{Protection: m.protection})
			protected := func(name string) []byte {
				data, ok := forms.AppendHexDecode(nil, mustEncode(t, c, c.NewTicket(name, "data")))
				if !ok {
					t.Fatal("not hex")
				}
				return data
			}
			a, b := protected("alice"), protected("carol")
			refuse := func(what string, n int, data []byte) {
				t.Helper()
				if got, err := c.Decode(ctx, string(forms.AppendHex(nil,
					data))); err != ErrInvalid || got != nil {
					t.Fatalf("%s %d: %v, %v", what, n, got, err)
				}
			}
			for i := range a {
				for bit := range 8 {
					a[i] ^= 1 << bit
					refuse("bit", i*8+bit, a)
					a[i] ^= 1 << bit
				}
				refuse("truncated to", i, a[:i])
				refuse("without the first", i+1, a[i+1:])
				if cut := i + 1; cut < len(a) && !bytes.Equal(a[:cut], b[:cut]) &&
					!bytes.Equal(a[cut:], b[cut:]) {
					refuse("spliced at", cut, append(bytes.Clone(a[:cut]), b[cut:]...))
					refuse("spliced at", cut, append(bytes.Clone(b[:cut]), a[cut:]...))
				}
			}
			refuse("extended by", 1, append(bytes.Clone(a), 0))
			refuse("twice", 1, append(bytes.Clone(a), a...))
			refuse("both", 1, append(bytes.Clone(a), b...))
		})
	}
}

// TestFormsTextMutations changes every character of both texts. What is still
// accepted must be the same ticket: hex in another case.
func TestFormsTextMutations(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	ticket := c.NewTicket("alice", "data")
	urlToken := asURLToken(t, mustEncode(t, c, ticket))
	for what, text := range map[string]string{"hex": mustEncode(t, c, ticket),
		"URL token": urlToken} {
		accepted := 0
		raw := []byte(text)
		for i, was := range raw {
			for other := range 256 {
				raw[i] = byte(other)
				got, err := c.Decode(ctx, string(raw))
				switch {
				case err != nil && err != ErrInvalid:
					t.Fatalf("%s: %v", what, err)
				case err != nil || byte(other) == was:
				case what == "hex" && byte(other) == was^0x20 &&
					strings.IndexByte("abcdef", byte(other)) >= 0:
					accepted++
				default:
					t.Fatalf("%s: %q for %q accepted as %v", what, other, was, got)
				}
			}
			raw[i] = was
		}
		if (accepted > 0) != (what == "hex") {
			t.Errorf("%s: %d accepted", what, accepted)
		}
	}
}

// TestFormsLayoutMutations flips every bit of a ticket before it is protected,
// as only a holder of the key can. The reader takes no two tickets for one.
func TestFormsLayoutMutations(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	ticket := c.NewTicket("alice", strings.Repeat("d", 130))
	data, err := ticket.bytes().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, n int, data []byte) {
		var got FormsTicket
		err := readForms(&got, data, false)
		var at *FormatError
		switch {
		case err != nil && (!errors.As(err, &at) || got != FormsTicket{}):
			t.Fatalf("%s %d: %v, %+v", what, n, err, got)
		case err == nil:
			again, err := got.bytes().Append(nil)
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%s %d: read as %+v, written as %x, %v", what, n, got, again, err)
			}
		}
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			try("bit", i*8+bit, data)
			data[i] ^= 1 << bit
		}
		try("truncated to", i, data[:i])
		try("without the first", i+1, data[i+1:])
	}
	try("extended by", 1, append(bytes.Clone(data), 0xFF))
}

// TestCredentialsAreKeptApart gives each codec the cookies of the others under
// one Framework45 key.
func TestCredentialsAreKeptApart(t *testing.T) {
	ring := ringOf(t, modeKey(t, machinekey.Framework45))
	forms, err := NewFormsCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	role, err := newModeProtector(ring, machinekey.RolePurpose, machinekey.LegacyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := NewAnonymousCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	ticket := forms.NewTicket("alice", "")
	data, err := ticket.bytes().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, scratch := map[string]string{}, new(formsScratch)
	texts["forms"] = asURLToken(t, mustEncode(t, forms, ticket))
	if texts["role"], err = role.encodeURLToken(scratch, data, limits.FormsText); err != nil {
		t.Fatal(err)
	}
	if texts["anonymous"], err = anonymous.Encode(ctx, anonymous.NewID()); err != nil {
		t.Fatal(err)
	}
	for kind, text := range texts {
		_, formsErr := forms.Decode(ctx, text)
		_, _, roleErr := role.decodeURLToken(ctx, scratch, nil, text, limits.FormsText)
		_, anonymousErr := anonymous.Decode(ctx, text)
		for reader, err := range map[string]error{"forms": formsErr, "role": roleErr,
			"anonymous": anonymousErr} {
			if want := map[bool]error{true: nil, false: ErrInvalid}[reader == kind]; err != want {
				t.Errorf("%s cookie read as %s: %v", kind, reader, err)
			}
		}
	}
}
