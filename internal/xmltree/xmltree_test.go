package xmltree_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 16, Elements: 100, Depth: 10}

func TestParse(t *testing.T) {
	const doc = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" +
		`<r xmlns="urn:d" xmlns:p="urn:p" a="1" p:b="&lt;2"><!-- c --><c xmlns="">t<![CDATA[<]]>u</c><p:d/> </r>`
	e, err := xmltree.Parse([]byte(doc), limits)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Is("urn:d", "r") || e.Size != len(doc)-strings.Index(doc, "<r") {
		t.Errorf("root %v of %d bytes", e, e.Size)
	}
	if v, ok := e.Attr("a"); v != "1" || !ok {
		t.Errorf("a = %q, %v", v, ok)
	}
	if _, ok := e.Attr("b"); ok {
		t.Error("an attribute of a namespace has a plain name")
	}
	if e.Attrs[1].Space != "urn:p" || e.Attrs[1].Value != "<2" {
		t.Errorf("attributes %v", e.Attrs)
	}
	if c := e.Child("", "c"); c == nil || c.Text != "t<u" {
		t.Errorf("c = %v", c)
	}
	if e.Child("urn:p", "d") == nil || e.Child("", "d") != nil || len(e.Children) != 2 {
		t.Errorf("children %v", e.Children)
	}
}

// TestParseText has text before and behind children at every depth.
func TestParseText(t *testing.T) {
	e, err := xmltree.Parse([]byte("<a>1<a>2<a>3<a>4<a>5</a>4</a>3</a>2</a>1</a>"), limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"11", "22", "33", "44", "5"} {
		if e == nil || e.Text != want {
			t.Fatalf("%v, want text %q", e, want)
		}
		e = e.Child("", "a")
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", 11) + strings.Repeat("</a>", 11)
	for _, tt := range []struct {
		name, doc string
		want      error
	}{
		{"empty", "", xmltree.ErrSyntax},
		{"no element", "<!-- c -->", xmltree.ErrSyntax},
		{"text", "<a/>b", xmltree.ErrSyntax},
		{"two roots", "<a/><b/>", xmltree.ErrSyntax},
		{"not closed", "<a><b></b>", xmltree.ErrSyntax},
		{"closed twice", "<a></a></a>", xmltree.ErrSyntax},
		{"closed by another", "<a></b>", xmltree.ErrSyntax},
		{"closed by another prefix", `<p:a xmlns:p="u" xmlns:q="u"></q:a>`, xmltree.ErrSyntax},
		{"prefix unknown", "<p:a/>", xmltree.ErrSyntax},
		{"prefix unknown outside its element", `<r><a xmlns:p="u"/><p:a/></r>`, xmltree.ErrSyntax},
		{"attribute twice", `<a b="" b=""/>`, xmltree.ErrSyntax},
		{"attribute twice under two prefixes", `<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>`, xmltree.ErrSyntax},
		{"prefix taken back", `<a xmlns:p=""/>`, xmltree.ErrSyntax},
		{"entity", "<a>&b;</a>", xmltree.ErrSyntax},
		{"not UTF-8", "<a>\xff</a>", xmltree.ErrCharset},
		{"DTD", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, xmltree.ErrDTD},
		{"deep", deep, xmltree.ErrLimit},
		{"many", "<a>" + strings.Repeat("<b/>", 100) + "</a>", xmltree.ErrLimit},
		{"long", strings.Repeat(" ", 1<<16) + "<a/>", xmltree.ErrLimit},
		{"attributes", "<a " + strings.Repeat(`b="" `, 257) + "/>", xmltree.ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := xmltree.Parse([]byte(tt.doc), limits)
			line := 1
			if tt.want == xmltree.ErrCharset {
				line = 0
			}
			var at *xmltree.Error
			if e != nil || !errors.Is(err, tt.want) || !errors.As(err, &at) || at.Line != line {
				t.Errorf("Parse = %v, %v, want %v in line %d", e, err, tt.want, line)
			}
		})
	}
}

// FuzzParse wants that what is read can be written and read again, and that
// errors quote nothing of the document.
func FuzzParse(f *testing.F) {
	seeds := []string{
		`<key id="1" version="1"><creationDate>2026-01-01</creationDate></key>`,
		`<r xmlns="urn:d" xmlns:p="urn:p" p:b="2"><c xmlns="">t</c><p:d xml:lang="de"/></r>`,
		`<!DOCTYPE a><a/>`, "<a>&b;</a>", "<a", "<a b='&#10;&quot;'>&amp;</a>",
		"<a>1<b>2<c>3<d>4</d>3</c>2</b>1</a>",
	}
	var file struct{ Rings []struct{ Elements []string } }
	testkit.JSON(f, "dataprotection_keyring.json", &file)
	for _, ring := range file.Rings {
		seeds = append(seeds, ring.Elements...)
	}
	if len(seeds) < 100 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		agreesWithStandardLibrary(t, doc)
		e, err := xmltree.Parse(doc, limits)
		if err != nil {
			var at *xmltree.Error
			if e != nil || !errors.As(err, &at) ||
				at.Line < 1 && !errors.Is(err, xmltree.ErrCharset) {
				t.Fatalf("Parse = %v, %v", e, err)
			}
			return
		}
		written := xmltree.Append(nil, e)
		wide := limits
		wide.Bytes = 1 << 20 // every name may need a declaration
		again, err := xmltree.Parse(written, wide)
		if err != nil {
			t.Fatalf("%q is not read again: %v", written, err)
		}
		plain(e)
		plain(again)
		if !reflect.DeepEqual(e, again) {
			t.Errorf("%q becomes %q", doc, written)
		}
		if !bytes.Equal(xmltree.Append(nil, again), written) {
			t.Errorf("%q is written differently the second time", written)
		}
	})
}

// plain removes what Append does not keep.
func plain(e *xmltree.Element) {
	e.Size, e.Line, e.Prefix = 0, 0, ""
	for i := range e.Attrs {
		e.Attrs[i].Prefix = ""
	}
	if len(e.Children) > 0 {
		e.Text = ""
	}
	for _, c := range e.Children {
		plain(c)
	}
}

// agreesWithStandardLibrary checks that what is accepted here is accepted by
// encoding/xml too, as the same tree. The opposite does not hold: this parser
// is stricter.
func agreesWithStandardLibrary(t *testing.T, data []byte) {
	if slices.ContainsFunc(data, func(b byte) bool { return b >= 0x80 }) {
		return // names follow other editions of XML beyond ASCII
	}
	root, err := xmltree.Parse(data, limits)
	if err != nil {
		return
	}
	var got, want strings.Builder
	flatten(&got, root)
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("encoding/xml refuses it: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			fmt.Fprintf(&want, "<%q %q", oneLine(token.Name.Space), token.Name.Local)
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					fmt.Fprintf(&want, " %q %q=%q", oneLine(a.Name.Space), a.Name.Local,
						oneLine(a.Value))
				}
			}
		case xml.EndElement:
			want.WriteString(">")
		}
	}
	if got.String() != want.String() {
		t.Errorf("got  %s\nwant %s", &got, &want)
	}
}

func flatten(b *strings.Builder, e *xmltree.Element) {
	fmt.Fprintf(b, "<%q %q", oneLine(e.Space), e.Name)
	for _, a := range e.Attrs {
		fmt.Fprintf(b, " %q %q=%q", oneLine(a.Space), a.Name, oneLine(a.Value))
	}
	for _, c := range e.Children {
		flatten(b, c)
	}
	b.WriteString(">")
}

// oneLine evens out that encoding/xml does not normalize white space in
// attributes, of which namespaces are made.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s) }
