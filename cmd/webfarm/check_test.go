package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestCheck wants the exit code, the codes of the faults and the decisions.
func TestCheck(t *testing.T) {
	key := strings.TrimSpace(freshConfig(t).WebConfig())
	const handler = `<system.identityModel><identityConfiguration><securityTokenHandlers><clear/>` +
		`<add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler"/></securityTokenHandlers></identityConfiguration></system.identityModel>`
	for _, tt := range []struct {
		name, system, rest string
		flags              []string
		code               int
		faults             []string
		accepted           []string
	}{
		{"FedAuth", key, handler, nil, 0, nil, []string{"FedAuth"}},
		{"a Katana cookie in code", key, "", []string{"-credential",
			"katana,AuthenticationType=A,Name=MyApp"}, 0, nil, []string{"Katana"}},
		{"nothing to accept", key, "", nil, 1, []string{"none_accepted"}, nil},
		{"no key", "", handler, nil, 1, []string{"auto_generated_key"}, nil},
		{"two faults", `<machineKey/><httpCookies requireSSL="maybe"/>`, handler, nil, 1,
			[]string{"auto_generated_key", "invalid_boolean"}, nil},
		{"no XML", "<", "", nil, 1, []string{"malformed_xml"}, nil},
		{"SQSession without a store", key,
			`<sequence.engine><web><session application="F" reuseSession="false"/></web></sequence.engine>` + handler,
			[]string{"-credential", "sqsession"}, 1, []string{"invalid_sequence_session"}, nil},
		{"an option without effect", key, handler, []string{"-credential", "bearer,Path=/"}, 2, nil, nil},
		{"an unknown option", key, handler, []string{"-credential", "forms,Color=red"}, 2, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "web.config")
			text := "<configuration>" + tt.rest + "<system.web>" + tt.system +
				"</system.web></configuration>"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errOut strings.Builder
			code := run(t.Context(), append([]string{"check", "-config", path, "-json"},
				tt.flags...), nil, &out, &errOut)
			if code != tt.code {
				t.Fatalf("exit %d, want %d: %s%s", code, tt.code, out.String(), errOut.String())
			}
			if code == 2 {
				if out.Len() > 0 || !strings.Contains(errOut.String(), "-credential") {
					t.Errorf("%s%s", out.String(), errOut.String())
				}
				return
			}
			var r checkReport
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
				t.Fatal(err)
			}
			var faults, accepted []string
			for _, f := range r.Faults {
				faults = append(faults, f.Code)
			}
			for _, d := range r.Decisions {
				if d.Accepted != nil && *d.Accepted {
					accepted = append(accepted, d.What)
				}
			}
			if r.OK != (code == 0) || !slices.Equal(faults, tt.faults) ||
				!slices.Equal(accepted, tt.accepted) {
				t.Errorf("faults %q, accepted %q:\n%s", faults, accepted, out.String())
			}
		})
	}
	var out, errOut strings.Builder
	if code := run(t.Context(), []string{"check", "-config", filepath.Join(t.TempDir(), "none")},
		nil, &out, &errOut); code != 2 {
		t.Errorf("missing file: exit %d", code)
	}
}

// TestCheckRing checks sites on a key ring of ASP.NET Core, alone and beside a web.config.
func TestCheckRing(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("key-1.xml", testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64)))
	compatible := write("web.config",
		`<configuration><system.web><httpRuntime targetFramework="4.8"/><machineKey applicationName="Old" dataProtectorType="`+
			`Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, X"/><authentication mode="Forms"/></system.web></configuration>`)
	tests := []struct {
		name  string
		flags string
		code  int
		want  []string
	}{
		{"alone", "-keys " + folder + " -app Shop -scheme Identity.Application", 0, []string{
			folder + ": no faults, 0 warnings\n\nKey ring of " + folder + ", Shop\n",
			"76692db8-b9c3-446a-937e-c7c07fda25a1  protecting  AES_256_CBC, HMACSHA256\n",
			`accepted: cookie ".AspNetCore.Identity.Application", scheme "Identity.Application", lifetime 14d, by -scheme`,
			`application "Shop", 1 key, 76692db8-b9c3-446a-937e-c7c07fda25a1 protects`,
			"  AuthenticationType  Identity.Application               flag\n",
			"\nSettings of a cookie of ASP.NET Core\n"}},
		{"a name", "-keys " + folder + " -cookie .AspNet.SharedCookie", 0, []string{
			`accepted: cookie ".AspNet.SharedCookie", scheme "Cookies", lifetime 14d, by -cookie`}},
		{"a credential", "-keys " + folder + " -credential core,Name=A -credential katana," +
			"AuthenticationType=X", 0, []string{
			`scheme "Cookies", lifetime 14d, by -credential`, `".AspNet.X", by -credential`}},
		{"two", "-keys " + folder + " -scheme B -credential core,AuthenticationType=A", 0, []string{
			`scheme "A", lifetime 14d, by -credential`, `scheme "B", lifetime 14d, by -scheme`}},
		{"beside a web.config", "-config " + compatible + " -keys " + folder +
			" -app Shop", 0, []string{
			`the key ring, by the class CompatibilityDataProtector, application "Old" (line 1)`,
			`accepted: cookie ".ASPXAUTH", timeout 30m, on the key ring (line 1)`,
			`accepted: cookie ".AspNetCore.Cookies", scheme "Cookies", lifetime 14d, by -keys`}},
		{"empty", "-keys " + t.TempDir(), 1, []string{": 1 fault, 0 warnings", "\n  no keys\n",
			"no application name, 0 keys, none protects now",
			"\nFaults\n  no_key  no key protects, so nobody can be signed in"}},
		{"no ring", "-config " + compatible, 1,
			[]string{"data_protection_key_ring", "the keys of <machineKey>: -keys"}},
		{"a bad name", "-keys " + folder + " -cookie a/b", 2, []string{"-cookie: not the name of a cookie"}},
		{"no such ring", "-keys " + folder + "/none", 2, []string{"-keys " + folder + "/none: no such file"}},
		{"no site", "", 2, []string{"-config is missing", "or -keys"}},
		{"a scheme alone", "-config " + compatible + " -scheme Cookies", 2,
			[]string{"-scheme and -cookie go with -keys"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if code := run(t.Context(), append([]string{"check"}, strings.Fields(tt.flags)...), nil,
				&out, &out); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(unfolded(out.String()), unfolded(want)) {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// TestCredentialFlag issues a cookie of Katana with a name of its own and has
// inspect find it.
func TestCredentialFlag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.config")
	if err := os.WriteFile(path, []byte("<configuration><system.web>"+freshConfig(t).WebConfig()+
		"</system.web></configuration>"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"-config", path, "-json", "-credential",
		"katana,AuthenticationType=Shop,Name=MyApp,Path=/shop,SameSite=Strict,Lifetime=2h"}
	var out, errOut strings.Builder
	if code := run(t.Context(), append([]string{"issue", "-kind", "katana", "-name", "bob"},
		flags...), nil, &out, &errOut); code != 0 {
		t.Fatal(errOut.String())
	}
	var made issueReport
	if err := json.Unmarshal([]byte(out.String()), &made); err != nil {
		t.Fatal(err)
	}
	if set := made.SetCookie[0]; !strings.HasPrefix(set, "MyApp=") ||
		!strings.Contains(set, "Path=/shop") || !strings.Contains(set, "SameSite=Strict") ||
		made.ValidTo.Sub(made.ValidFrom).Hours() != 2 {
		t.Errorf("%s, to %s", set, made.ValidTo)
	}
	out.Reset()
	if code := run(t.Context(), append([]string{"inspect", "Cookie: " + made.Header}, flags...),
		nil, &out, &errOut); code != 0 {
		t.Fatal(out.String(), errOut.String())
	}
	var seen inspectReport
	if err := json.Unmarshal([]byte(out.String()), &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Credentials) != 1 || seen.Credentials[0].Kind != site.Katana ||
		seen.Credentials[0].AuthType != "Shop" || !seen.Credentials[0].OK {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	if code := run(t.Context(), append([]string{"doctor", "Cookie: " + made.Header}, flags...), nil,
		&out, &errOut); code != 0 {
		t.Errorf("%s%s", out.String(), errOut.String())
	}
}
