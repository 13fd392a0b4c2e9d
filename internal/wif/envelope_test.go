package wif

import (
	"bytes"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/hostile"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// TestEnvelopeIsXML holds the envelope to XML where the decoder of the standard
// library is lax: .NET refuses these. Found by damaging cookies and asking both
// sides (internal/farm).
func TestEnvelopeIsXML(t *testing.T) {
	const good = `<s:SecurityContextToken u:Id='a"b' xmlns:u="` + namespaceWSU +
		"\"\n\txmlns:s=\"" + namespaceSC13 + `" q=""  >` +
		`<s:Identifier a="'">x</s:Identifier></s:SecurityContextToken >`
	for _, test := range []struct {
		name, from, to string
		want           bool
	}{
		{"as it should be", "", "", true},
		{"space before the end", `"'">x`, `"'" >x`, true},
		{"none in the root", `a"b' x`, `a"b'x`, false},
		{"none where a line ended", "\"\n\tx", `"x`, false},
		{"none behind a name space", `" q=""`, `"q=""`, false},
		{"none in a child", `"'">x`, `"'"b="">x`, false},
		{"space around the root", "<s:Security", "<!-- --> \r\n<s:Security", true},
		{"declared", "<s:Security", `<?xml version="1.0" encoding="UTF-8"?><s:Security`, true},
		{"by another name", "<s:Security", `<?xml version="1.0" encoding="utf8"?><s:Security`, false},
		{"as a reference", "<s:Security", "&#x20;<s:Security", false},
		{"as CDATA", "<s:Security", "<![CDATA[ ]]><s:Security", false},
		{"as nothing in CDATA", "<s:Security", "<![CDATA[]]><s:Security", false},
		{"as a reference behind", "Token >", "Token >&#10;", false},
		{"as CDATA behind", "Token >", "Token ><![CDATA[]]>", false},
		{"as a reference inside", "<s:Id", "&#x20;<s:Id", true},
		{"a reference to a blank", `"'">x`, `"'">&#32;x`, true},
		{"a reference to a control character", `"'">x`, `"'">&#1;x`, false}, // .NET reads it
	} {
		doc := strings.Replace(good, test.from, test.to, 1)
		var e Envelope
		if got := readEnvelope([]byte(doc), &e); got != test.want {
			t.Errorf("%s: read %v, want %v: %s", test.name, got, test.want, doc)
		}
		if test.want && (string(e.ID) != `a"b` || string(e.ContextID) != "x") {
			t.Errorf("%s: id %q, context %q", test.name, e.ID, e.ContextID)
		}
	}
}

// TestBothEnvelopeReaders compares the quick and the full reader.
func TestBothEnvelopeReaders(t *testing.T) {
	quick := 0
	for _, doc := range envelopes(t) {
		if compareEnvelopeReaders(t, doc) {
			quick++
		}
	}
	if quick < 100 {
		t.Fatalf("the quick reader took %d documents", quick)
	}
}

// compareEnvelopeReaders fails if the two readers differ on a document that
// the quick one takes, and reports whether it does.
func compareEnvelopeReaders(t testing.TB, doc []byte) bool {
	var a, b Envelope
	if !cutEnvelope(append([]byte{}, doc...), &a) {
		return false
	}
	a.Cookie = withoutSpace(a.Cookie)
	if _, ok := base64.AppendDecodeBytes(nil, a.Cookie); !ok {
		return false // the next step refuses what the full reader would have
	}
	if !readEnvelope(append([]byte{}, doc...), &b) {
		t.Fatalf("only the quick reader takes %q", doc)
	}
	b.Cookie = withoutSpace(b.Cookie)
	if string(a.ID) != string(b.ID) || string(a.ContextID) != string(b.ContextID) ||
		string(a.Cookie) != string(b.Cookie) ||
		string(a.KeyGeneration) != string(b.KeyGeneration) || a.HasCookie != b.HasCookie ||
		a.HasID != b.HasID {
		t.Fatalf("the readers differ on %q", doc)
	}
	return true
}

// TestHostileEnvelopeSteps wants that the XML reader gets no more than the markup
// of a real Envelope around one text, however large the document.
func TestHostileEnvelopeSteps(t *testing.T) {
	tg := hostile.Credential{Text: honestText(t), Envelope: true}
	read, refused := 0, 0
	for _, size := range []int{limits.Unusual, 64 << 10, limits.Text} {
		for _, c := range tg.Texts(size) {
			doc, ok := AppendTextDecode(nil, c.Text)
			if !ok {
				continue
			}
			if !isBounded(doc) {
				refused++
				continue
			}
			read++
			longest := 0
			var markup []byte
			for rest := doc; len(rest) > 0; {
				n := bytes.IndexAny(rest, "<>&")
				if n < 0 {
					n = len(rest)
				}
				if n < 100 {
					markup = append(markup, rest[:n]...)
				} else {
					longest = max(longest, n)
				}
				end := min(n+1, len(rest))
				markup, rest = append(markup, rest[n:end]...), rest[end:]
			}
			if n := len(doc) - longest; n > limits.EnvelopeMarkup {
				t.Errorf("%s of %d bytes: the reader gets %d bytes of markup", c.Name, size, n)
			}
			if n := marks(markup); n > limits.EnvelopeMarks+2 {
				t.Errorf("%s of %d bytes: the reader gets %d marks", c.Name, size, n)
			}
		}
	}
	if read == 0 || refused == 0 {
		t.Errorf("%d read and %d refused", read, refused)
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, doc := range envelopes(f) {
		if len(doc) < 3000 {
			f.Add(doc)
		}
	}
	tg := hostile.Credential{Text: honestText(f), Envelope: true}
	for _, text := range tg.Texts(2400) {
		if doc, ok := AppendTextDecode(nil, text.Text); ok {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		compareEnvelopeReaders(t, doc)
		var e Envelope
		if readEnvelope(append([]byte{}, doc...), &e) && len(e.ContextID) == 0 {
			t.Fatal("accepted without Identifier")
		}
	})
}
