package nbfx

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// writeVectors is the number of vectors of the kind "write+read".
const writeVectors = 228

// A writeVector is a list of calls on .NET's writer and what it wrote.
type writeVector struct {
	Name, Kind, Dictionary string
	Ops                    [][]any
	NBFXHex                string
}

func readWriteVectors(t testing.TB) []writeVector {
	t.Helper()
	var file struct{ Vectors []writeVector }
	testkit.JSON(t, "sessiontoken_nbfx.json", &file)
	vectors := slices.DeleteFunc(file.Vectors,
		func(v writeVector) bool { return v.Kind != "write+read" })
	if len(vectors) != writeVectors {
		t.Fatalf("%d vectors to write, want %d", len(vectors), writeVectors)
	}
	return vectors
}

func (v *writeVector) dict(t testing.TB) []string {
	t.Helper()
	switch v.Dictionary {
	case "session45":
		return Session45
	case "wif10":
		return WIF10
	case "none":
		return nil
	}
	t.Fatalf("unknown dictionary %q", v.Dictionary)
	return nil
}

func TestWriterVectors(t *testing.T) {
	var w Writer
	for _, v := range readWriteVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			dict := v.dict(t)
			w.Reset([]byte("before"), dict)
			for _, op := range v.Ops {
				runOp(t, &w, dict, op)
			}
			got, err := w.Done()
			if err != nil {
				t.Fatal(err)
			}
			got, ok := bytes.CutPrefix(got, []byte("before"))
			if !ok || hex.EncodeToString(got) != v.NBFXHex {
				t.Errorf("wrote\n%x, want\n%s", got, v.NBFXHex)
			}
		})
	}
}

// runOp makes the calls of one op of a vector.
func runOp(t testing.TB, w *Writer, dict []string, op []any) {
	t.Helper()
	arg := func(i int) string { return op[i].(string) }
	name := func(i int) int { return slices.Index(dict, arg(i)) }
	switch arg(0) {
	case "startDict":
		w.StartDict(name(1))
	case "startPrefixDict":
		w.StartPrefixDict(arg(1), name(2), name(3))
	case "start":
		w.Start(arg(1), arg(2), arg(3))
	case "attrDict":
		w.AttrDict(name(1), arg(2))
	case "attrPrefixDict":
		w.AttrPrefixDict(arg(1), name(2), name(3), arg(4))
	case "attr":
		w.Attr(arg(1), arg(2), arg(3), arg(4))
	case "attrValue":
		if text, records := typedValue(t, dict, arg(2), arg(3)); records == nil {
			w.AttrDict(name(1), text)
		} else {
			payload := records[0].payload
			for _, r := range records[1:] { // of a list
				payload = append(append(payload, r.code), r.payload...)
			}
			w.AttrRecord(name(1), records[0].code, payload)
		}
	case "xmlns":
		w.Xmlns(arg(1), arg(2))
	case "text", "cdata", "whitespace":
		w.Text(arg(1))
	case "comment":
		w.Comment(arg(1))
	case "base64chunks":
		for _, chunk := range op[1].([]any) {
			w.Bytes(fromHex(t, chunk.(string)))
		}
	case "value":
		switch arg(1) {
		case "base64":
			w.Bytes(fromHex(t, arg(2)))
		case "int64":
			w.Int64(parseInt(t, arg(2)))
		default:
			text, records := typedValue(t, dict, arg(1), arg(2))
			if records == nil {
				w.Text(text)
			}
			for _, r := range records {
				w.Record(r.code, r.payload)
			}
		}
	case "array":
		items := op[3].([]any)
		code := map[string]byte{"int16": Int16, "int32": Int32, "int64": Int64, "bool": Bool,
			"guid": GUID}[arg(1)]
		var packed []byte
		for _, item := range items {
			text := item.(string)
			switch code {
			case GUID:
				packed = append(packed, guidBytes(t, text)...)
			case Bool:
				packed = append(packed, map[string]byte{"false": 0, "true": 1}[text])
			default:
				n := binary.LittleEndian.AppendUint64(nil, uint64(parseInt(t, text)))
				packed = append(packed, n[:fixedSize(code)]...)
			}
		}
		w.Array(name(2), code, len(items), packed)
	case "end":
		w.End()
	default:
		t.Fatalf("unknown op %q", arg(0))
	}
}

type record struct {
	code    byte
	payload []byte
}

// typedValue returns the records that .NET writes for a value, or its text
// where it has none.
func typedValue(t testing.TB, dict []string, kind, value string) (string, []record) {
	t.Helper()
	one := func(code byte, payload []byte) (string, []record) { return "", []record{{code, payload}} }
	le64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	switch kind {
	case "string":
		return value, nil
	case "bool":
		return one(map[string]byte{"false": False, "true": True}[value], nil)
	case "uint64":
		u, err := strconv.ParseUint(value, 10, 64)
		if err != nil || u <= math.MaxInt64 {
			t.Fatalf("uint64 %s", value)
		}
		return one(UInt64, le64(u))
	case "float", "double": // the smallest record that is exact
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return "", []record{intRecord(int64(f))}
		}
		if kind == "float" || f == float64(float32(f)) {
			return one(Float, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(f))))
		}
		return one(Double, le64(math.Float64bits(f)))
	case "decimal": // 16 bits unused, scale, sign, then the number
		whole, fraction, _ := strings.Cut(value, ".")
		n := parseInt(t, whole+fraction)
		return one(Decimal, append([]byte{0, 0, byte(len(fraction)), 0, 0, 0, 0, 0},
			le64(uint64(n))...))
	case "datetimeTicksUtc":
		return one(DateTime, le64(uint64(parseInt(t, value))|1<<62))
	case "datetimeTicksUnspecified":
		return one(DateTime, le64(uint64(parseInt(t, value))))
	case "timespanTicks":
		return one(TimeSpan, le64(uint64(parseInt(t, value))))
	case "guid":
		return one(GUID, guidBytes(t, value))
	case "uniqueId":
		if text, ok := strings.CutPrefix(value, "urn:uuid:"); ok {
			return one(UniqueID, guidBytes(t, text))
		}
		return value, nil
	case "dict":
		return one(Dictionary, dotnet.AppendUint7(nil, 2*slices.Index(dict, value)))
	case "list":
		records := []record{{StartList, nil}}
		for item := range strings.FieldsSeq(value) {
			records = append(records, intRecord(parseInt(t, item)))
		}
		return "", append(records, record{EndList, nil})
	}
	t.Fatalf("unknown type %q", kind)
	return "", nil
}

// intRecord chooses the record as [Writer.Int64] does.
func intRecord(v int64) record {
	b := binary.LittleEndian.AppendUint64(nil, uint64(v))
	switch {
	case v == 0:
		return record{Zero, nil}
	case v == 1:
		return record{One, nil}
	case v >= math.MinInt8 && v <= math.MaxInt8:
		return record{Int8, b[:1]}
	case v >= math.MinInt16 && v <= math.MaxInt16:
		return record{Int16, b[:2]}
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return record{Int32, b[:4]}
	}
	return record{Int64, b}
}

func parseInt(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// guidBytes is the inverse of [dotnet.FormatGUID].
func guidBytes(t testing.TB, s string) []byte {
	t.Helper()
	b := fromHex(t, strings.ReplaceAll(s, "-", ""))
	slices.Reverse(b[:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	return b
}

func TestWriterErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		want  error
		write func(w *Writer)
	}{
		{"nothing", ErrMisuse, func(w *Writer) {}},
		{"open element", ErrMisuse, func(w *Writer) { w.StartDict(0) }},
		{"end too many", ErrMisuse, func(w *Writer) { w.StartDict(0); w.End(); w.End() }},
		{"second root", ErrMisuse, func(w *Writer) { w.StartDict(0); w.End(); w.StartDict(0); w.End() }},
		{"second literal root", ErrMisuse,
			func(w *Writer) { w.StartDict(0); w.End(); w.Start("", "a", ""); w.End() }},
		{"text outside", ErrMisuse, func(w *Writer) { w.Text("x") }},
		{"number outside", ErrMisuse, func(w *Writer) { w.Int64(5) }},
		{"bytes outside", ErrMisuse, func(w *Writer) { w.Bytes([]byte("x")) }},
		{"comment outside", ErrMisuse, func(w *Writer) { w.Comment("x") }},
		{"record outside", ErrMisuse, func(w *Writer) { w.Record(True, nil) }},
		{"attribute after text", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Text("x"); w.AttrDict(1, "") }},
		{"attribute after bytes", ErrMisuse,
			func(w *Writer) { w.StartDict(0); w.Bytes([]byte("x")); w.AttrDict(1, "") }},
		{"attribute after end", ErrMisuse,
			func(w *Writer) { w.StartDict(0); w.StartDict(0); w.End(); w.AttrDict(1, "") }},
		{"xmlns after text", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Text("x"); w.Xmlns("a", "b") }},
		{"name too high", ErrMisuse, func(w *Writer) { w.StartDict(len(Session45)) }},
		{"name negative", ErrMisuse, func(w *Writer) { w.StartDict(-1) }},
		{"attribute name", ErrMisuse, func(w *Writer) { w.StartDict(0); w.AttrDict(-1, "") }},
		{"namespace name", ErrMisuse, func(w *Writer) { w.StartPrefixDict("a", 0, 99) }},
		{"no name", ErrMisuse, func(w *Writer) { w.Start("", "", "") }},
		{"odd code", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Record(True+1, nil) }},
		{"no value code", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Record(recComment, nil) }},
		{"record size", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Record(Int32, []byte("abc")) }},
		{"attribute code", ErrMisuse, func(w *Writer) { w.StartDict(0); w.AttrRecord(1, Int8+1, []byte("a")) }},
		{"array size", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Array(0, Int16, 2, []byte("abc")) }},
		{"array of text", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Array(0, Chars8, 1, []byte("a")) }},
		{"array of nothing", ErrMisuse, func(w *Writer) { w.StartDict(0); w.Array(0, Zero, 1, nil) }},
		{"text not UTF-8", ErrText, func(w *Writer) { w.StartDict(0); w.Text("a\xff") }},
		{"long text not UTF-8", ErrText,
			func(w *Writer) { w.StartDict(0); w.Text(strings.Repeat("a", 600) + "\xed\xa0\x80") }},
		{"attribute not UTF-8", ErrText, func(w *Writer) { w.StartDict(0); w.AttrDict(1, "\x80") }},
		{"comment not UTF-8", ErrText, func(w *Writer) { w.StartDict(0); w.Comment("\x80") }},
		{"name not UTF-8", ErrText, func(w *Writer) { w.Start("", "a\x80", "") }},
		{"prefix not UTF-8", ErrText, func(w *Writer) { w.Start("\x80", "a", "urn:x") }},
		{"namespace not UTF-8", ErrText, func(w *Writer) { w.Start("a", "a", "\x80") }},
		{"prefix without namespace", ErrPrefix, func(w *Writer) { w.Start("a", "b", "") }},
		{"attribute namespace without prefix", ErrPrefix,
			func(w *Writer) { w.StartDict(0); w.Attr("", "a", "urn:x", "") }},
		{"prefix xmlns", ErrPrefix, func(w *Writer) { w.StartDict(0); w.Xmlns("xmlns", "urn:x") }},
		{"prefix xml", ErrPrefix, func(w *Writer) { w.StartDict(0); w.Xmlns("xml", "urn:x") }},
		{"prefix twice", ErrDuplicate,
			func(w *Writer) { w.Start("a", "b", "urn:x"); w.Attr("a", "c", "urn:y", "") }},
	} {
		var w Writer
		w.Reset([]byte("before"), Session45)
		test.write(&w)
		w.Text("after") // does nothing
		got, err := w.Done()
		if !errors.Is(err, test.want) || got != nil {
			t.Errorf("%s: %x, %v, want %v", test.name, got, err, test.want)
			continue
		}
		e, ok := err.(*Error)
		if !ok || e.Offset < 0 || e.Offset > 2000 || !strings.HasPrefix(err.Error(), "nbfx: ") {
			t.Errorf("%s: %#v", test.name, err)
		}
		w.Reset(nil, Session45) // forgets the error
		w.StartDict(0)
		w.End()
		if got, err := w.Done(); err != nil || string(got) != "\x42\x00\x01" {
			t.Errorf("%s: then %x, %v", test.name, got, err)
		}
	}
	var zero Writer
	zero.StartDict(0)
	zero.End()
	if _, err := zero.Done(); !errors.Is(err, ErrMisuse) {
		t.Errorf("zero Writer: %v", err)
	}
}

// TestWriterNamespaces goes where the vectors do not: inherited, undeclared
// and hidden namespaces, read back with the Reader.
func TestWriterNamespaces(t *testing.T) {
	var w Writer
	w.Reset(nil, Session45)
	w.Start("", "a", "urn:1")
	w.Xmlns("p", "urn:2")
	w.Xmlns("p", "urn:2")
	w.Attr("xml", "lang", "http://www.w3.org/XML/1998/namespace", "en")
	w.Start("", "b", "urn:1") // inherits
	w.Start("p", "c", "urn:2")
	w.End()
	w.Start("p", "d", "urn:3") // hides
	w.End()
	w.StartDict(0) // is in no namespace
	w.End()
	w.Start("p", "e", "urn:2") // inherits again
	w.End()
	w.End()
	w.End()
	got, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	const want = "\x40\x01a" + "\x05\x03xml\x04lang\x98\x02en" + "\x08\x05urn:1" +
		"\x09\x01p\x05urn:2" +
		"\x40\x01b" + "\x6d\x01c\x01" + "\x6d\x01d\x09\x01p\x05urn:3\x01" + "\x42\x00\x08\x00\x01" +
		"\x6d\x01e\x01" + "\x01\x01"
	if string(got) != want {
		t.Errorf("wrote\n%q, want\n%q", got, want)
	}
}
