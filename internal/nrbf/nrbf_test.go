package nrbf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// sessionOverhead is the number of bytes that the session stream adds to its document.
const sessionOverhead = 203

// A vector is one stream and what BinaryFormatter made of it.
type vector struct {
	Name       string
	Desc       string
	Kind       string // "session" or "bootstrap"
	Provenance string
	Canonical  bool   // the exact bytes of .NET's writer
	PayloadHex string // the document inside a canonical session stream
	NRBFHex    string
	Bootstrap  *struct {
		Kind   string
		String *string
		Hex    *string
	}
	DotnetDeserializedType, DotnetType string
	Error, Message                     string // .NET refuses
	Inner                              json.RawMessage
	Expected                           json.RawMessage // the token inside: other packages' business
}

func (v *vector) stream(t testing.TB) []byte { return testkit.Unhex(t, v.NRBFHex) }

func readVectors(t testing.TB) []vector {
	t.Helper()
	var file struct {
		Format              int
		File, Notes, Source string
		Count               int
		Vectors             []vector
	}
	testkit.StrictJSON(t, "sessiontoken_nrbf.json", &file)
	if len(file.Vectors) == 0 || len(file.Vectors) != file.Count {
		t.Fatalf("%d vectors, the file says %d", len(file.Vectors), file.Count)
	}
	return file.Vectors
}

// parse runs the parser of the vector's kind.
func parse(v *vector, data []byte) (nrbf.Kind, []byte, error) {
	if v.Kind == "bootstrap" {
		return nrbf.ParseBootstrap(data)
	}
	doc, err := nrbf.ParseSession(data)
	return 0, doc, err
}

func write(t testing.TB, v *vector, kind nrbf.Kind, data []byte) []byte {
	t.Helper()
	if v.Kind != "bootstrap" {
		return nrbf.AppendSession([]byte("x"), data)[1:]
	}
	out, err := nrbf.AppendBootstrap([]byte("x"), kind, data)
	if err != nil {
		t.Fatal(err)
	}
	return out[1:]
}

func TestVectors(t *testing.T) {
	// Marked as never written because the recording had no token handler;
	// .NET writes and reads this form where there is one.
	const kindT = "bootstrap-kind-T"
	counts := map[string]int{}
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			stream := v.stream(t)
			kind, got, err := parse(&v, stream)
			if v.Canonical || v.Name == kindT {
				counts["read"]++
				if err != nil {
					t.Fatal(err)
				}
				wantKind, want := nrbf.Kind(0), []byte(nil)
				switch {
				case v.Kind == "session":
					want = testkit.Unhex(t, v.PayloadHex)
				case v.Bootstrap.Hex != nil:
					wantKind, want = nrbf.Kind(v.Bootstrap.Kind[0]), testkit.Unhex(t,
						*v.Bootstrap.Hex)
				default:
					wantKind, want = nrbf.Kind(v.Bootstrap.Kind[0]), []byte(*v.Bootstrap.String)
				}
				if v.Name == kindT {
					wantKind = nrbf.KindToken // .NET shows it as the string S
				}
				if kind != wantKind || !bytes.Equal(got, want) {
					t.Errorf("read kind %q, %q, want %q, %q", kind, got, wantKind, want)
				}
				if again := write(t, &v, wantKind, want); !bytes.Equal(again, stream) {
					t.Errorf("written\n%x, want\n%x", again, stream)
				}
				return
			}
			counts["refused"]++
			if err == nil {
				t.Fatal("accepted")
			}
			checkError(t, err, stream)
			if got != nil || kind != 0 {
				t.Errorf("result %q, %x beside an error", kind, got)
			}
			if wantNC := v.Error == ""; errors.Is(err, nrbf.ErrNonCanonical) != wantNC {
				t.Errorf("ErrNonCanonical is %v, want %v: %v", !wantNC, wantNC, err)
			}
			if strings.HasPrefix(v.Name, "other-type-") && !errors.Is(err, nrbf.ErrOtherType) {
				t.Errorf("want ErrOtherType: %v", err)
			}
			if strings.HasPrefix(v.Name, "truncated-") && !errors.Is(err, nrbf.ErrTruncated) {
				t.Errorf("want ErrTruncated: %v", err)
			}
		})
	}
	if counts["read"] == 0 || counts["refused"] == 0 {
		t.Errorf("vectors run: %v", counts)
	}
}

// checkError fails unless err is one of the documented errors, at an offset
// of the stream, and quotes nothing of it.
func checkError(t testing.TB, err error, stream []byte) {
	t.Helper()
	e, ok := err.(*nrbf.Error)
	if !ok {
		t.Fatalf("error of type %T: %v", err, err)
	}
	if e.Offset < 0 || e.Offset > len(stream) {
		t.Errorf("offset %d of %d: %v", e.Offset, len(stream), err)
	}
	switch e.Err {
	case nrbf.ErrOtherType, nrbf.ErrTruncated, nrbf.ErrMalformed, nrbf.ErrNonCanonical,
		nrbf.ErrTrailing:
	default:
		t.Errorf("undocumented error %v", err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "nrbf: ") || strings.Contains(text, "System") {
		t.Errorf("text of the error: %s", text)
	}
}

func TestReasons(t *testing.T) {
	session := string(nrbf.AppendSession(nil, []byte("doc")))
	text, _ := nrbf.AppendBootstrap(nil, nrbf.KindString, []byte("abc"))
	token, _ := nrbf.AppendBootstrap(nil, nrbf.KindToken, []byte("<t/>"))
	raw, _ := nrbf.AppendBootstrap(nil, nrbf.KindBytes, []byte("abc"))
	const at = 17 + 5 // of the library's name
	for _, test := range []struct {
		name   string
		data   string
		offset int
		want   error
	}{
		{"empty", "", 0, nrbf.ErrTruncated},
		{"another format", "BDH", 0, nrbf.ErrMalformed},
		{"object from another assembly", edit(session, "\x57System.IdentityModel,",
			"\x57System.IdentityModeI,"), at, nrbf.ErrOtherType},
		{"assembly with a longer name", edit(session, "Model, Version=4.0.0.0,",
			"Model.Services, Version"), at, nrbf.ErrOtherType},
		{"another version", edit(session, "=4.0.0.0", "=4.0.0.1"), at, nrbf.ErrNonCanonical},
		{"another class", edit(session, "SessionSecurityToken", "SessionSecurityTokem"), 115,
			nrbf.ErrOtherType},
		{"another class under other ids", edit(edit(session, "\x01\x00\x00\x00\xff",
			"\x07\x00\x00\x00\xff"), "\x0c\x02\x00\x00\x00\x57S", "\x0c\x02\x00\x00\x00\x57X"), at,
			nrbf.ErrOtherType},
		{"array is an object", edit(session, "\x0f\x03\x00\x00\x00", "\x05\x03\x00\x00\x00"), 192,
			nrbf.ErrOtherType},
		{"object behind the array", session[:len(session)-1] + "\x0c\x04\x00\x00\x00\x0b",
			len(session) - 1, nrbf.ErrOtherType},
		{"array in another object", edit(session, "\x0f\x03\x00\x00\x00", "\x0f\x04\x00\x00\x00"),
			193, nrbf.ErrMalformed},
		{"array under another id", edit(edit(session, "\x0f\x03", "\x0f\x04"), "\x09\x03",
			"\x09\x04"), 188, nrbf.ErrNonCanonical},
		{"element type", session[:201] + "\x0a" + session[202:], 201, nrbf.ErrNonCanonical},
		{"no end", session[:len(session)-1], len(session) - 1, nrbf.ErrTruncated},
		{"another end", session[:len(session)-1] + "\x0a", len(session) - 1, nrbf.ErrMalformed},
		{"bytes after it", session + "\x00", len(session), nrbf.ErrTrailing},
		{"empty document", string(nrbf.AppendSession(nil, nil)), 187, nrbf.ErrMalformed},
		{"bootstrap as session", string(text), 115, nrbf.ErrOtherType},

		{"session as bootstrap", "B" + session, 115, nrbf.ErrOtherType},
		{"text of kind B", "B" + edit(string(text), "S\x06", "B\x06"), 175, nrbf.ErrMalformed},
		{"bytes of kind S", "B" + edit(string(raw), "B\x09", "S\x09"), 176, nrbf.ErrMalformed},
		{"text not UTF-8", "B" + edit(string(text), "\x03abc", "\x03a\xffc"), 181, nrbf.ErrNonCanonical},
		{"padded length", "B" + edit(string(text), "\x03abc", "\x83\x00abc"), 181, nrbf.ErrNonCanonical},
		{"length past the end", "B" + edit(string(text), "\x03abc", "\x05abc"), 186, nrbf.ErrTruncated},
		{"length over 31 bits", "B" + edit(string(text), "\x03abc", "\xff\xff\xff\xff\x0fabc"), 181,
			nrbf.ErrMalformed},
		{"token with a line break", "B" + edit(string(token), "\x08PHQvPg==", "\x09PHQv\nPg=="),
			181, nrbf.ErrNonCanonical},
		{"token with spare bits", "B" + edit(string(token), "PHQvPg==", "PHQvPh=="), 181, nrbf.ErrNonCanonical},
		{"token without padding", "B" + edit(string(token), "\x08PHQvPg==", "\x06PHQvPg"), 181,
			nrbf.ErrMalformed},
		{"token not UTF-8", "B" + edit(string(token), "PHQvPg==", "/////w=="), 181, nrbf.ErrNonCanonical},
		{"null token", "B" + edit(string(token), "\x06\x03\x00\x00\x00\x08PHQvPg==", "\x0a"), 176,
			nrbf.ErrMalformed},
		{"null bytes", "B" + string(raw[:177]) + "\x0a\x0b", 177, nrbf.ErrNonCanonical},
		{"broken K", "B" + edit(string(text), "S\x06", "\xff\x06"), 175, nrbf.ErrMalformed},
		{"bytes after a bootstrap", "B" + string(text) + "\x0b", len(text), nrbf.ErrTrailing},
	} {
		v, data := vector{Kind: "session"}, test.data
		if rest, ok := strings.CutPrefix(data, "B"); ok && data != "BDH" {
			v.Kind, data = "bootstrap", rest
		}
		_, _, err := parse(&v, []byte(data))
		if err == nil {
			t.Errorf("%s: accepted", test.name)
			continue
		}
		checkError(t, err, []byte(data))
		if e := err.(*nrbf.Error); e.Err != test.want || e.Offset != test.offset {
			t.Errorf("%s: %v, want %v (at byte %d)", test.name, err, test.want, test.offset)
		}
	}
	if !errors.Is(nrbf.ErrTrailing, nrbf.ErrNonCanonical) {
		t.Error("ErrTrailing is not an ErrNonCanonical")
	}
}

// edit replaces the only occurrence of old.
func edit(s, old, new string) string {
	if strings.Count(s, old) != 1 {
		panic("not exactly one of: " + old)
	}
	return strings.Replace(s, old, new, 1)
}

func TestAppendBootstrapRefuses(t *testing.T) {
	for _, test := range []struct {
		kind nrbf.Kind
		data string
	}{
		{0, "x"}, {'X', "x"}, {nrbf.KindString, "a\xff"}, {nrbf.KindToken, "\xed\xa0\x80"},
	} {
		out, err := nrbf.AppendBootstrap([]byte("x"), test.kind, []byte(test.data))
		if !errors.Is(err, nrbf.ErrBootstrap) || string(out) != "x" {
			t.Errorf("kind %q, %q: %q, %v", test.kind, test.data, out, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	doc := bytes.Repeat([]byte("d"), 3000)
	stream := nrbf.AppendSession(nil, doc)
	if len(stream) != len(doc)+sessionOverhead {
		t.Errorf("overhead %d, want %d", len(stream)-len(doc), sessionOverhead)
	}
	got, err := nrbf.ParseSession(stream)
	if err != nil || &got[0] != &stream[202] || cap(got) != len(doc) {
		t.Errorf("ParseSession copies, or leaves room: cap %d, %v", cap(got), err)
	}
	buf := make([]byte, 0, len(stream))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := nrbf.ParseSession(stream); err != nil {
			t.Fatal(err)
		}
		buf = nrbf.AppendSession(buf[:0], doc)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse checks both parsers on any bytes: what is accepted is what would
// be written, what is refused has a documented error.
func FuzzParse(f *testing.F) {
	seeds := 0
	for _, v := range readVectors(f) {
		if data := v.stream(f); len(data) < 2000 {
			f.Add(data)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accepted := 0
		for _, v := range []vector{{Kind: "session"}, {Kind: "bootstrap"}} {
			kind, got, err := parse(&v, data)
			if err != nil {
				checkError(t, err, data)
				continue
			}
			accepted++
			if again := write(t, &v, kind, got); !bytes.Equal(again, data) {
				t.Errorf("%s %x\nis written as %x", v.Kind, data, again)
			}
		}
		if accepted > 1 {
			t.Error("both parsers accept it")
		}
	})
}

func BenchmarkParseSession(b *testing.B) {
	stream := nrbf.AppendSession(nil, bytes.Repeat([]byte("d"), 3000))
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		if _, err := nrbf.ParseSession(stream); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSession(b *testing.B) {
	doc := bytes.Repeat([]byte("d"), 3000)
	buf := make([]byte, 0, len(doc)+sessionOverhead)
	b.ReportAllocs()
	for b.Loop() {
		buf = nrbf.AppendSession(buf[:0], doc)
	}
}
