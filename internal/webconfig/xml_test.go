package webconfig

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

// codeOf returns the code and line of an error of this package.
func codeOf(t *testing.T, err error) (string, int) {
	t.Helper()
	if err == nil {
		return "", 0
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	return e.Code, e.Line
}

func TestXML(t *testing.T) {
	for _, test := range []struct {
		name, xml, code string
		line            int
	}{
		{name: "smallest", xml: `<configuration/>`},
		{name: "misc",
			xml: "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- a --><?pi x?>\n<configuration >text<![CDATA[<&]]></configuration >\n<!-- b -->\n"},
		{name: "references",
			xml: `<configuration a="&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;">&#10;</configuration>`},
		{name: "default namespace",
			xml: `<configuration xmlns="http://schemas.microsoft.com/.NetConfiguration/v2.0"><a/></configuration>`},
		{name: "prefix",
			xml: `<configuration xmlns:x="urn:x"><x:a x:b="" b="" xml:space="preserve"/></configuration>`},
		{name: "letters", xml: `<configuration><größe/></configuration>`},

		{name: "nothing", code: CodeMalformedXML, line: 1},
		{name: "blank", xml: " \n ", code: CodeMalformedXML, line: 2},
		{name: "text", xml: "hello", code: CodeMalformedXML, line: 1},
		{name: "text after", xml: "<configuration/>\nx", code: CodeMalformedXML, line: 1},
		{name: "two roots", xml: "<configuration/>\n<configuration/>", code: CodeMalformedXML, line: 2},
		{name: "open", xml: "<configuration>\n", code: CodeMalformedXML, line: 2},
		{name: "open tag", xml: "<configuration\n a='b'\n", code: CodeMalformedXML, line: 3},
		{name: "crossed", xml: "<configuration>\n<a>\n</configuration></a>", code: CodeMalformedXML, line: 3},
		{name: "end only", xml: "</configuration>", code: CodeMalformedXML, line: 1},
		{name: "case of end", xml: "<configuration></Configuration>", code: CodeMalformedXML, line: 1},
		{name: "attribute twice", xml: "<configuration>\n<a b='' b=''/></configuration>",
			code: CodeMalformedXML, line: 2},
		{name: "attribute twice by namespace",
			xml:  `<configuration xmlns:x="u" xmlns:y="u" x:a="" y:a=""/>`,
			code: CodeMalformedXML, line: 1},
		{name: "namespace twice", xml: `<configuration xmlns:x="u" xmlns:x="v"/>`,
			code: CodeMalformedXML, line: 1},
		{name: "undeclared", xml: `<x:configuration/>`, code: CodeMalformedXML, line: 1},
		{name: "undeclared attribute", xml: `<configuration x:a=""/>`, code: CodeMalformedXML, line: 1},
		{name: "prefix out of force", xml: `<configuration><a xmlns:x="u"/><x:b/></configuration>`,
			code: CodeMalformedXML, line: 1},
		{name: "undeclaring", xml: `<configuration xmlns:x=""/>`, code: CodeMalformedXML, line: 1},
		{name: "no quotes", xml: `<configuration a=b/>`, code: CodeMalformedXML, line: 1},
		{name: "no value", xml: `<configuration a/>`, code: CodeMalformedXML, line: 1},
		{name: "no blank", xml: `<configuration a="b"c="d"/>`, code: CodeMalformedXML, line: 1},
		{name: "lost quote", xml: "<configuration>\n<a b='c>\n</a><d e=''/></configuration>",
			code: CodeMalformedXML, line: 2},
		{name: "two colons", xml: `<configuration><a:b:c/></configuration>`, code: CodeMalformedXML, line: 1},
		{name: "digit", xml: `<configuration><1/></configuration>`, code: CodeMalformedXML, line: 1},
		{name: "ampersand", xml: `<configuration a="b&c"/>`, code: CodeMalformedXML, line: 1},
		{name: "HTML entity", xml: `<configuration>&nbsp;</configuration>`, code: CodeMalformedXML, line: 1},
		{name: "reference to NUL", xml: `<configuration>&#0;</configuration>`, code: CodeMalformedXML, line: 1},
		{name: "reference too large", xml: `<configuration>&#x110000;</configuration>`,
			code: CodeMalformedXML, line: 1},
		{name: "reference signed", xml: `<configuration>&#+65;</configuration>`,
			code: CodeMalformedXML, line: 1},
		{name: "comment", xml: `<configuration><!-- a -- b --></configuration>`,
			code: CodeMalformedXML, line: 1},
		{name: "comment open", xml: `<configuration><!-- `, code: CodeMalformedXML, line: 1},
		{name: "cdata open", xml: `<configuration><![CDATA[ `, code: CodeMalformedXML, line: 1},
		{name: "cdata end", xml: `<configuration>]]></configuration>`, code: CodeMalformedXML, line: 1},
		{name: "cdata outside", xml: `<![CDATA[]]><configuration/>`, code: CodeMalformedXML, line: 1},
		{name: "late declaration", xml: "\n<?xml version='1.0'?><configuration/>",
			code: CodeMalformedXML, line: 2},
		{name: "version", xml: `<?xml version="1.1"?><configuration/>`, code: CodeMalformedXML, line: 1},
		{name: "instruction open", xml: `<configuration><?a b></configuration>`,
			code: CodeMalformedXML, line: 1},
		{name: "NUL", xml: "<configuration>\n\x00</configuration>", code: CodeMalformedXML, line: 2},
		{name: "control", xml: "<configuration a='\x01'/>", code: CodeMalformedXML, line: 1},

		{name: "doctype",
			xml: "<?xml version='1.0'?>\n<!DOCTYPE configuration SYSTEM 'http://example/x.dtd'><configuration/>", code: CodeDTD, line: 2},
		{name: "entity bomb", xml: bomb, code: CodeDTD, line: 1},
		{name: "entity declaration", xml: `<!ENTITY a "b"><configuration/>`, code: CodeMalformedXML, line: 1},

		{name: "root", xml: "\n<Configuration/>", code: CodeUnknownElement, line: 2},
		{name: "bare element", xml: `<machineKey/>`, code: CodeUnknownElement, line: 1},
		{name: "foreign root", xml: `<configuration xmlns="urn:x"/>`, code: CodeUnknownElement, line: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(test.xml), nil)
			if code, line := codeOf(t, err); code != test.code || line != test.line {
				t.Errorf("%v\nwant %q on line %d", err, test.code, test.line)
			}
		})
	}
}

const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><configuration>&c;</configuration>`

func TestLinesAndAttributes(t *testing.T) {
	f, err := Parse(strings.NewReader("<?xml version='1.0'?>\r\n<!--\r\n-->\r<configuration>\n\n"+
		"<a b=' x\r\ny\tz&#10; '\n c=\"'\"/><d\n/>\n<e/></configuration>"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, e := range f.root.Children {
		lines = append(lines, e.Line)
	}
	if f.root.Line != 4 || len(lines) != 3 || lines[0] != 6 || lines[1] != 8 || lines[2] != 10 {
		t.Errorf("root on line %d, children on %v", f.root.Line, lines)
	}
	a := f.root.Children[0]
	if b, _ := a.Attr("b"); b != " x y z\n " {
		t.Errorf("b = %q", b)
	}
	if c, _ := a.Attr("c"); c != "'" {
		t.Errorf("c = %q", c)
	}
}

func TestCharsets(t *testing.T) {
	encode := func(order binary.AppendByteOrder, s string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = order.AppendUint16(b, u)
		}
		return string(b)
	}
	const text = "<configuration a='ä€😀'/>"
	for _, test := range []struct{ name, data, code string }{
		{"utf-8", text, ""},
		{"utf-8 with mark", "\xEF\xBB\xBF" + text, ""},
		{"utf-8 with mark and declaration", "\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-8'?>" + text, ""},
		{"little-endian", encode(binary.LittleEndian, "\uFEFF"+text), ""},
		{"big-endian", encode(binary.BigEndian, "\uFEFF"+text), ""},
		{"utf-16 declared", encode(binary.LittleEndian,
			"\uFEFF<?xml version='1.0' encoding='utf-16'?>"+text), ""},
		{"utf-16 declared as utf-8", encode(binary.LittleEndian,
			"\uFEFF<?xml version='1.0' encoding='utf-8'?>"+text), CodeUnsupportedCharset},
		{"utf-8 declared as utf-16", "<?xml version='1.0' encoding='utf-16'?>" + text, CodeUnsupportedCharset},
		{"no mark", encode(binary.LittleEndian, text), CodeUnsupportedCharset},
		{"no mark, big-endian", encode(binary.BigEndian, text), CodeUnsupportedCharset},
		{"odd", encode(binary.LittleEndian, "\uFEFF"+text) + "x", CodeUnsupportedCharset},
		{"half a pair", "\xFF\xFE<\x00\x00\xD8", CodeUnsupportedCharset},
		{"half a pair and a letter", "\xFF\xFE<\x00\x00\xD8a\x00", CodeUnsupportedCharset},
		{"second half first", "\xFF\xFE<\x00\x00\xDC\x00\xD8", CodeUnsupportedCharset},
		{"utf-32", "\xFF\xFE\x00\x00<\x00\x00\x00", CodeMalformedXML},
		{"latin 1 that is ASCII", "<?xml version='1.0' encoding='iso-8859-1'?><configuration/>", ""},
		{"latin 1 behind a mark",
			"\xEF\xBB\xBF<?xml version='1.0' encoding='iso-8859-1'?><configuration b='ä'/>",
			CodeUnsupportedCharset},
		{"latin 9", "<?xml version='1.0' encoding='iso-8859-15'?><configuration b='\xE4'/>",
			CodeUnsupportedCharset},
		{"latin 9 that is UTF-8",
			"<?xml version='1.0' encoding='iso-8859-15'?><configuration b='ä'/>",
			CodeUnsupportedCharset},
		{"utf-8 behind another word",
			"<?xml version='1.0' x='' encoding='iso-8859-1'?><configuration b='\xE4'/>",
			CodeMalformedXML},
		{"latin 1 undeclared", "<configuration a='\xE4'/>", CodeUnsupportedCharset},
		{"ebcdic", "<?xml version='1.0' encoding='ebcdic-cp-us'?><configuration/>", CodeUnsupportedCharset},
		{"utf-7", "<?xml version='1.0' encoding='utf-7'?><configuration/>", CodeUnsupportedCharset},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Parse(strings.NewReader(test.data), nil)
			if code, _ := codeOf(t, err); code != test.code {
				t.Fatalf("%v, want %q", err, test.code)
			}
			if err == nil && strings.Contains(test.data, "a='") ||
				err == nil && strings.Contains(test.data, "a\x00=\x00") {
				if a, _ := f.root.Attr("a"); a != "ä€😀" {
					t.Errorf("a = %q", a)
				}
			}
		})
	}
}

// endless repeats its bytes for ever and counts what was read.
type endless struct {
	head, body string
	n          int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		if e.n < len(e.head) {
			p[i] = e.head[e.n]
		} else {
			p[i] = e.body[(e.n-len(e.head))%len(e.body)]
		}
		e.n++
	}
	return len(p), nil
}

func TestLimits(t *testing.T) {
	for _, test := range []struct{ name, head, body, code string }{
		{"endless text", "<configuration>", " ", CodeTooLarge},
		{"endless attribute", "<configuration a='", "A0", CodeTooLarge},
		{"50 MB of elements", "<configuration>", "<a/>", CodeTooLarge},
		{"UTF-16", "\xFF\xFE", "<\x00", CodeTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &endless{head: test.head, body: test.body}
			_, err := Parse(io.LimitReader(r, 50<<20), nil)
			if code, _ := codeOf(t, err); code != test.code {
				t.Errorf("%v, want %s", err, test.code)
			}
			if r.n > MaxFileBytes+1 {
				t.Errorf("read %d bytes", r.n)
			}
		})
	}
	for _, test := range []struct{ name, xml, code string }{
		{"depth", strings.Repeat("<a>", 100_000), CodeTooComplex},
		{"largest depth", strings.Repeat("<configuration>",
			maxDepth) + strings.Repeat("</configuration>", maxDepth), ""},
		{"elements", "<configuration>" + strings.Repeat("<a/>", maxElements) + "</configuration>",
			CodeTooComplex},
		{"most elements", "<configuration>" + strings.Repeat("<a/>", maxElements-1) + "</configuration>", ""},
		{"a million attributes", "<configuration " + strings.Repeat("a='' ", 1_000_000) + "/>", CodeTooComplex},
		{"namespaces", "<configuration" + namespaces(maxNamespaces+1) + "/>", CodeTooComplex},
		{"most namespaces", "<configuration" + namespaces(maxNamespaces) + "/>", ""},
		{"a million ends", strings.Repeat("</a>", 1_000_000), CodeMalformedXML},
		{"a million instructions", strings.Repeat("<?a?>", 1_000_000) + "<configuration/>", ""},
		{"open comments", "<configuration>" + strings.Repeat("<!--", 1_000_000), CodeMalformedXML},
		{"ampersands", "<configuration>" + strings.Repeat("&amp;", 1_000_000) + "</configuration>", ""},
		{"largest", "<configuration>" + strings.Repeat(" ", MaxFileBytes-31) + "</configuration>", ""},
		{"one over", "<configuration>" + strings.Repeat(" ", MaxFileBytes-30) +
			"</configuration>", CodeTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse(strings.NewReader(test.xml), nil)
			runtime.ReadMemStats(&after)
			if code, _ := codeOf(t, err); code != test.code {
				t.Errorf("%v, want %q", err, test.code)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
				t.Errorf("allocated %d MiB", used>>20)
			}
		})
	}
}

// maxNamespaces is the bound of package xmltree.
const maxNamespaces = 64

func namespaces(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" xmlns:n" + strings.Repeat("n", i) + "='u'")
	}
	return b.String()
}

func TestReaderFails(t *testing.T) {
	cause := errors.New("disk on fire")
	_, err := Parse(io.MultiReader(strings.NewReader("<configuration"), failing{cause}), nil)
	if code, _ := codeOf(t, err); code != CodeUnreadable || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func BenchmarkParse(b *testing.B) {
	small := read(b, "webconfig/wif45-fedauth.config")
	large := []byte("<configuration><connectionStrings>" + strings.Repeat(
		"\n  <add name=\"Main\" connectionString=\"Data Source=.;Initial Catalog=Shop\" providerName=\"System.Data.SqlClient\" />", 9000) +
		"</connectionStrings></configuration>")
	for _, bench := range []struct {
		name string
		xml  []byte
	}{{"3 kB", small}, {"1 MB", large}} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.xml)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(bytes.NewReader(bench.xml), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestSingleByte wants the characters of .NET for the two single-byte encodings
// that are read, and others refused by their name.
func TestSingleByte(t *testing.T) {
	for _, test := range []struct{ declaration, bytes, want string }{
		{`encoding="iso-8859-1"`, "\xE4\x80\x9F\xFF", "ä\u0080\u009Fÿ"},
		{`encoding = 'ISO-8859-1'`, "\xC3\xA4", "Ã¤"}, // valid as UTF-8, which it is not
		{`encoding="windows-1252"`, "\xE4\x80\x85\x9F\xA0\xFF", "ä€…Ÿ\u00A0ÿ"},
		{`encoding="Windows-1252"`, "\x81\x8D\x8F\x90\x9D", "\u0081\u008D\u008F\u0090\u009D"},
	} {
		f, err := Parse(strings.NewReader(`<?xml version="1.0" `+test.declaration+`?>`+
			"\n<configuration a='"+test.bytes+"'/>"), nil)
		if err != nil {
			t.Errorf("%s: %v", test.declaration, err)
			continue
		}
		if a, _ := f.root.Attr("a"); a != test.want {
			t.Errorf("%s: %q, want %q", test.declaration, a, test.want)
		}
	}
	_, err := Parse(strings.NewReader(`<?xml version="1.0" encoding="windows-1250"?><configuration a="`+"\xE4"+`"/>`), nil)
	if err == nil || !strings.Contains(err.Error(), "windows-1250") {
		t.Errorf("%v, want the name of the encoding", err)
	}
}
