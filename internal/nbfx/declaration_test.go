package nbfx

import (
	"errors"
	"fmt"
	"testing"
)

func TestDeclarations(t *testing.T) {
	var w Writer
	w.Reset(nil, WIF10)
	w.StartDict(0)
	w.Start("p", "a", "u")
	w.Xmlns("", "v")
	w.Attr("xml", "lang", "http://www.w3.org/XML/1998/namespace", "de")
	w.Start("p", "b", "u")
	w.End()
	w.Start("q", "c", "w")
	w.End()
	w.End()
	w.End()
	doc, err := w.Done()
	if err != nil {
		t.Fatal(err)
	}
	var r Reader
	r.Reset(doc, WIF10)
	got := ""
	for k := r.Next(); k != EndDocument; k = r.Next() {
		switch k {
		case Invalid:
			t.Fatal(r.Err())
		case StartElement:
			n := r.Name()
			got += fmt.Sprintf("%d %s in %q %v:", n.ID, r.Bytes(n.Local),
				r.Bytes(n.Namespace), r.Declared())
			for _, a := range r.Attrs() {
				got += fmt.Sprintf(" %s:%s in %s", r.Bytes(a.Prefix), r.Bytes(a.Local),
					r.Bytes(a.Namespace))
			}
			for _, d := range r.Declarations(nil) {
				got += fmt.Sprintf(" %q=%s", r.Bytes(d.Prefix), r.Bytes(d.URI))
			}
			got += "\n"
		}
	}
	const want = `0  in "" false:
-1 a in "u" true: xml:lang in http://www.w3.org/XML/1998/namespace "p"=u ""=v
-1 b in "u" true:
-1 c in "w" true: "q"=w
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestDeclarationRefused declares what .NET 10 and Mono do not let stand, and
// what they do. The one case in which Go alone refuses is docs/decisions.md's.
func TestDeclarationRefused(t *testing.T) {
	const xml, xmlns = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"
	dict := []string{"r", "", xml}
	name := func(s string) string { return string(rune(len(s))) + s }
	for _, tt := range []struct {
		what, record string
		want         error
	}{
		{`xmlns=""`, "\x08\x00", nil},
		{`xmlns="" with a prefix of no length`, "\x09\x00\x00", nil},
		{`xmlns="" by the dictionary`, "\x0A\x02", nil},
		{`xmlns:a="u"`, "\x09" + name("a") + name("u"), nil},
		{`xmlns:a=""`, "\x09" + name("a") + "\x00", ErrPrefix},
		{`xmlns:a="" by the dictionary`, "\x0B" + name("a") + "\x02", ErrPrefix},
		{"xml as what it is", "\x09" + name("xml") + name(xml), nil},
		{"xml as what it is, by the dictionary", "\x0B" + name("xml") + "\x04", nil},
		{"xml as another name", "\x09" + name("xml") + name("u"), ErrPrefix},
		{"xml as nothing", "\x09" + name("xml") + "\x00", ErrPrefix},
		{"another prefix as xml", "\x09" + name("a") + name(xml), nil},
		{"XML", "\x09" + name("XML") + name("u"), nil},
		{"xmlns as another name", "\x09" + name("xmlns") + name("u"), ErrPrefix},
		{"xmlns as nothing", "\x09" + name("xmlns") + "\x00", ErrPrefix},
		{"xmlns as what it is", "\x09" + name("xmlns") + name(xmlns), ErrPrefix}, // .NET reads it
		{"another prefix as xmlns", "\x09" + name("a") + name(xmlns), nil},
	} {
		for where, doc := range map[string]string{
			"root":  "\x42\x00" + tt.record + "\x01",
			"child": "\x42\x00\x09\x01a\x01u\x42\x00" + tt.record + "\x01\x01",
		} {
			if _, err := readAll([]byte(doc), dict); !errors.Is(err, tt.want) {
				t.Errorf("%s of the %s: %v, want %v", tt.what, where, err, tt.want)
			}
		}
	}
}
