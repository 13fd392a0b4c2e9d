package sessiontoken

import (
	"strings"
	"testing"
)

// TestEnvelopeIsXML holds the envelope to XML where the decoder of the standard
// library is lax: .NET refuses these. Found by damaging cookies and asking both
// sides (internal/farm).
func TestEnvelopeIsXML(t *testing.T) {
	const good = `<s:SecurityContextToken u:Id='a"b' xmlns:u="` + namespaceWSU + "\"\n\txmlns:s=\"" + namespaceSC13 + `" q=""  >` +
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
		{"as a reference", "<s:Security", "&#x20;<s:Security", false},
		{"as CDATA", "<s:Security", "<![CDATA[ ]]><s:Security", false},
		{"as nothing in CDATA", "<s:Security", "<![CDATA[]]><s:Security", false},
		{"as a reference behind", "Token >", "Token >&#10;", false},
		{"as CDATA behind", "Token >", "Token ><![CDATA[]]>", false},
		{"as a reference inside", "<s:Id", "&#x20;<s:Id", true},
	} {
		doc := strings.Replace(good, test.from, test.to, 1)
		var e envelope
		if got := readEnvelope([]byte(doc), &e); got != test.want {
			t.Errorf("%s: read %v, want %v: %s", test.name, got, test.want, doc)
		}
		if test.want && (string(e.id) != `a"b` || string(e.contextID) != "x") {
			t.Errorf("%s: id %q, context %q", test.name, e.id, e.contextID)
		}
	}
}
