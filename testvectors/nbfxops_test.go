package testvectors_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// nbfxOp is one call on the writer of .NET: its name and its arguments, texts
// and at most one list of texts, which comes last.
type nbfxOp struct {
	name string
	args []string
	list []string
}

func (op *nbfxOp) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if n := len(parts); n > 0 && bytes.HasPrefix(parts[n-1], []byte("[")) {
		if err := json.Unmarshal(parts[n-1], &op.list); err != nil {
			return err
		}
		parts = parts[:n-1]
	}
	if len(parts) == 0 {
		return errors.New("an op without a name")
	}
	op.args = make([]string, len(parts)-1)
	if err := json.Unmarshal(parts[0], &op.name); err != nil {
		return err
	}
	for i := range op.args {
		if err := json.Unmarshal(parts[i+1], &op.args[i]); err != nil {
			return err
		}
	}
	return nil
}

// write makes the calls and wants the recorded bytes.
func (v *nbfxVector) write(t *testing.T, dict []string) {
	var w nbfx.Writer
	w.Reset(nil, dict)
	for _, op := range v.Ops {
		if err := op.run(&w, dict); err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
	}
	got, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "nbfxHex", got, v.NBFXHex)
}

// run makes one call.
func (op *nbfxOp) run(w *nbfx.Writer, dict []string) error {
	a := op.args
	name := func(i int) int { return slices.Index(dict, a[i]) } // -1 makes the writer fail
	switch key := fmt.Sprintf("%s %d", op.name, len(a)); {
	case key == "startDict 1":
		w.StartDict(name(0))
	case key == "startPrefixDict 3":
		w.StartPrefixDict(a[0], name(1), name(2))
	case key == "start 3":
		w.Start(a[0], a[1], a[2])
	case key == "attrDict 2":
		w.AttrDict(name(0), a[1])
	case key == "attrPrefixDict 4":
		w.AttrPrefixDict(a[0], name(1), name(2), a[3])
	case key == "attr 4":
		w.Attr(a[0], a[1], a[2], a[3])
	case key == "xmlns 2":
		w.Xmlns(a[0], a[1])
	case key == "text 1", key == "cdata 1", key == "whitespace 1":
		w.Text(a[0])
	case key == "comment 1":
		w.Comment(a[0])
	case key == "end 0":
		w.End()
	case key == "base64chunks 0" && op.list != nil:
		for _, chunk := range op.list {
			data, err := hex.DecodeString(chunk)
			if err != nil {
				return err
			}
			w.Bytes(data)
		}
	case key == "value 2":
		return writeValue(w, dict, a[0], a[1])
	case key == "attrValue 3":
		return writeAttrValue(w, dict, name(0), a[1], a[2])
	case key == "array 2" && op.list != nil:
		return writeArray(w, a[0], name(1), op.list)
	default:
		return fmt.Errorf("no call with %d arguments", len(a))
	}
	return nil
}

// writeValue writes a typed value as element content.
func writeValue(w *nbfx.Writer, dict []string, kind, value string) error {
	switch kind {
	case "base64":
		data, err := hex.DecodeString(value)
		w.Bytes(data)
		return err
	case "int64":
		n, err := strconv.ParseInt(value, 10, 64)
		w.Int64(n)
		return err
	}
	records, err := valueRecords(dict, kind, value)
	if records == nil {
		w.Text(value)
	}
	for _, r := range records {
		w.Record(r.code, r.payload)
	}
	return err
}

// writeAttrValue writes a typed value as an attribute. A list is one record
// to the writer: the first, with the others behind it.
func writeAttrValue(w *nbfx.Writer, dict []string, name int, kind, value string) error {
	records, err := valueRecords(dict, kind, value)
	if err != nil {
		return err
	}
	if records == nil {
		w.AttrDict(name, value)
		return nil
	}
	payload := slices.Clone(records[0].payload)
	for _, r := range records[1:] {
		payload = append(append(payload, r.code), r.payload...)
	}
	w.AttrRecord(name, records[0].code, payload)
	return nil
}

// writeArray writes elements of one name, each with one value.
func writeArray(w *nbfx.Writer, kind string, name int, items []string) error {
	codes := map[string]byte{"int16": nbfx.Int16, "int32": nbfx.Int32, "int64": nbfx.Int64,
		"bool": nbfx.Bool, "guid": nbfx.GUID}
	size := map[string]int{"int16": 2, "int32": 4, "int64": 8}[kind]
	var packed []byte
	for _, item := range items {
		switch kind {
		case "bool":
			b, err := strconv.ParseBool(item)
			if err != nil {
				return err
			}
			packed = append(packed, map[bool]byte{true: 1}[b])
		case "guid":
			guid, err := guidBytes(item)
			if err != nil {
				return err
			}
			packed = append(packed, guid...)
		case "int16", "int32", "int64":
			n, err := strconv.ParseInt(item, 10, 8*size)
			if err != nil {
				return err
			}
			packed = append(packed, le64(uint64(n))[:size]...)
		default:
			return fmt.Errorf("no array of %q", kind)
		}
	}
	w.Array(name, codes[kind], len(items), packed)
	return nil
}

// nbfxRecord is a value record: its code and what follows the code.
type nbfxRecord struct {
	code    byte
	payload []byte
}

// valueRecords returns the records that .NET writes for a value, none for one
// that it writes as text.
func valueRecords(dict []string, kind, value string) ([]nbfxRecord, error) {
	one := func(code byte, payload []byte, err error) ([]nbfxRecord, error) {
		return []nbfxRecord{{code, payload}}, err
	}
	switch kind {
	case "string":
		return nil, nil
	case "bool":
		b, err := strconv.ParseBool(value)
		return one(map[bool]byte{false: nbfx.False, true: nbfx.True}[b], nil, err)
	case "uint64":
		n, err := strconv.ParseUint(value, 10, 64)
		if n <= math.MaxInt64 {
			return []nbfxRecord{intRecord(int64(n))}, err
		}
		return one(nbfx.UInt64, le64(n), err)
	case "float", "double":
		f, err := strconv.ParseFloat(value, 64)
		return []nbfxRecord{floatRecord(f, kind == "float")}, err
	case "decimal":
		payload, err := decimalBytes(value)
		return one(nbfx.Decimal, payload, err)
	case "datetimeTicksUtc", "datetimeTicksUnspecified":
		n, err := strconv.ParseUint(value, 10, 62)
		if kind == "datetimeTicksUtc" {
			n |= 1 << 62
		}
		return one(nbfx.DateTime, le64(n), err)
	case "timespanTicks":
		n, err := strconv.ParseInt(value, 10, 64)
		return one(nbfx.TimeSpan, le64(uint64(n)), err)
	case "guid":
		guid, err := guidBytes(value)
		return one(nbfx.GUID, guid, err)
	case "uniqueId":
		text, ok := strings.CutPrefix(value, "urn:uuid:")
		if guid, err := guidBytes(text); ok && err == nil {
			return one(nbfx.UniqueID, guid, nil)
		}
		return nil, nil
	case "dict":
		id := slices.Index(dict, value)
		if id < 0 {
			return nil, fmt.Errorf("%q is not in the dictionary", value)
		}
		return one(nbfx.Dictionary, dotnet.AppendUint7(nil, 2*id), nil)
	case "list":
		records := []nbfxRecord{{nbfx.StartList, nil}}
		for item := range strings.FieldsSeq(value) {
			n, err := strconv.ParseInt(item, 10, 64)
			if err != nil {
				return nil, err
			}
			records = append(records, intRecord(n))
		}
		return append(records, nbfxRecord{nbfx.EndList, nil}), nil
	}
	return nil, fmt.Errorf("no value of type %q", kind)
}

// intRecord returns the smallest record for an integer.
func intRecord(n int64) nbfxRecord {
	b := le64(uint64(n))
	switch {
	case n == 0:
		return nbfxRecord{nbfx.Zero, nil}
	case n == 1:
		return nbfxRecord{nbfx.One, nil}
	case int64(int8(n)) == n:
		return nbfxRecord{nbfx.Int8, b[:1]}
	case int64(int16(n)) == n:
		return nbfxRecord{nbfx.Int16, b[:2]}
	case int64(int32(n)) == n:
		return nbfxRecord{nbfx.Int32, b[:4]}
	}
	return nbfxRecord{nbfx.Int64, b}
}

// floatRecord returns the smallest record that holds the number exactly.
func floatRecord(f float64, single bool) nbfxRecord {
	if !single && float64(float32(f)) != f {
		return nbfxRecord{nbfx.Double, le64(math.Float64bits(f))}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return intRecord(int64(f))
	}
	return nbfxRecord{nbfx.Float, le64(uint64(math.Float32bits(float32(f))))[:4]}
}

// decimalBytes returns a System.Decimal: 2 unused bytes, scale, sign, then the
// highest 32 and the lower 64 bits of the number.
func decimalBytes(s string) ([]byte, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || n.BitLen() > 96 || len(fraction) > 28 {
		return nil, fmt.Errorf("decimal %q", s)
	}
	high := new(big.Int).Rsh(n, 64).Uint64()
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	out := []byte{0, 0, byte(len(fraction)), map[bool]byte{true: 0x80}[negative]}
	return append(binary.LittleEndian.AppendUint32(out, uint32(high)), le64(low)...), nil
}

// guidBytes returns a GUID as Windows keeps it, the first three fields in
// little-endian order.
func guidBytes(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("GUID %q", s)
	}
	slices.Reverse(b[:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	return b, nil
}

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
