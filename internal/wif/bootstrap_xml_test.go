package wif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/hostile"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// TestHostileBootstrap reads binary XML that nobody writes. What comes out
// must be XML that says the same, or nothing.
func TestHostileBootstrap(t *testing.T) {
	document := func(f func(w *nbfx.Writer)) []byte {
		return document10(t, func(w *nbfx.Writer) {
			w.StartDict(hostile.Names(V10.Dictionary()).ID("Identity"))
			w.StartDict(hostile.Names(V10.Dictionary()).ID("BootStrapToken"))
			f(w)
			w.End()
			w.End()
		})
	}
	for _, tc := range []struct {
		name string
		doc  []byte
		want error
	}{
		{"empty", document(func(w *nbfx.Writer) {}), errBootstrapXML},
		{"text", document(func(w *nbfx.Writer) { w.Text("x") }), errBootstrapXML},
		{"two elements",
			document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.End(); w.Start("", "b", ""); w.End() }), errOrder("end of element")},
		{"markup in a name", document(func(w *nbfx.Writer) { w.Start("", "a><b", ""); w.End() }),
			errBootstrapForm},
		{"colon in a name", document(func(w *nbfx.Writer) { w.Start("", "xmlns:p", ""); w.End() }),
			errBootstrapForm},
		{"digit first", document(func(w *nbfx.Writer) { w.Start("", "1a", ""); w.End() }), errBootstrapForm},
		{"markup in a prefix", document(func(w *nbfx.Writer) { w.Start("a b", "a", "u"); w.End() }),
			errBootstrapForm},
		{"attribute xmlns",
			document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Attr("", "xmlns", "", "u"); w.End() }), errBootstrapForm},
		{"markup in an attribute's name",
			document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Attr("", `b="" c`, "", "u"); w.End() }), errBootstrapForm},
		{"name of the dictionary", document(func(w *nbfx.Writer) { w.StartDict(18); w.End() }),
			errBootstrapForm},
		{"end of a comment",
			document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Comment("--><b>"); w.End() }),
			errBootstrapForm},
		{"comment's last hyphen",
			document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Comment("-"); w.End() }),
			errBootstrapForm},
		{"NUL", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Text("\x00"); w.End() }),
			errBootstrapForm},
		{"NUL in a URI", document(func(w *nbfx.Writer) { w.Start("p", "a", "\x00"); w.End() }),
			errBootstrapForm},
		{"declared outside", document10(t, func(w *nbfx.Writer) {
			w.StartDict(hostile.Names(V10.Dictionary()).ID("Identity"))
			w.Xmlns("p", "u")
			w.StartDict(hostile.Names(V10.Dictionary()).ID("BootStrapToken"))
			w.Start("p", "a", "u")
			w.End()
			w.End()
			w.End()
		}), errBootstrapForm},
		{"expands forty-fold", document(func(w *nbfx.Writer) {
			w.Start("", "a", "")
			for range 60_000 {
				w.StartDict(3) // SecureConversationVersion
				w.End()
			}
			w.End()
		}), errBootstrapSize},
		{"200,000 empty elements", document(func(w *nbfx.Writer) {
			w.Start("", "a", "")
			for range 200_000 {
				w.StartDict(0)
				w.End()
			}
			w.End()
		}), errBootstrapSize},
		{"deep", document(func(w *nbfx.Writer) {
			for range 100 {
				w.StartDict(0)
			}
			for range 100 {
				w.End()
			}
		}), nbfx.ErrLimit},
		{"good", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.End() }), nil},
	} {
		var r Reader
		doc, err := r.Read(tc.doc, V10)
		var at *layer.Error
		if !errors.Is(err, tc.want) || tc.want != nil && (doc != nil || !errors.As(err, &at)) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := cap(r.doc.Blob) + cap(r.doc.Texts); n > 8<<20 {
			t.Errorf("%s: keeps %d bytes", tc.name, n)
		}
	}
}

// document10 is a document of WIF 1.0 with these identities.
func document10(t testing.TB, f func(w *nbfx.Writer)) []byte {
	t.Helper()
	doc, err := hostile.Names(V10.Dictionary()).Document(f)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// FuzzBootstrapXML writes any text that is accepted as binary XML, reads it
// and lets encoding/xml compare the two.
func FuzzBootstrapXML(f *testing.F) {
	n := 0
	for _, v := range readVectors(f, "sessiontoken_wif10.json") {
		for _, id := range v.Input.Identities {
			if id.Bootstrap != nil && id.Bootstrap.Kind == "X" {
				f.Add(id.Bootstrap.String)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Add(`<p:a xmlns:p="u" p:x="1" y="2">t<!--c--><b xmlns="v" xml:lang="de"/>` +
		"\r\n" + `</p:a>`)
	write := func(text []byte) ([]byte, error) {
		var w Writer
		head := Head[string]{ID: "_a", ContextID: "urn:x:1", ValidFrom: time.Unix(0, 0),
			ValidTo: time.Unix(1, 0), KeyEffective: time.Unix(0, 0), KeyExpires: time.Unix(1, 0)}
		if err := w.Begin(nil, V10, &head, nil); err != nil {
			f.Fatal(err)
		}
		w.StartIdentity(&Identity[string]{}, 0)
		w.EndClaims()
		w.EndIdentity(BootstrapString, text)
		return w.Done()
	}
	read := func(doc []byte) (Bootstrap, []byte, error) {
		d, err := new(Reader).Read(doc, V10)
		if err != nil {
			return 0, nil, err
		}
		id := &d.Identities[0]
		return id.Bootstrap, d.Blob[id.Data[0]:id.Data[1]], nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := write([]byte(text))
		if err != nil {
			return
		}
		kind, token, err := read(doc)
		if err != nil {
			var unsupported layer.Unsupported
			if errors.As(err, &unsupported) {
				return // a name that encoding/xml takes and XML does not
			}
			t.Fatalf("cannot read what was written: %v", err)
		}
		if kind == BootstrapWindows {
			return
		}
		want, ok := canonical([]byte(text))
		if !ok {
			t.Skip()
		}
		if got, ok := canonical(token); !ok || got != want {
			t.Fatalf("got  %q\nfrom %q", got, want)
		}
		// The second time nothing changes.
		again, err := write(token)
		if err != nil {
			t.Fatalf("second time: %v", err)
		}
		if _, back, err := read(again); err != nil || !bytes.Equal(back, token) {
			t.Fatalf("second time: %v", err)
		}
	})
}

// canonical lists the nodes of the root element. Declarations are left out:
// one that repeats an outer one is not written.
func canonical(text []byte) (string, bool) {
	var out strings.Builder
	depth, chars := 0, ""
	flush := func() {
		if chars != "" {
			out.WriteString("text " + chars + "\n")
		}
		chars = ""
	}
	for d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))); ; {
		token, err := d.RawToken()
		if err == io.EOF {
			return out.String(), true
		}
		if err != nil {
			return "", false
		}
		switch token := token.(type) {
		case xml.StartElement:
			flush()
			depth++
			out.WriteString("start " + token.Name.Space + ":" + token.Name.Local + "\n")
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					out.WriteString("attr " + a.Name.Space + ":" + a.Name.Local +
						"=" + a.Value + "\n")
				}
			}
		case xml.EndElement:
			flush()
			depth--
			out.WriteString("end\n")
		case xml.CharData:
			if depth > 0 {
				chars += string(token)
			}
		case xml.Comment:
			if depth > 0 {
				flush()
				out.WriteString("comment " + string(token) + "\n")
			}
		}
	}
}
