package sessiontoken

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
)

// formsHeapBound is what one call may allocate in all, whatever it is given:
// scratch for a text of 4096 characters a few times over.
const formsHeapBound = 64 << 10

// sealTicket protects arbitrary bytes as if a node of the farm had.
func sealTicket(t testing.TB, c *FormsCodec, data string) string {
	t.Helper()
	protected, err := c.protector.Protect(nil, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return string(forms.AppendHex(nil, protected))
}

func TestHostileFormsTickets(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	old := formsCodec(t, machinekey.Framework45, FormsOptions{InsecureOldLayout: true})
	genuine := mustEncode(t, c, c.NewTicket("alice", ""))
	data, err := c.NewTicket("alice", "").bytes().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	head, oldHead := string(data[:20]), strings.Repeat("\x00", 8)+"\x02"
	dates := strings.Repeat("\x00", 17)
	for _, tc := range []struct {
		name  string
		codec *FormsCodec
		value string
		want  error
	}{
		{"empty", c, "", ErrInvalid},
		{"one character", c, "0", ErrInvalid},
		{"two", c, "00", ErrInvalid},
		{"garbage", c, "!!not-a-cookie!!", ErrInvalid},
		{"a megabyte of digits", c, strings.Repeat("0", 1<<20), layer.ErrTooLong},
		{"a megabyte of base64", c, strings.Repeat("z", 1<<20) + "0", layer.ErrTooLong},
		{"4096 digits", c, strings.Repeat("0", 4096), ErrInvalid},
		{"4097 digits", c, strings.Repeat("0", 4097), layer.ErrTooLong},
		{"4096 characters of a token", c, strings.Repeat("z", 4095) + "1", ErrInvalid},
		{"half a cookie", c, genuine[:len(genuine)/2], ErrInvalid},
		{"a cookie twice", c, genuine + genuine, ErrInvalid},
		{"a cookie and a blank", c, genuine + " ", ErrInvalid},
		{"lines", c, genuine[:10] + "\r\n" + genuine[10:], ErrInvalid},
		{"non-ASCII", c, strings.Repeat("０", 100), ErrInvalid},
		{"no ticket", c, sealTicket(t, c, ""), forms.ErrTruncated},
		{"a ticket too short", c, sealTicket(t, c, head+"\x00\x00\xff"), forms.ErrTruncated},
		{"no texts", c, sealTicket(t, c, head+"\xff\xff\xff\xff"), forms.ErrTruncated},
		{"length of 2^31-1", c, sealTicket(t, c, head+"\xff\xff\xff\xff\x07\xff"), forms.ErrTruncated},
		{"negative length", c, sealTicket(t, c, head+"\xff\xff\xff\xff\x0f\xff"), forms.ErrTruncated},
		{"endless length", c, sealTicket(t, c, head+strings.Repeat("\x80", 1000)), forms.ErrTruncated},
		{"footer where a text ends", c, sealTicket(t, c, head+"\x00\x00\x00\xff\xff"), forms.ErrTrailing},
		{"other footer", c, sealTicket(t, c, head+"\x00\x00\x00\xfe"), forms.ErrFooter},
		{"odd text", c, sealTicket(t, c, head+"\x00\x00\x02a\x00\xff"), forms.ErrTruncated},
		{"unpaired surrogate", c, sealTicket(t, c, head+"\x01\x00\xd8\x00\x00\xff"), forms.ErrSurrogate},
		{"NUL name", c, sealTicket(t, c, head+"\x01\x00\x00\x00\x00\xff"), forms.ErrNUL},
		{"the old layout", c, sealTicket(t, c, oldHead+"a\x00\x00\x00"+dates+"\x00\x00\x00\x00"),
			forms.ErrFormat},
		{"the new layout for the old", old, sealTicket(t, old, string(data)), ErrInvalid},
		{"old, empty", old, sealTicket(t, old, ""), forms.ErrTruncated},
		{"old, no end of name", old, sealTicket(t, old, oldHead+strings.Repeat("a\x00", 900)),
			forms.ErrTruncated},
		{"old, zeros across units", old, sealTicket(t, old,
			oldHead+strings.Repeat("\x01\x00\x00\x01", 400)), forms.ErrTruncated},
		{"old, cut in the dates", old, sealTicket(t, old, oldHead+"\x00\x00"+dates[:9]), forms.ErrTruncated},
		{"old, negative date", old, sealTicket(t, old,
			oldHead+"\x00\x00"+strings.Repeat("\xff", 17)+"\x00\x00\x00\x00"), forms.ErrOldTime},
		{"old, no path", old, sealTicket(t, old, oldHead+"\x00\x00"+dates+"\x00\x00"), forms.ErrTruncated},
		{"old, trailing", old, sealTicket(t, old, oldHead+"\x00\x00"+dates+"\x00\x00\x00\x00\x00"),
			forms.ErrTrailing},
		{"old, unpaired surrogate", old, sealTicket(t, old,
			oldHead+"\x00\xd8\x00\x00"+dates+"\x00\x00\x00\x00"), forms.ErrSurrogate},
		{"old, good but of the year 1601", old,
			sealTicket(t, old, oldHead+"a\x00\x00\x00"+dates+"\x00\x00\x00\x00"), ErrExpired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got *FormsTicket
			var err error
			n := allocated(func() { got, err = tc.codec.Decode(ctx, tc.value) })
			if got != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v and error %v, want %v", got, err, tc.want)
			}
			if tc.want == ErrInvalid && tc.codec == c && err != ErrInvalid {
				t.Errorf("error %v says more than ErrInvalid", err)
			}
			if n > formsHeapBound {
				t.Errorf("allocated %d bytes", n)
			}
		})
	}
}

// TestUnauthenticatedTicketsSayNothing: where a site lets anybody write
// tickets, what is wrong with one is no fact about authentic data.
func TestUnauthenticatedTicketsSayNothing(t *testing.T) {
	for _, opts := range []FormsOptions{
		{Protection: machinekey.InsecureProtectionNone},
		{Protection: machinekey.ProtectionEncryption, InsecureUnsigned: true},
	} {
		c := formsCodec(t, machinekey.Framework20SP2, opts)
		good, err := c.NewTicket("alice", "").bytes().Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			if got, err := c.Decode(ctx, hex.EncodeToString(good[:i])); err != ErrInvalid ||
				got != nil {
				t.Fatalf("%+v: %d bytes: %v, %v", opts, i, got, err)
			}
		}
	}
}

func TestFormsErrorsHoldNoData(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	data, err := c.NewTicket("s3cr3t-name", "s3cr3t-data").bytes().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Decode(ctx, sealTicket(t, c, string(data)+"s3cr3t"))
	var at *FormatError
	if !errors.As(err, &at) || at.Offset != len(data) || strings.Contains(err.Error(), "s3cr3t") ||
		strings.Contains(err.Error(), "733363") {
		t.Fatal(err)
	}
}
