package nbfx

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// event is one node as the vectors record it.
type event struct {
	Ev     string `json:"ev"`
	Prefix string `json:"prefix,omitempty"`
	Name   string `json:"name,omitempty"`
	NS     string `json:"ns,omitempty"`
	Attrs  []attr `json:"attrs,omitempty"`
	Value  string `json:"value,omitempty"`
}

type attr struct {
	Prefix string `json:"prefix"`
	Name   string `json:"name"`
	NS     string `json:"ns"`
	Value  string `json:"value"`
}

type readerVector struct {
	Name       string  `json:"name"`
	Dictionary string  `json:"dictionary"`
	NBFXHex    string  `json:"nbfxHex"`
	Events     []event `json:"events"`
	Error      string  `json:"error"`
}

func (v readerVector) doc(t testing.TB) ([]byte, []string) {
	doc, err := hex.DecodeString(v.NBFXHex)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return doc, map[string][]string{"session45": Session45, "wif10": WIF10,
		"none": nil}[v.Dictionary]
}

func readerVectors(t testing.TB) []readerVector {
	var file struct{ Vectors []readerVector }
	testkit.JSON(t, "sessiontoken_nbfx.json", &file)
	if len(file.Vectors) < 300 {
		t.Fatalf("%d vectors, want at least 300", len(file.Vectors))
	}
	return file.Vectors
}

// readAll turns a document into events.
func readAll(doc []byte, dict []string) ([]event, error) {
	var r Reader
	r.Reset(doc, dict)
	text := func(v Value) string {
		return string(r.Bytes(r.Text(v)))
	}
	local := func(n Name) string {
		if n.ID >= 0 {
			return dict[n.ID]
		}
		return string(r.Bytes(n.Local))
	}
	events := []event{}
	for {
		switch r.Next() {
		case StartElement:
			n := r.Name()
			e := event{Ev: "start", Prefix: string(r.Bytes(n.Prefix)), Name: local(n),
				NS: string(r.Bytes(n.Namespace))}
			for _, a := range r.Attrs() {
				e.Attrs = append(e.Attrs, attr{string(r.Bytes(a.Prefix)), local(a.Name),
					string(r.Bytes(a.Namespace)), text(a.Value)})
			}
			for _, b := range r.bindings {
				if b.depth != r.depth {
					continue
				}
				a := attr{"xmlns", string(r.Bytes(b.prefix)), "http://www.w3.org/2000/xmlns/",
					string(r.Bytes(b.uri))}
				if a.Name == "" {
					a.Prefix, a.Name = "", "xmlns"
				}
				e.Attrs = append(e.Attrs, a)
			}
			events = append(events, e)
		case EndElement:
			events = append(events, event{Ev: "end"})
		case Text:
			events = append(events, event{Ev: "text", Value: text(r.Value())})
		case Comment:
			events = append(events, event{Ev: "comment", Value: text(r.Value())})
		case EndDocument:
			return events, nil
		default:
			return nil, r.Err()
		}
	}
}

func TestReaderVectors(t *testing.T) {
	for _, v := range readerVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			doc, dict := v.doc(t)
			got, err := readAll(doc, dict)
			if v.Error != "" {
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("read as %v with error %v, .NET says %s", got, err, v.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range v.Events {
				if len(v.Events[i].Attrs) == 0 {
					v.Events[i].Attrs = nil
				}
			}
			if !reflect.DeepEqual(got, v.Events) {
				t.Fatalf("got  %+v\nwant %+v", got, v.Events)
			}
		})
	}
}

func TestReaderRareValues(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{"9700000000000000c0", ""},                        // local time: unsupported
		{"97ffff3ff4753728ab"[:18], ""},                   // out of range
		{"9500001d0000000000000000000000000000"[:34], ""}, // scale 29
		{"95000000010000000000000000000000000000"[:34], ""},
		{"950000028000000000010000000000000000"[:34], "-0.01"},
		{"95000000800000000000000000000000000000"[:34], "0"}, // negative zero
		{"950000018000000000000000000000000000"[:34], "0.0"},
		{"95000003800000000000000000000000000000"[:34], "0.000"},
		{"95000000800000000001000000000000000000"[:34], "-1"},
		{"af0000000000000000", "PT0S"},
		{"afffffffffffffffff", "-PT0.0000001S"},
		{"af00c0692ac9000000", "P1D"},
		{"910000807f", "INF"},
		{"910000c07f", "NaN"},
		{"9100000080", "-0"},
		{"9300000000000000c0", "-2"},
		{"9375d9f8bf1a0bb67f", ""}, // too large for plain notation
		{"b3ffffffffffffffff", "18446744073709551615"},
	} {
		doc, err := hex.DecodeString("4200" + c.record)
		if err != nil {
			t.Fatal(err)
		}
		events, err := readAll(doc, Session45)
		if c.want == "" {
			if !errors.Is(err, ErrValue) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: read as %v, error %v", c.record, events, err)
			}
			continue
		}
		if err != nil || len(events) != 3 || events[1].Value != c.want {
			t.Errorf("%s: got %v, %v, want %q", c.record, events, err, c.want)
		}
	}
}

func TestReaderLimits(t *testing.T) {
	var r Reader
	doc := []byte(strings.Repeat("\x42\x00", 100_000))
	r.Reset(doc, Session45)
	for range 64 {
		if r.Next() != StartElement {
			t.Fatal(r.Err())
		}
	}
	if k := r.Next(); k != Invalid || !errors.Is(r.Err(), ErrLimit) {
		t.Fatalf("65th level: kind %d, error %v", k, r.Err())
	}
	doc = []byte("\x42\x00" + strings.Repeat("\x80", 1<<18) + "\x01")
	r.Reset(doc, Session45)
	for r.Next() != Invalid {
	}
	if !errors.Is(r.Err(), ErrLimit) {
		t.Fatal(r.Err())
	}
	// Attributes that share no table: the check for duplicates is quadratic and bounded.
	var b strings.Builder
	b.WriteString("\x42\x00")
	for i := range 10_000 {
		fmt.Fprintf(&b, "\x04\x05%05d\xa8", i)
	}
	r.Reset([]byte(b.String()+"\x01"), Session45)
	if r.Next() != Invalid || !errors.Is(r.Err(), ErrLimit) {
		t.Fatal(r.Err())
	}
}

func FuzzReader(f *testing.F) {
	n := 0
	for _, v := range readerVectors(f) {
		doc, _ := v.doc(f)
		if len(doc) < 2000 {
			f.Add(doc)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		input := string(doc)
		events, err := readAll(doc[:len(doc):len(doc)], Session45)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(doc) || events != nil {
				t.Fatalf("error %#v, events %v", err, events)
			}
		}
		if string(doc) != input {
			t.Fatal("the reader changed its input")
		}
		depth := 0
		for _, e := range events {
			switch e.Ev {
			case "start":
				depth++
			case "end":
				depth--
			}
			if depth < 0 {
				t.Fatal("unbalanced")
			}
		}
		if err == nil && depth != 0 {
			t.Fatal("unbalanced")
		}
	})
}

func TestReaderAllocations(t *testing.T) {
	for _, v := range readerVectors(t) {
		if v.Name != "prefix-dict" && v.Name != "namespaces" && v.Name != "base64-300" {
			continue
		}
		doc, dict := v.doc(t)
		doc = append(make([]byte, 0, len(doc)+1024), doc...)
		var r Reader
		read := func() {
			r.Reset(doc, dict)
			for k := r.Next(); k != EndDocument; k = r.Next() {
				if k == Invalid {
					t.Fatal(r.Err())
				}
			}
		}
		read()
		if n := testing.AllocsPerRun(100, read); n != 0 {
			t.Errorf("%s: %v allocations", v.Name, n)
		}
	}
}

// TestPlainForms compares the quick forms with the general ones on every
// vector: both see the same document.
func TestPlainForms(t *testing.T) {
	var tokens struct {
		Vectors []struct {
			Name   string
			Stages struct{ NBFXHex string }
		}
	}
	testkit.JSON(t, "sessiontoken_45.json", &tokens)
	vectors := readerVectors(t)
	for _, v := range tokens.Vectors {
		vectors = append(vectors, readerVector{Name: v.Name, NBFXHex: v.Stages.NBFXHex,
			Dictionary: "session45"})
	}
	claim := []int{4, 5, 14, 11, 12} // Issuer, OriginalIssuer, Type, Value, ValueType
	texts, elements := 0, 0
	for _, v := range vectors {
		doc, dict := v.doc(t)
		want, wantErr := readAll(append([]byte{}, doc...), dict)
		var r Reader
		r.Reset(append([]byte{}, doc...), dict)
		got := []event{}
		plain := make([]Span, len(claim))
		for done := false; !done; {
			if r.TakePlain(0, claim, plain) {
				elements++
				e := event{Ev: "start", Name: dict[0]}
				for i, id := range claim {
					e.Attrs = append(e.Attrs,
						attr{Name: dict[id], Value: string(r.Bytes(plain[i]))})
				}
				got = append(got, e, event{Ev: "end"})
				continue
			}
			switch r.Next() {
			case StartElement:
				e := event{Ev: "start", Prefix: string(r.Bytes(r.Name().Prefix)),
					Name: string(r.Bytes(r.Name().Local)), NS: string(r.Bytes(r.Name().Namespace))}
				if r.Name().ID >= 0 {
					e.Name = dict[r.Name().ID]
				}
				got = append(got, e)
				if s, ok := r.TakeText(); ok {
					texts++
					got = append(got, event{Ev: "text", Value: string(r.Bytes(s))},
						event{Ev: "end"})
				}
			case EndElement:
				got = append(got, event{Ev: "end"})
			case Text:
				got = append(got, event{Ev: "text", Value: string(r.Bytes(r.Text(r.Value())))})
			case Comment:
				got = append(got, event{Ev: "comment", Value: string(r.Bytes(r.Value().Span))})
			default:
				done = true
			}
		}
		if (r.Err() == nil) != (wantErr == nil) {
			t.Errorf("%s: error %v, want %v", v.Name, r.Err(), wantErr)
		}
		if wantErr != nil {
			continue
		}
		for i := range want {
			if i >= len(got) || got[i].Ev != want[i].Ev || got[i].Name != want[i].Name ||
				got[i].Value != want[i].Value ||
				got[i].Attrs != nil && !reflect.DeepEqual(got[i].Attrs, want[i].Attrs) {
				t.Errorf("%s: node %d differs", v.Name, i)
				break
			}
		}
	}
	if texts < 500 || elements < 500 {
		t.Errorf("%d texts and %d elements were plain", texts, elements)
	}
}
