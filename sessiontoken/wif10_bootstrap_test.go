package sessiontoken

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// bootstrapToken returns a token of WIF 1.0 with a bootstrap token.
func bootstrapToken(t testing.TB, b Bootstrap) (*Token, *SessionCodec) {
	t.Helper()
	tok, c := newFormatToken(t, testRing(t), WIF10)
	tok.Principal.Identities[0].Bootstrap = b
	return tok, c
}

// TestWIF10Bootstrap writes XML text and reads it again: in the one spelling
// that binary XML leaves.
func TestWIF10Bootstrap(t *testing.T) {
	for _, tc := range []struct{ xml, want string }{
		{`<a/>`, `<a></a>`},
		{`<a></a>`, `<a></a>`},
		{"\xEF\xBB\xBF" + `<?xml version="1.0" encoding="utf-8"?><a> </a>` + "\n", `<a> </a>`},
		{`<!-- before --><a><!-- inside --></a><!-- after -->`, `<a><!-- inside --></a>`},
		{`<a x="1" y='2'/>`, `<a x="1" y="2"></a>`},
		{`<a x="&lt;&quot;&amp;&gt;">&lt;&amp;&gt;"'</a>`, `<a x="&lt;&quot;&amp;&gt;">&lt;&amp;&gt;"'</a>`},
		{`<a><![CDATA[<b>]]></a>`, `<a>&lt;b&gt;</a>`},
		{"<a>\r\nx&#13;</a>", "<a>\nx&#xD;</a>"},
		{`<p:a xmlns:p="u" p:x="1"/>`, `<p:a p:x="1" xmlns:p="u"></p:a>`},
		{`<a xmlns="u"><b xmlns=""/><c/></a>`, `<a xmlns="u"><b xmlns=""></b><c></c></a>`},
		{`<a xmlns="u" xmlns:p="u" x="1" p:x="2"/>`, `<a x="1" p:x="2" xmlns="u" xmlns:p="u"></a>`},
		{`<p:a xmlns:p="u"><p:b xmlns:p="v"/><p:c/></p:a>`, `<p:a xmlns:p="u"><p:b xmlns:p="v"></p:b><p:c></p:c></p:a>`},
		{`<Saml:Assertion xmlns:Saml="s"><q:x xmlns:q="t" q:Issuer="0"/></Saml:Assertion>`, `<Saml:Assertion xmlns:Saml="s"><q:x q:Issuer="0" xmlns:q="t"></q:x></Saml:Assertion>`},
		{`<a xml:lang="de" Issuer="1">0</a>`, `<a xml:lang="de" Issuer="1">0</a>`},
		{`<Übung λ="日本">Ελληνικά 😀</Übung>`, `<Übung λ="日本">Ελληνικά 😀</Übung>`},
		{`<SessionToken><Claim/></SessionToken>`, `<SessionToken><Claim></Claim></SessionToken>`},
		{strings.Repeat("<a>", 59) + strings.Repeat("</a>", 59), strings.Repeat("<a>", 59) + strings.Repeat("</a>", 59)},
		{`<a b="` + strings.Repeat("x", 70000) + `">` + strings.Repeat("日", 30000) + `</a>`, `<a b="` + strings.Repeat("x", 70000) + `">` + strings.Repeat("日", 30000) + `</a>`},
	} {
		for _, kind := range []BootstrapKind{BootstrapToken, BootstrapString} {
			tok, c := bootstrapToken(t, Bootstrap{kind, machinekey.NewSecret([]byte(tc.xml))})
			text, err := c.Encode(ctx, tok)
			if err != nil {
				t.Errorf("%.60s: %v", tc.xml, err)
				continue
			}
			got, err := c.Decode(ctx, text)
			if err != nil {
				t.Errorf("%.60s: %v", tc.xml, err)
				continue
			}
			if b := got.Principal.Identities[0].Bootstrap; b.Kind != BootstrapToken || string(b.Data.Reveal()) != tc.want {
				t.Errorf("%.60s: got %.100s", tc.xml, b.Data)
			}
		}
	}
}

func TestWIF10BootstrapRefused(t *testing.T) {
	for name, b := range map[string]Bootstrap{
		"bytes":                    {BootstrapBytes, machinekey.NewSecret([]byte("<a/>"))},
		"unknown kind":             {9, machinekey.Secret{}},
		"nothing":                  {BootstrapToken, machinekey.Secret{}},
		"text":                     {BootstrapString, machinekey.NewSecret([]byte("hello"))},
		"two elements":             {BootstrapString, machinekey.NewSecret([]byte("<a/><b/>"))},
		"text before":              {BootstrapString, machinekey.NewSecret([]byte("x<a/>"))},
		"text after":               {BootstrapString, machinekey.NewSecret([]byte("<a/>x"))},
		"unclosed":                 {BootstrapString, machinekey.NewSecret([]byte("<a><b></b>"))},
		"closed twice":             {BootstrapString, machinekey.NewSecret([]byte("<a></a></a>"))},
		"crossed":                  {BootstrapString, machinekey.NewSecret([]byte("<a><b></a></b>"))},
		"unbound prefix":           {BootstrapString, machinekey.NewSecret([]byte("<p:a/>"))},
		"unbound attribute prefix": {BootstrapString, machinekey.NewSecret([]byte(`<a p:x=""/>`))},
		"prefix out of scope":      {BootstrapString, machinekey.NewSecret([]byte(`<a><b xmlns:p="u"/><p:c/></a>`))},
		"attribute twice":          {BootstrapString, machinekey.NewSecret([]byte(`<a x="" x=""/>`))},
		"attribute twice, by URI":  {BootstrapString, machinekey.NewSecret([]byte(`<a xmlns:p="u" xmlns:q="u" p:x="" q:x=""/>`))},
		"declared twice":           {BootstrapString, machinekey.NewSecret([]byte(`<a xmlns:p="u" xmlns:p="u"/>`))},
		"prefix undeclared":        {BootstrapString, machinekey.NewSecret([]byte(`<a xmlns:p=""/>`))},
		"prefix xmlns":             {BootstrapString, machinekey.NewSecret([]byte(`<a xmlns:xmlns="u"/>`))},
		"DTD":                      {BootstrapString, machinekey.NewSecret([]byte(`<!DOCTYPE a><a/>`))},
		"entity":                   {BootstrapString, machinekey.NewSecret([]byte(`<a>&e;</a>`))},
		"instruction":              {BootstrapString, machinekey.NewSecret([]byte(`<a><?b c?></a>`))},
		"line in attribute":        {BootstrapString, machinekey.NewSecret([]byte("<a x='1\n2'/>"))},
		"invalid UTF-8":            {BootstrapString, machinekey.NewSecret([]byte("<a>\xff</a>"))},
		"control character":        {BootstrapString, machinekey.NewSecret([]byte("<a>\x01</a>"))},
		"deep":                     {BootstrapString, machinekey.NewSecret([]byte(strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60)))},
		"many attributes":          {BootstrapString, machinekey.NewSecret([]byte("<a " + manyAttributes(65) + "/>"))},
		"large":                    {BootstrapString, machinekey.NewSecret([]byte("<a>" + strings.Repeat("x", maxBootstrap) + "</a>"))},
	} {
		tok, c := bootstrapToken(t, b)
		if text, err := c.Encode(ctx, tok); err == nil || text != "" || !strings.HasPrefix(err.Error(), "sessiontoken: ") {
			t.Errorf("%s: issued %.20q, %v", name, text, err)
		}
	}
	// A stub for a Windows token is of WIF 1.0 only.
	tok, _ := bootstrapToken(t, Bootstrap{Kind: BootstrapWindows})
	if _, err := WIF45.Marshal(tok); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Windows stub in 4.5: %v", err)
	}
	if s := tok.Principal.Identities[0].Bootstrap.String(); s != "Windows token stub" {
		t.Error(s)
	}
}

func manyAttributes(n int) string {
	s := ""
	for i := range n {
		s += " a" + strings.Repeat("x", i) + `=""`
	}
	return s
}

// TestHostileBootstrap reads binary XML that nobody writes. What comes out
// must be XML that says the same, or nothing.
func TestHostileBootstrap(t *testing.T) {
	document := func(f func(w *nbfx.Writer)) []byte {
		return hostileDocumentOf(t, WIF10, func(w *nbfx.Writer) {
			w.StartDict(WIF10.wire(nIdentity))
			w.StartDict(WIF10.wire(nBootStrapToken))
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
		{"two elements", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.End(); w.Start("", "b", ""); w.End() }), errOrder("end of element")},
		{"markup in a name", document(func(w *nbfx.Writer) { w.Start("", "a><b", ""); w.End() }), errBootstrapForm},
		{"colon in a name", document(func(w *nbfx.Writer) { w.Start("", "xmlns:p", ""); w.End() }), errBootstrapForm},
		{"digit first", document(func(w *nbfx.Writer) { w.Start("", "1a", ""); w.End() }), errBootstrapForm},
		{"markup in a prefix", document(func(w *nbfx.Writer) { w.Start("a b", "a", "u"); w.End() }), errBootstrapForm},
		{"attribute xmlns", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Attr("", "xmlns", "", "u"); w.End() }), errBootstrapForm},
		{"markup in an attribute's name", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Attr("", `b="" c`, "", "u"); w.End() }), errBootstrapForm},
		{"name of the dictionary", document(func(w *nbfx.Writer) { w.StartDict(18); w.End() }), errBootstrapForm},
		{"end of a comment", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Comment("--><b>"); w.End() }), errBootstrapForm},
		{"comment's last hyphen", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Comment("-"); w.End() }), errBootstrapForm},
		{"NUL", document(func(w *nbfx.Writer) { w.Start("", "a", ""); w.Text("\x00"); w.End() }), errBootstrapForm},
		{"NUL in a URI", document(func(w *nbfx.Writer) { w.Start("p", "a", "\x00"); w.End() }), errBootstrapForm},
		{"declared outside", hostileDocumentOf(t, WIF10, func(w *nbfx.Writer) {
			w.StartDict(WIF10.wire(nIdentity))
			w.Xmlns("p", "u")
			w.StartDict(WIF10.wire(nBootStrapToken))
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
		var err error
		n := allocated(func() { _, err = WIF10.Unmarshal(tc.doc) })
		var at *FormatError
		if !errors.Is(err, tc.want) || tc.want != nil && !errors.As(err, &at) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n > heapBound {
			t.Errorf("%s: allocated %d bytes", tc.name, n)
		}
	}
}

// FuzzBootstrapXML writes any text that is accepted as binary XML, reads it
// and lets encoding/xml compare the two.
func FuzzBootstrapXML(f *testing.F) {
	n := 0
	file := readWIF10(f)
	for i := range file.Vectors {
		for _, id := range file.Vectors[i].Input.Identities {
			if id.Bootstrap != nil && id.Bootstrap.Kind == "X" {
				f.Add(id.Bootstrap.String)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Add(`<p:a xmlns:p="u" p:x="1" y="2">t<!--c--><b xmlns="v" xml:lang="de"/>` + "\r\n" + `</p:a>`)
	f.Fuzz(func(t *testing.T, text string) {
		tok := &Token{ID: "_a", ContextID: "urn:x:1", Principal: alice()}
		tok.Principal.Identities[0].Bootstrap = Bootstrap{BootstrapString, machinekey.NewSecret([]byte(text))}
		doc, err := WIF10.Marshal(tok)
		if err != nil {
			return
		}
		back, err := WIF10.Unmarshal(doc)
		if err != nil {
			if errors.Is(err, ErrUnsupported) {
				return // a name that encoding/xml takes and XML does not
			}
			t.Fatalf("cannot read what was written: %v", err)
		}
		b := back.Principal.Identities[0].Bootstrap
		if b.Kind == BootstrapWindows {
			return
		}
		want, ok := canonical([]byte(text))
		if !ok {
			t.Skip()
		}
		if got, ok := canonical(b.Data.Reveal()); !ok || got != want {
			t.Fatalf("got  %q\nfrom %q", got, want)
		}
		// The second time nothing changes.
		tok.Principal.Identities[0].Bootstrap = b
		again, err := WIF10.Marshal(tok)
		if err != nil {
			t.Fatalf("second time: %v", err)
		}
		if back, err = WIF10.Unmarshal(again); err != nil || !bytes.Equal(back.Principal.Identities[0].Bootstrap.Data.Reveal(), b.Data.Reveal()) {
			t.Fatalf("second time: %v", err)
		}
	})
}

// canonical lists the nodes of the root element. Declarations are left out:
// one that repeats an outer one is not written.
func canonical(text []byte) (string, bool) {
	text, ok := toUTF8(text)
	if !ok {
		return "", false
	}
	var out strings.Builder
	depth, chars := 0, ""
	flush := func() {
		if chars != "" {
			out.WriteString("text " + chars + "\n")
		}
		chars = ""
	}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
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
				if _, declares := declaredPrefix(a.Name); !declares {
					out.WriteString("attr " + a.Name.Space + ":" + a.Name.Local + "=" + a.Value + "\n")
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
