package docs_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
)

// messageIDs are the message numbers of WIF that the error index may name, and
// where each is from. A number that is not here was made up.
var messageIDs = map[string]string{
	"ID1013": "RsaSignatureCookieTransform: nothing behind the signature",
	"ID1014": "RsaSignatureCookieTransform: the signature is not good",
	"ID1024": "WIF configuration: a property of its section",
	"ID1025": "WIF configuration: no certificate, or several",
	"ID1032": "SamlSecurityTokenRequirement: no audienceUri",
	"ID1038": "SamlSecurityTokenHandler: audience",
	"ID1039": "WIF configuration: the private key of a certificate",
	"ID1068": "DeflateCookieTransform: over the limit of 1 MB",
	"ID1073": "ProtectedDataCookieTransform.Decode",
	"ID1074": "ProtectedDataCookieTransform.Encode",
	"ID3007": "SessionSecurityTokenHandler: reading an actor",
	"ID3206": "WSFederationAuthenticationModule: redirect outside the application",
	"ID4022": "the token of the identity provider: no key to decrypt it",
	"ID4036": "the same, with the key identifier",
	"ID4037": "the token of the identity provider: no key to verify it",
	"ID4063": "WindowsUserNameSecurityTokenHandler: LogonUser",
	"ID4148": "Saml2SecurityTokenHandler: NotOnOrAfter",
	"ID4175": "IssuerNameRegistry",
	"ID4223": "SamlSecurityTokenHandler: NotOnOrAfter",
	"ID4227": "SessionSecurityTokenHandler.ReadToken: Id inside and outside",
	"ID4229": "SessionSecurityTokenHandler.ReadToken: context id inside and outside",
	"ID4230": "SessionSecurityToken: an element is missing",
	"ID4232": "SessionSecurityToken: versions",
	"ID4239": "SessionSecurityToken: Id",
	"ID4243": "SessionSecurityTokenHandler.ReadToken: no token",
	"ID4249": "SessionSecurityToken: a property without name",
	"ID4250": "SessionSecurityToken: a property without value",
	"ID4255": "SessionSecurityTokenHandler.ValidateSession: times",
	"ID4289": "SessionSecurityToken: SctAuthorizationPolicy",
	"ID4291": "SessionSecurityTokenHandler.ValidateToken: endpoint",
	"ID6018": "EnvelopedSignatureReader: digest of a reference",
	"ID6044": "cookie transforms: empty input",
	"ID6045": "cookie transforms: empty input",
	"ID8008": "ChunkedCookieHandler: over 20 chunks",
}

// notErrors are strings of the sources that look like codes and are names of
// events and of their reasons.
var notErrors = []string{"renewal_failed", "signed_in", "signed_out", "sign_out_failed", "bridge_failed", "bridge_ended", "not_in_store"}

// sources parses the Go files of a folder without the tests.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no sources in %s", dir)
	}
	return files
}

// sentinels returns the exported errors of a package.
func sentinels(t *testing.T, dir string) (names []string) {
	for _, file := range sources(t, dir) {
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// codes returns the strings of a folder's sources that have the form of a code.
func codes(t *testing.T, dir string) []string {
	form := regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)+$`)
	found := map[string]bool{}
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && form.MatchString(s) {
					found[s] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// TestErrorIndexIsComplete wants every sentinel of the four packages, every
// code of a configuration error and every finding of doctor in docs/errors.md,
// and no others.
func TestErrorIndexIsComplete(t *testing.T) {
	data, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	index := string(data)
	known := map[string]bool{}
	want := func(what string) {
		known[what] = true
		if !strings.Contains(index, "`"+what+"`") {
			t.Errorf("not in the index: %s", what)
		}
	}
	for _, pkg := range []string{"cookie", "sessiontoken", "machinekey", "dataprotection"} {
		names := sentinels(t, pkg)
		if len(names) == 0 {
			t.Errorf("%s: no sentinels found", pkg)
		}
		for _, name := range names {
			want(pkg + "." + name)
		}
	}
	n := 0
	for _, dir := range []string{"cookie", "machinekey", "internal/secret", "internal/site", "internal/webconfig"} {
		for _, code := range codes(t, dir) {
			if !slices.Contains(notErrors, code) {
				want(code)
				n++
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d codes found", n)
	}
	for _, code := range doctorCodes(t) {
		want(code)
	}
	// The other way round: what the index names exists.
	for _, m := range regexp.MustCompile("`((?:cookie|sessiontoken|machinekey|dataprotection)\\.Err\\w+|[a-z]+(?:_[a-z0-9]+)+)`").FindAllStringSubmatch(index, -1) {
		if !known[m[1]] && !strings.HasPrefix(m[1], "large_client") {
			t.Errorf("in the index, and nowhere else: %s", m[1])
		}
	}
}

// doctorCodes returns the codes of doctor's findings. A fault of <machineKey>
// has a code of another package; a fix or a text of .NET alone has none.
func doctorCodes(t *testing.T) (values []string) {
	file, err := os.ReadFile("cmd/webfarm/internal/doctor/findings.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\[(\w+)`).FindAllSubmatch(file, -1) {
		if code := string(m[1]); code != "fault" && code != "fix" && code != "dotnet" {
			values = append(values, code)
		}
	}
	if len(values) < 40 {
		t.Errorf("only %d findings of doctor found", len(values))
	}
	return values
}

// TestMessageIDs wants the numbers of .NET's messages that the documents name
// to be in the list, and each of the list in the index.
func TestMessageIDs(t *testing.T) {
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	inIndex := map[string]bool{}
	for _, file := range append(files, "README.md", "SECURITY.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`\bID\d{4}\b`).FindAllString(string(data), -1) {
			if messageIDs[id] == "" {
				t.Errorf("%s names %s, which is not in the list", file, id)
			}
			inIndex[id] = inIndex[id] || file == "docs/errors.md"
		}
	}
	for id, what := range messageIDs {
		if !inIndex[id] {
			t.Errorf("the index does not have %s (%s)", id, what)
		}
	}
}

// TestErrorIndexExamples makes the mistakes that the error index gives as
// examples and wants the code under which they stand there.
func TestErrorIndexExamples(t *testing.T) {
	const (
		key      = `<machineKey validation="HMACSHA256" decryption="AES" validationKey="VALIDATION-KEY" decryptionKey="DECRYPTION-KEY" />`
		forms    = `<authentication mode="Forms"><forms /></authentication>`
		v45      = `<httpRuntime targetFramework="4.8" />`
		services = `<system.identityModel.services><federationConfiguration><cookieHandler /></federationConfiguration></system.identityModel.services>`
	)
	web := func(inside string) string {
		return "<configuration><system.web>" + inside + "</system.web></configuration>"
	}
	swap := func(text, old, with string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in %s", old, text)
		}
		return strings.Replace(text, old, with, 1)
	}
	good := web(v45 + key + forms)
	fed := func(handler string) string {
		return "<configuration><system.web>" + v45 + key + "</system.web>" + swap(handlerElements+services, "<cookieHandler />", handler) + "</configuration>"
	}
	for _, test := range []struct{ code, text string }{
		{"", good},
		{"", fed(`<cookieHandler />`)},
		{"unsupported_charset", "\xff" + good},
		{"dtd_not_allowed", "<!DOCTYPE configuration>" + good},
		{"malformed_xml", swap(good, "</system.web>", "")},
		{"unknown_attribute", swap(good, `<forms />`, `<forms requireSsl="true" />`)},
		{"duplicate_section", web(v45 + key + key + forms)},
		{"empty_attribute", swap(good, `<forms />`, `<forms name="" />`)},
		{"invalid_boolean", swap(good, `<forms />`, `<forms requireSSL="yes" />`)},
		{"invalid_enum", swap(good, `<forms />`, `<forms protection="all" />`)},
		{"invalid_timespan", fed(`<cookieHandler persistentSessionLifetime="24:00:00" />`)},
		{"config_source_missing", web(v45 + `<machineKey configSource="other.config" />` + forms)},
		{"config_source_path", web(v45 + `<machineKey configSource="..\other.config" />` + forms)},
		{"config_source_not_alone", web(v45 + `<machineKey configSource="machineKey.config" decryption="AES" />` + forms)},
		{"auto_generated_key", web(v45 + forms)},
		{"invalid_validation_key", swap(good, `validationKey="`, `validationKey="0`)},
		{"invalid_decryption_key", swap(good, `decryptionKey="`, `decryptionKey="00`)},
		{"invalid_validation_algorithm", swap(good, `validation="HMACSHA256"`, `validation="MD5"`)},
		{"invalid_decryption_algorithm", swap(good, `decryption="AES"`, `decryption="aes"`)},
		{"custom_algorithm", swap(good, `validation="HMACSHA256"`, `validation="alg:Name"`)},
		{"custom_data_protector", swap(good, `validation="HMACSHA256"`, `validation="HMACSHA256" dataProtectorType="A.B, C"`)},
		{"data_protection_key_ring", swap(good, `validation="HMACSHA256"`,
			`validation="HMACSHA256" dataProtectorType="Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb"`)},
		{"invalid_validation_key", swap(good, "VALIDATION-KEY", "#{ValidationKey}#")},
		{"unknown_attribute", swap(good, "<configuration>", `<configuration xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform" xdt:Transform="Replace">`)},
		{"unsupported_charset", `<?xml version="1.0" encoding="iso-8859-15"?>` + swap(good, "<forms />", "<forms domain=\"\xe4\" />")},
		{"", `<?xml version="1.0" encoding="windows-1252"?>` + swap(good, "</configuration>", "<!-- \x80 --></configuration>")},
		{"invalid_target_framework", swap(good, `"4.8"`, `"4"`)},
		{"invalid_target_framework", swap(good, `"4.8"`, `"v4.5"`)},
		{"insecure_algorithm", swap(swap(good, v45, ""), `validation="HMACSHA256"`, `validation="MD5"`)},
		{"invalid_timeout", swap(good, `<forms />`, `<forms timeout="00:30:00" />`)},
		{"invalid_chunk_size", fed(`<cookieHandler><chunkedCookieHandler chunkSize="500" /></cookieHandler>`)},
		{"invalid_cookie_name", swap(good, `<forms />`, `<forms name="a b" />`)},
		{"insecure_setting", swap(swap(good, v45, ""), "</system.web>",
			`</system.web><appSettings><add key="aspnet:UseLegacyEncryption" value="true" /></appSettings>`)},
		{"session_handler_not_removed", swap(fed(`<cookieHandler />`), `<remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />`, "")},
	} {
		dir := t.TempDir()
		keys := freshKey(t)
		put(t, dir, "machineKey.config", keys(key))
		put(t, dir, "web.config", keys(test.text))
		_, err := cookie.LoadSite(filepath.Join(dir, "web.config"), nil)
		code := ""
		var e *machinekey.ConfigError
		if errors.As(err, &e) {
			code = e.Code
		}
		if code != test.code || err != nil && code == "" {
			t.Errorf("%q: %v", test.code, err)
		}
	}
	var e *machinekey.ConfigError
	if _, err := cookie.LoadSite(filepath.Join(t.TempDir(), "none"), nil); !errors.As(err, &e) || e.Code != "unreadable_file" {
		t.Errorf("no file: %v", err)
	}
}
