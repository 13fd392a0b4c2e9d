package nbfx

import (
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
	r.Reset(doc, WIF10, Limits{})
	got := ""
	for k := r.Next(); k != EndDocument; k = r.Next() {
		switch k {
		case Invalid:
			t.Fatal(r.Err())
		case StartElement:
			n := r.Name()
			got += fmt.Sprintf("%d %s in %q %v:", n.ID, r.Bytes(n.Local), r.Bytes(n.Namespace), r.Declared())
			for _, a := range r.Attrs() {
				got += fmt.Sprintf(" %s:%s in %s", r.Bytes(a.Prefix), r.Bytes(a.Local), r.Bytes(a.Namespace))
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
