package webconfig

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	seeds := vectors(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range seeds {
		f.Add(v.xml)
	}
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"))
	f.Add([]byte("\xFE\xFF\x00<\x00a\x00/\x00>"))
	f.Add([]byte("<?xml version='1.0' encoding='windows-1252'?><configuration a='\x80\xE4'/>"))
	f.Add([]byte("<?xml version='1.0' encoding='iso-8859-1'?><configuration><system.webServer><modules><clear/></modules></system.webServer></configuration>"))
	f.Add([]byte(bomb))
	f.Add([]byte(`<?xml version="1.0" standalone='no'?><a:b xmlns:a="u" a:c='&#x41;'><![CDATA[]]></a:b><!----><?p q?>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		agreesWithStandardLibrary(t, data)
		file, err := Parse(bytes.NewReader(data), func(string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		if err != nil {
			if file != nil {
				t.Error("a file beside the error")
			}
			checkError(t, data, err)
			return
		}
		if line := file.ModuleRemoved(FormsModule); line < 0 || line > 1+bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r")) {
			t.Errorf("a module removed on line %d", line)
		}
		if _, err := file.HTTPRuntime(); err != nil {
			checkError(t, data, err)
		}
		m, err := file.MachineKey()
		if err != nil {
			checkError(t, data, err)
			if m.ValidationKey.Len() > 0 || m.DecryptionKey.Len() > 0 {
				t.Error("keys beside the error")
			}
		} else if m.ValidationKey.Len() == 0 || m.DecryptionKey.Len() < 8 || m.CompatibilityMode == "" || m.DecryptionEffective == "Auto" {
			t.Errorf("incomplete: %v", m)
		}
		r := &reader{f: file}
		if r.sectionsIn("system.web", "httpCookies"); r.err != nil {
			checkError(t, data, r.err)
		}
	})
}

// FuzzSettings reads all sections, with the data itself for every other file.
func FuzzSettings(f *testing.F) {
	seeds := vectors(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range seeds {
		f.Add(v.xml)
	}
	f.Add(site("<authentication mode='Forms'><forms timeout='1'/></authentication>", "<appSettings file='a'><add key='aspnet:UseLegacyEncryption' value='true'/></appSettings>"))
	f.Add([]byte("<appSettings><add key='aspnet:MaxHttpCollectionKeys' value='5'/><remove key='a'/><clear/></appSettings>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(bytes.NewReader(data), func(string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		if err != nil {
			return
		}
		s, err := file.Settings()
		if err != nil {
			checkError(t, data, err)
			if s != nil {
				t.Error("settings beside the error")
			}
			return
		}
		if f := s.Authentication.Forms; (f != nil) != (s.Authentication.Mode == "Forms") || f != nil && (f.Name == "" || f.Path == "" || f.TimeoutMinutes < 1) {
			t.Errorf("forms: %+v", f)
		}
		if (s.Identity == nil) != (s.Federation == nil) {
			t.Error("one half of WIF")
		}
		if s.Identity != nil {
			h, c := s.Identity.Session, s.Federation.CookieHandler
			if (h.Type == "") != (h.Protection == "") || h.Lifetime < 0 || s.Identity.MaximumClockSkew < 0 || c.Name == "" || c.ChunkSize < minChunkSize {
				t.Errorf("WIF: %+v %+v", s.Identity, c)
			}
		}
		for _, w := range s.Warnings {
			if _, run := hexDigits(w.Text); w.Code == "" || w.Line < 1 || run > 16 {
				t.Errorf("warning %+v", w)
			}
		}
	})
}

// checkError fails unless err has the documented type and shows no long run of
// hex digits, which is what keys look like.
func checkError(t *testing.T, data []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code == "" {
		t.Fatalf("%T: %v", err, err)
	}
	if _, run := hexDigits(err.Error()); run > 16 {
		t.Errorf("shows a key? %v", err)
	}
	if len(err.Error()) > 2000 {
		t.Errorf("error text of %d bytes", len(err.Error()))
	}
}

// agreesWithStandardLibrary checks that what is accepted here is accepted by
// encoding/xml too, as the same tree. The opposite does not hold: this parser
// is stricter.
func agreesWithStandardLibrary(t *testing.T, data []byte) {
	text, err := readText(bytes.NewReader(data))
	if err != nil {
		return
	}
	root, err := parseXML(text)
	if err != nil || !isASCII(text) {
		return // names follow other editions of XML beyond ASCII
	}
	var got, want strings.Builder
	flatten(&got, root)
	d := xml.NewDecoder(strings.NewReader(text))
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
			fmt.Fprintf(&want, "<%q %q", strings.TrimPrefix(token.Name.Space, nsConfiguration), token.Name.Local)
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					fmt.Fprintf(&want, " %q %q=%q", a.Name.Space, a.Name.Local, oneLine(a.Value))
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

func flatten(b *strings.Builder, e *Element) {
	fmt.Fprintf(b, "<%q %q", e.Space, e.Name)
	for _, a := range e.Attrs {
		fmt.Fprintf(b, " %q %q=%q", a.Space, a.Name, oneLine(a.Value))
	}
	for _, c := range e.Children {
		flatten(b, c)
	}
	b.WriteString(">")
}

// oneLine evens out that encoding/xml does not normalize white space in
// attributes.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s) }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c >= 0x80 })
}
