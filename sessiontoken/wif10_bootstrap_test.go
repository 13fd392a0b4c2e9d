package sessiontoken

import (
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// bootstrap is what an identity says of the token of its sign-in.
type bootstrap struct {
	kind string
	data machinekey.Secret
}

// bootstrapToken returns a token of WIF 1.0 with a bootstrap token.
func bootstrapToken(t testing.TB, b bootstrap) (*Token, *SessionCodec) {
	t.Helper()
	tok, c := newFormatToken(t, testRing(t), wif.V10)
	tok.Principal.Identities[0].BootstrapKind, tok.Principal.Identities[0].Bootstrap = b.kind, b.data
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
		{`<p:a xmlns:p="u"><p:b xmlns:p="v"/><p:c/></p:a>`,
			`<p:a xmlns:p="u"><p:b xmlns:p="v"></p:b><p:c></p:c></p:a>`},
		{`<Saml:Assertion xmlns:Saml="s"><q:x xmlns:q="t" q:Issuer="0"/></Saml:Assertion>`,
			`<Saml:Assertion xmlns:Saml="s"><q:x q:Issuer="0" xmlns:q="t"></q:x></Saml:Assertion>`},
		{`<a xml:lang="de" Issuer="1">0</a>`, `<a xml:lang="de" Issuer="1">0</a>`},
		{`<Übung λ="日本">Ελληνικά 😀</Übung>`, `<Übung λ="日本">Ελληνικά 😀</Übung>`},
		{`<SessionToken><Claim/></SessionToken>`, `<SessionToken><Claim></Claim></SessionToken>`},
		{strings.Repeat("<a>", 59) + strings.Repeat("</a>", 59),
			strings.Repeat("<a>", 59) + strings.Repeat("</a>", 59)},
		{`<a b="` + strings.Repeat("x", 70000) + `">` + strings.Repeat("日", 30000) + `</a>`,
			`<a b="` + strings.Repeat("x", 70000) + `">` + strings.Repeat("日", 30000) + `</a>`},
	} {
		for _, kind := range []string{"token", "string"} {
			tok, c := bootstrapToken(t, bootstrap{kind, machinekey.NewSecret([]byte(tc.xml))})
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
			if id := got.Principal.Identities[0]; id.BootstrapKind != "token" ||
				string(id.Bootstrap.Reveal()) != tc.want {
				t.Errorf("%.60s: got %.100s", tc.xml, id.Bootstrap.Reveal())
			}
		}
	}
}

func TestWIF10BootstrapRefused(t *testing.T) {
	for name, b := range map[string]bootstrap{
		"bytes":                    {"bytes", machinekey.NewSecret([]byte("<a/>"))},
		"unknown kind":             {"odd", machinekey.Secret{}},
		"nothing":                  {"token", machinekey.Secret{}},
		"text":                     {"string", machinekey.NewSecret([]byte("hello"))},
		"two elements":             {"string", machinekey.NewSecret([]byte("<a/><b/>"))},
		"text before":              {"string", machinekey.NewSecret([]byte("x<a/>"))},
		"text after":               {"string", machinekey.NewSecret([]byte("<a/>x"))},
		"unclosed":                 {"string", machinekey.NewSecret([]byte("<a><b></b>"))},
		"closed twice":             {"string", machinekey.NewSecret([]byte("<a></a></a>"))},
		"crossed":                  {"string", machinekey.NewSecret([]byte("<a><b></a></b>"))},
		"unbound prefix":           {"string", machinekey.NewSecret([]byte("<p:a/>"))},
		"unbound attribute prefix": {"string", machinekey.NewSecret([]byte(`<a p:x=""/>`))},
		"prefix out of scope":      {"string", machinekey.NewSecret([]byte(`<a><b xmlns:p="u"/><p:c/></a>`))},
		"attribute twice":          {"string", machinekey.NewSecret([]byte(`<a x="" x=""/>`))},
		"attribute twice, by URI": {"string",
			machinekey.NewSecret([]byte(`<a xmlns:p="u" xmlns:q="u" p:x="" q:x=""/>`))},
		"declared twice":    {"string", machinekey.NewSecret([]byte(`<a xmlns:p="u" xmlns:p="u"/>`))},
		"prefix undeclared": {"string", machinekey.NewSecret([]byte(`<a xmlns:p=""/>`))},
		"prefix xmlns":      {"string", machinekey.NewSecret([]byte(`<a xmlns:xmlns="u"/>`))},
		"DTD":               {"string", machinekey.NewSecret([]byte(`<!DOCTYPE a><a/>`))},
		"entity":            {"string", machinekey.NewSecret([]byte(`<a>&e;</a>`))},
		"instruction":       {"string", machinekey.NewSecret([]byte(`<a><?b c?></a>`))},
		"line in attribute": {"string", machinekey.NewSecret([]byte("<a x='1\n2'/>"))},
		"invalid UTF-8":     {"string", machinekey.NewSecret([]byte("<a>\xff</a>"))},
		"control character": {"string", machinekey.NewSecret([]byte("<a>\x01</a>"))},
		"deep": {"string",
			machinekey.NewSecret([]byte(strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60)))},
		"many attributes": {"string", machinekey.NewSecret([]byte("<a " + manyAttributes(65) + "/>"))},
		"large": {"string",
			machinekey.NewSecret([]byte("<a>" + strings.Repeat("x", limits.Bootstrap) + "</a>"))},
	} {
		tok, c := bootstrapToken(t, b)
		if text, err := c.Encode(ctx, tok); err == nil || text != "" ||
			!strings.HasPrefix(err.Error(), "sessiontoken: ") {
			t.Errorf("%s: issued %.20q, %v", name, text, err)
		}
	}
	// A stub for a Windows token is of WIF 1.0 only.
	tok, _ := bootstrapToken(t, bootstrap{kind: "windows"})
	if _, err := marshal(wif.V45, tok); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Windows stub in 4.5: %v", err)
	}
}

func manyAttributes(n int) string {
	s := ""
	for i := range n {
		s += " a" + strings.Repeat("x", i) + `=""`
	}
	return s
}
