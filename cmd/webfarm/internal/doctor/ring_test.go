package doctor_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/seed"
	resolved "github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// freshHalf is a node with one key.
func freshHalf(t testing.TB) half {
	random := seed.Of(t)
	return half{elements: []string{keyXML(random, newID(random), 10, algorithms()[0], nil)},
		app: "Shop", scheme: "Cookies"}
}

// diagnosis is the code at the top, its sentence and its fix.
func diagnosis(r *doctor.Report) (code, text string) {
	return r.Code, r.Finding.Sentence + " " + r.Finding.Fix.Text
}

// TestOtherPayloads examines what is no cookie of a scheme.
func TestOtherPayloads(t *testing.T) {
	h := freshHalf(t)
	keys := h.keys(t, memory, seed.Of(t))
	bearer := must[*sessiontoken.CoreCodec](t)(sessiontoken.NewCoreCodec(keys,
		sessiontoken.AccessToken("Identity.Bearer"), &sessiontoken.CoreOptions{Now: at(now)}))
	user := ann(0)
	token := must[string](t)(bearer.Encode(ctx, bearer.NewTicket(&user, nil)))
	inHeader := doctor.Input{Request: &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}}
	cart := protect(t, keys, "12345678 text", "Acme.Cart", "v1")
	limited := protect(t, keys, "12345678 text", "Acme.Cart", "v1",
		"Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1")
	session := protect(t, keys, strings.Repeat("a", 36), "SessionMiddleware")
	antiforgery := protect(t, keys, "12345678 text",
		"Microsoft.AspNetCore.Antiforgery.AntiforgeryToken.v1")
	text := func(s string) doctor.Input { return doctor.Input{Text: s} }
	purposes := func(list ...string) doctor.Options { return doctor.Options{Now: now, Purposes: list} }
	kind := func(k doctor.Kind) doctor.Options { return doctor.Options{Now: now, Kind: k} }
	for _, tt := range []struct {
		name       string
		in         doctor.Input
		o          doctor.Options
		code, says string
	}{
		{"bearer token", inHeader, doctor.Options{Now: now}, doctor.CodeOK, `for "ann"`},
		{"bearer token as a cookie", text(token), doctor.Options{Now: now}, "core_purpose",
			"an access token of ASP.NET Core"},
		{"bearer token by its kind", text(token), kind(resolved.CoreBearer), doctor.CodeOK, ""},
		{"purposes", text(cart), purposes("Acme.Cart", "v1"), doctor.CodeOK, ""},
		{"one purpose less", text(cart), purposes("Acme.Cart", "v1", "x"), "core_purpose",
			`"Acme.Cart" "v1", and -keys unprotects with "Acme.Cart" "v1" "x"`},
		{"purposes turned round", text(cart), purposes("v1", "Acme.Cart"), "core_purpose",
			`the purposes "Acme.Cart" "v1"`},
		{"time-limited", text(limited), purposes("Acme.Cart", "v1"), "core_time_limited",
			"ToTimeLimitedDataProtector"},
		{"session", text(session), kind(resolved.CoreSession), doctor.CodeOK, ""},
		{"session by its name", header(".AspNetCore.Session=" + session),
			doctor.Options{Now: now, Name: ".AspNetCore.Session"}, doctor.CodeOK, ""},
		{"antiforgery", text(antiforgery), kind(resolved.Antiforgery), doctor.CodeOK, ""},
		{"companions alone", header(".AspNetCore.Antiforgery.x=" + antiforgery +
			"; .AspNetCore.Correlation.y=N"), doctor.Options{Now: now}, "no_cookie",
			"an anti-forgery token"},
		{"a correlation cookie by its name", header(".AspNetCore.Correlation.y=N"),
			doctor.Options{Now: now, Name: ".AspNetCore.Correlation.y"}, "foreign",
			"a mark of a sign-in"},
		{"a web token", header(".AspNetCore.Cookies=eyJh.eyJi.c2ln"), doctor.Options{Now: now},
			"jwt", "JSON Web Token"},
		{"a later version", text("CfDJ-" + strings.Repeat("A", 120)), doctor.Options{Now: now},
			"core_text", "knows version 0"},
		{"too few bytes", text("CfDJ8" + strings.Repeat("A", 11)), doctor.Options{Now: now},
			"truncated", "12 bytes"},
		{"katana cuts it", header(".Shared=chunks-1; .SharedC1=" + cart),
			doctor.Options{Now: now, Kind: doctor.Katana, Name: ".Shared"},
			"core_chunks", "(chunks-)"},
	} {
		code, says := diagnosis(doctor.Examine(ctx,
			[]*doctor.Node{h.node(t, memory, "-keys")}, tt.in, tt.o))
		if code != tt.code || !strings.Contains(says, tt.says) {
			t.Errorf("%s: %s: %s; want %s with %q", tt.name, code, says, tt.code, tt.says)
		}
	}
}

// TestDotNetOnRing wants the outer message of each kind, and the exception inside.
func TestDotNetOnRing(t *testing.T) {
	h, reader := freshHalf(t), freshHalf(t)
	text := protect(t, h.keys(t, memory, seed.Of(t)), "text", "a")
	for k, want := range map[doctor.Kind]string{
		resolved.Core:        "… was not authenticated. Failure message: Unprotect ticket failed (The key {",
		resolved.CoreBearer:  "… was not authenticated. Failure message: Unprotected token failed (The key {",
		resolved.CoreSession: "Error unprotecting the session cookie (The key {",
		resolved.Antiforgery: "The antiforgery token could not be decrypted (The key {",
		resolved.Protected:   "CryptographicException (The key {",
	} {
		r := doctor.Examine(ctx, []*doctor.Node{reader.node(t, memory, "-keys")},
			doctor.Input{Text: text}, doctor.Options{Now: now, Kind: k})
		if !strings.HasPrefix(r.Finding.DotNet, want) {
			t.Errorf("%s: %s: %q, want %q", k, r.Code, r.Finding.DotNet, want)
		}
	}
}

// compatible is a site of .NET Framework on a key ring.
const compatible = `<configuration><system.web><machineKey compatibilityMode="Framework45" applicationName="Shop"
 dataProtectorType="Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb"/>
<authentication mode="Forms"/></system.web></configuration>`

// TestBothWorlds examines the cookies of both halves with a web.config and a key ring.
func TestBothWorlds(t *testing.T) {
	h := freshHalf(t)
	node := func(config, app string) *doctor.Node {
		about := &resolved.Ring{ApplicationName: app}
		s := must[*resolved.Site](t)(resolved.Parse("web.config", strings.NewReader(config),
			&resolved.Options{Ring: about,
				Credentials: []resolved.Settings{{Kind: resolved.Core}}}))
		return doctor.New(s).WithRing(doctor.Ring{Keys: h.ring(t, memory, nil),
			Source: "-keys", App: app})
	}
	forms := func(app string) string {
		codec := must[*sessiontoken.FormsCodec](t)(sessiontoken.NewFormsCodec(
			h.ring(t, memory, seed.Of(t)).Traits().Application(app),
			&sessiontoken.FormsOptions{Now: at(now)}))
		return must[string](t)(codec.Encode(ctx, codec.NewTicket("ann", "")))
	}
	core := ".AspNetCore.Cookies=" + h.ticket(t, h.keys(t, memory, seed.Of(t)), ann(0), now)
	plain := fresh(t)
	for _, tt := range []struct {
		name, config, cookies, code, says string
		credentials                       int
	}{
		{"a forms ticket on the ring", compatible, ".ASPXAUTH=" + forms("Shop"), doctor.CodeOK, `for "ann"`, 1},
		{"of another application", compatible, ".ASPXAUTH=" + forms("/LM/W3SVC/1/ROOT"),
			"core_application", `"/LM/W3SVC/1/ROOT", and the one of web.config is "Shop"`, 1},
		{"both", compatible, core + "; .ASPXAUTH=" + forms("Shop"), doctor.CodeOK, "All 2 credentials", 2},
		{"both, each on its own keys", plain.text(), core + "; .ASPXAUTH=" + plain.forms(t),
			doctor.CodeOK, "All 2 credentials", 2},
		{"a ticket of ASP.NET Core as a forms ticket", plain.text(), ".ASPXAUTH=" + core[20:],
			"cookie_name", ".AspNetCore.Cookies", 1},
	} {
		r := doctor.Examine(ctx, []*doctor.Node{node(tt.config, "Shop")}, header(tt.cookies),
			doctor.Options{Now: now})
		if code, says := diagnosis(r); code != tt.code || !strings.Contains(says, tt.says) ||
			len(r.Credentials) != tt.credentials {
			t.Errorf("%s: %d credentials, %s: %s", tt.name, len(r.Credentials), code, says)
		}
	}
}

// TestCompareRings compares two nodes without a cookie.
func TestCompareRings(t *testing.T) {
	a := freshHalf(t)
	for _, tt := range []struct {
		setting string
		change  func(b *half)
	}{
		{"", func(*half) {}},
		{"key ring", func(b *half) { b.elements = freshHalf(t).elements }},
		{"key ring", func(b *half) {
			random := seed.Of(t)
			b.elements = append(b.elements, keyXML(random, newID(random), 1, algorithms()[0], nil))
		}},
		{"", func(b *half) { // which protects nothing yet
			random := seed.Of(t)
			b.elements = append(b.elements, keyXML(random, newID(random), -2, algorithms()[0], nil))
		}},
		{"application name", func(b *half) { b.app = "" }},
		{"scheme", func(b *half) { b.scheme, b.cookie = "Acme", ".AspNetCore.Cookies" }},
		{"cookie", func(b *half) { b.cookie = ".SITE" }},
	} {
		b := a
		tt.change(&b)
		r := doctor.Compare(ctx, a.node(t, memory, "-keys"), b.node(t, memory, "-other-keys"),
			doctor.Options{Now: now})
		var settings []string
		for _, d := range r.Comparison.Differences {
			settings = append(settings, d.Setting)
		}
		if got := strings.Join(settings, ", "); got != tt.setting || r.OK != (tt.setting == "") {
			t.Errorf("%q: ok %v, %q", tt.setting, r.OK, got)
		}
		if tt.setting != "" && (r.Code != "configs_differ" ||
			!strings.Contains(r.Finding.Sentence,
				"cookies of ASP.NET Core: "+tt.setting+" differs")) {
			t.Errorf("%s: %s: %s", tt.setting, r.Code, r.Finding.Sentence)
		}
	}
}

// TestCompareFallback tells a key that has not begun from one that protects.
func TestCompareFallback(t *testing.T) {
	a, random := freshHalf(t), seed.Of(t)
	b := a
	b.elements = []string{keyXML(random, newID(random), -2, algorithms()[0], nil)}
	r := doctor.Compare(ctx, a.node(t, memory, "-keys"), b.node(t, memory, "-other-keys"),
		doctor.Options{Now: now})
	if d := r.Comparison.Differences[0]; !strings.HasSuffix(d.Values[0], " protects") ||
		!strings.HasSuffix(d.Values[1], " is the fallback") {
		t.Errorf("%+v", d)
	}
}

// TestCompareOneFile names the fault of the only web.config, whichever node has it.
func TestCompareOneFile(t *testing.T) {
	ring := freshHalf(t).node(t, memory, "-keys")
	file := fresh(t).with(func(s *site) { s.validationKey = "AutoGenerate" }).node(t, "web.config")
	for _, pair := range [][2]*doctor.Node{{file, ring}, {ring, file}} {
		r := doctor.Compare(ctx, pair[0], pair[1], doctor.Options{Now: now})
		if r.OK || r.Code != "auto_generated_key" || r.Finding.Fix.File != "web.config" {
			t.Errorf("%s of %s: %s", r.Code, r.Finding.Fix.File, r.Finding.Sentence)
		}
	}
}

// TestBothSidesOfFixes wants a fix for the code of .NET and for Go in every finding about a ring, and
// none that revives a revoked key or leaves keys in the clear.
func TestBothSidesOfFixes(t *testing.T) {
	n := 0
	for id, fix := range doctor.Fixes() {
		if !strings.HasPrefix(id, "core_") || id == "core_text/alphabet" {
			continue
		}
		n++
		if !regexp.MustCompile(`\.NET|Katana`).MatchString(fix) ||
			!regexp.MustCompile(`\bGo\b`).MatchString(fix) {
			t.Errorf("[%s] does not say what to do on .NET and in Go: %s", id, fix)
		}
		if less := regexp.MustCompile(`Dangerous\w*|Insecure\w*|unencrypted|in clear|(delete|remove) the revocation`).FindString(fix); less != "" {
			t.Errorf("[%s] proposes less protection: %s", id, less)
		}
	}
	if n < 20 {
		t.Errorf("%d sections", n)
	}
}

// FuzzRing wants any text and header to get a report without a secret.
func FuzzRing(f *testing.F) {
	h := freshHalf(f)
	ticket := h.ticket(f, h.keys(f, memory, seed.Of(f)), ann(3), now)
	for _, s := range []string{ticket, ticket[:40], "CfDJ8", "chunks-2",
		".AspNetCore.Cookies=" + ticket,
		".AspNetCore.Cookies=chunks-2; .AspNetCore.CookiesC1=" + ticket, ".A=chunks:1; .AC1=" +
			ticket, "09F0C9F0" + strings.Repeat("00", 40)} {
		f.Add(s, "Shop/")
	}
	f.Fuzz(func(t *testing.T, text, app string) {
		nodes := []*doctor.Node{h.node(t, memory, "-keys"), h.node(t, memory, "-other-keys")}
		for _, in := range []doctor.Input{{Text: text}, header(text)} {
			r := doctor.Examine(ctx, nodes, in,
				doctor.Options{Now: now, Apps: []string{app}, Purposes: strings.Fields(app)})
			out := must[[]byte](t)(json.Marshal(r))
			if len(r.Credentials) == 0 || r.OK != (r.Code == doctor.CodeOK) ||
				strings.Contains(string(out), ticket[60:120]) {
				t.Fatalf("%s", out)
			}
			if tried := r.Credentials[0].Tried; tried.Openings > 8000 {
				t.Fatalf("%+v", tried)
			}
		}
	})
}
