package wif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// oneClaim is a document with one claim, whose times are all different.
func oneClaim(t *testing.T, from time.Time) []byte {
	t.Helper()
	var w Writer
	head := Head[string]{
		ID: "_a", ContextID: "urn:x:1",
		ValidFrom: from, ValidTo: from.Add(time.Hour), KeyEffective: from.Add(time.Second), KeyExpires: from.Add(time.Minute),
	}
	if err := w.Begin(nil, V45, &head, nil); err != nil {
		t.Fatal(err)
	}
	w.StartIdentity(&Identity[string]{}, 1)
	w.WriteClaim(&Claim[string]{Type: "type", Value: "value"}, nil)
	w.EndClaims()
	w.EndIdentity(BootstrapNone, nil)
	doc, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestStricter has a case for each rule of docs/decisions.md by which a document
// is refused that .NET reads, beside one that stays within the rule. What .NET
// does was seen on Mono, whose reader of binary XML is Microsoft's.
func TestStricter(t *testing.T) {
	from := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ticks, _ := dotnet.Ticks(from)
	digits := fmt.Sprint(ticks) // 18 of them
	base := oneClaim(t, from)
	// element is an element of the document with its content, and its end.
	element := func(id int, content string) string { return string([]byte{0x42, byte(id << 1)}) + content }
	start := element(nEffectiveTime, "\x8F"+string(binary.LittleEndian.AppendUint64(nil,
		uint64(ticks))))
	context := element(nContextID, "\x99\x07urn:x:1")
	attribute := string([]byte{0x06, nValue << 1})
	text := func(code byte, s string) string { return string([]byte{code, byte(len(s))}) + s }
	decimal := func(head string) string { return "\x94" + head + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" }
	date := func(kind uint64) string {
		return "\x96" + string(binary.LittleEndian.AppendUint64(nil, uint64(ticks)|kind<<62))
	}
	many := func(n int, record string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Replace(record, "??", fmt.Sprintf("%c%c", 'a'+i/26, 'a'+i%26), 1))
		}
		return b.String()
	}
	unsupported := layer.Unsupported(nbfx.ErrUnsupported.Error())
	claim := string([]byte{0x42, nClaim << 1})

	for _, tt := range []struct {
		what, old, new string
		want           error
		value          string // of the claim
	}{
		{"as written", "", "", nil, "value"},

		{"ticks as text", start, element(nEffectiveTime, text(0x99, digits)), nil, "value"},
		{"ticks with blanks around", start, element(nEffectiveTime, text(0x99, " "+digits+"\n")), nil, "value"},
		{"ticks with NUL at the end", start, element(nEffectiveTime, text(0x99, digits+"\x00")), ErrTime, ""},
		{"ticks in two records", start, element(nEffectiveTime,
			text(0x98, digits[:9])+text(0x99, digits[9:])), ErrTime, ""},
		{"ticks of 20 digits", start, element(nEffectiveTime, text(0x99, "00"+digits)), nil, "value"},
		{"ticks of 21 digits", start, element(nEffectiveTime, text(0x99, "000"+digits)), ErrTime, ""},

		{"context id as dictionary text", context,
			element(nContextID, string([]byte{0xAB, nID << 1})), nil, "value"},
		{"context id as QName", context, element(nContextID, string([]byte{0xBD, 0, nID << 1})),
			unsupported, ""},

		{"comment", context, "\x02\x01c" + context, nil, "value"},
		{"comment that is not UTF-8", context, "\x02\x01\xff" + context, nbfx.ErrText, ""},

		{"float", attribute + text(0x98, "value"), attribute + "\x90\x00\x00\x00\x3f", nil, "0.5"},
		{"float that needs an exponent", attribute + text(0x98, "value"),
			attribute + "\x90" + string(binary.LittleEndian.AppendUint32(nil,
				math.Float32bits(1e-5))), unsupported, ""},
		{"double of 17 digits", attribute + text(0x98, "value"),
			attribute + "\x92" + string(binary.LittleEndian.AppendUint64(nil,
				math.Float64bits(math.Nextafter(0.3, 1)))), unsupported, ""},
		{"date of kind 0", attribute + text(0x98, "value"), attribute + date(0), nil, "2026-03-01T09:00:00"},
		{"date of kind 1", attribute + text(0x98, "value"), attribute + date(1), nil, "2026-03-01T09:00:00Z"},
		{"date of kind 2", attribute + text(0x98, "value"), attribute + date(2), unsupported, ""},
		{"date of kind 3", attribute + text(0x98, "value"), attribute + date(3), unsupported, ""},
		{"decimal of negative zero", attribute + text(0x98, "value"),
			attribute + decimal("\x00\x00\x01\x80"), nil, "0.0"},
		{"decimal with a reserved byte", attribute + text(0x98, "value"),
			attribute + decimal("\x01\x00\x01\x00"), nbfx.ErrValue, ""}, // as .NET Framework
		{"decimal with a reserved bit", attribute + text(0x98, "value"),
			attribute + decimal("\x00\x00\x01\x01"), nbfx.ErrValue, ""},

		{"64 attributes", claim, claim + many(59, "\x04\x02??\xA8"), nil, "value"},
		{"65 attributes", claim, claim + many(60, "\x04\x02??\xA8"), nbfx.ErrLimit, ""},
		{"64 declarations", claim, claim + many(64, "\x09\x02??\x01u"), nil, "value"},
		{"65 declarations", claim, claim + many(65, "\x09\x02??\x01u"), nbfx.ErrLimit, ""},
		{"xmlns declared", claim, claim + "\x09\x05xmlns\x1dhttp://www.w3.org/2000/xmlns/", nbfx.ErrPrefix, ""},

		{"blank before the root", "", "\xA8", unsupported, ""},
	} {
		if n := bytes.Count(base, []byte(tt.old)); tt.old != "" && n != 1 {
			t.Fatalf("%s: %d places", tt.what, n)
		}
		doc, err := new(Reader).Read(bytes.Replace(base, []byte(tt.old), []byte(tt.new), 1), V45)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, err, tt.want)
		}
		if err != nil {
			continue
		}
		if c, _ := doc.claim(0); c.Value != tt.value {
			t.Errorf("%s: the value is %q, want %q", tt.what, c.Value, tt.value)
		}
	}
}

// TestUniqueIDWhiteSpace cuts off what XML has for white space, as .NET Framework
// does. .NET 10 cuts off what Unicode has.
func TestUniqueIDWhiteSpace(t *testing.T) {
	for id, want := range map[string]string{
		" \t\r\nurn:x:1 \n": "urn:x:1", "\u00a0urn:x:1": "\u00a0urn:x:1", "urn:x:1\u2003": "urn:x:1\u2003", "\vurn:x:1": "\vurn:x:1",
	} {
		data := oneClaim(t, time.Unix(0, 0))
		data = bytes.Replace(data, []byte("\x99\x07urn:x:1"),
			append([]byte{0x99, byte(len(id))}, id...), 1)
		if doc, err := new(Reader).Read(data, V45); err != nil || doc.str(doc.ContextID) != want {
			t.Errorf("%q: %v", id, err)
		}
	}
}
