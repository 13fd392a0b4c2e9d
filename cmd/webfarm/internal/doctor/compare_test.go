package doctor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// TestCompare changes one setting of the second node, and wants it among the
// differences, the kinds that cannot be shared because of it, and that the fix
// brings the nodes together.
func TestCompare(t *testing.T) {
	all := []doctor.Kind{doctor.FedAuth, doctor.Katana, doctor.Forms, doctor.Roles,
		doctor.Anonymous}
	small := []doctor.Kind{doctor.Forms, doctor.Roles, doctor.Anonymous}
	tests := []struct {
		name    string
		setting string
		apart   []doctor.Kind
		fixed   bool
		first   func(*site)
		change  func(*site)
	}{
		{"nothing", "", nil, false, nil, func(*site) {}},
		{"keys", "machineKey validationKey", all, true, nil,
			func(s *site) { s.validationKey = s.validationKey[2:] + s.validationKey[:2] }},
		{"decryption key", "machineKey decryptionKey", all, true, nil,
			func(s *site) { s.decryptionKey = s.decryptionKey[2:] + s.decryptionKey[:2] }},
		{"validation", "machineKey validation", all, true, nil, func(s *site) { s.validation = "SHA1" }},
		{"decryption", "machineKey decryption", all, false,
			func(s *site) { s.decryptionKey = s.decryptionKey[:48] },
			func(s *site) { s.decryption = "3DES" }},
		{"Auto is AES", "", nil, false, nil, func(s *site) { s.decryption = "Auto" }},
		{"mode", "compatibility mode", small, true, nil, func(s *site) { s.mode = "Framework20SP1" }},
		{"mode by the framework", "compatibility mode", small, true,
			func(s *site) { s.mode, s.target = "", "4.8" }, func(s *site) { s.target = "4.0" }},
		{"the two legacy modes", "compatibility mode", nil, false,
			func(s *site) { s.mode = "Framework20SP1" },
			func(s *site) { s.mode = "Framework20SP2" }},
		{"generated keys", "machineKey validationKey", all, true, nil,
			func(s *site) { s.validationKey = "AutoGenerate,IsolateApps" }},
		{"isolated keys", "machineKey validationKey", all, true,
			func(s *site) { s.mode = "Framework20SP1" },
			func(s *site) { s.validationKey += ",IsolateApps" }},
		{"session handler", "session: protection", []doctor.Kind{doctor.FedAuth}, true, nil,
			func(s *site) { s.handler = "default" }},
		{"a handler of its own", "session: protection", []doctor.Kind{doctor.FedAuth}, true, nil,
			func(s *site) { s.handler = "custom" }},
		{"generation of WIF", "session: generation", []doctor.Kind{doctor.FedAuth}, false, nil,
			func(s *site) { s.wif10 = true }},
		{"session path", "cookieHandler path", []doctor.Kind{doctor.FedAuth}, true,
			func(s *site) { s.path = "/a/" }, func(s *site) { s.path = "/" }},
		{"session name", "cookieHandler name", []doctor.Kind{doctor.FedAuth}, true, nil,
			func(s *site) { s.sessionName = "SiteAuth" }},
		{"clock skew", "identityConfiguration maximumClockSkew", nil, false, nil,
			func(s *site) { s.skew = "00:01:00" }},
		{"forms name", "forms name", []doctor.Kind{doctor.Forms}, true, nil,
			func(s *site) { s.formsName = ".SITE" }},
		{"protection in Framework45", "forms protection", nil, false, nil,
			func(s *site) { s.protection = "Encryption" }},
		{"protection in a legacy mode", "forms protection", []doctor.Kind{doctor.Forms}, true,
			func(s *site) { s.mode = "Framework20SP2" },
			func(s *site) { s.protection = "Encryption" }},
		{"old tickets", "appSettings aspnet:UseLegacyFormsAuthenticationTicketCompatibility",
			[]doctor.Kind{doctor.Forms}, true, nil, func(s *site) {
				s.appSettings = `<add key="aspnet:UseLegacyFormsAuthenticationTicketCompatibility" value="true" />`
			}},
		{"unsigned tickets", "appSettings aspnet:UseLegacyEncryption", small, true,
			func(s *site) { s.mode = "Framework20SP1" }, func(s *site) {
				s.appSettings = `<add key="aspnet:UseLegacyEncryption" value="true" />`
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := fresh(t)
			if test.first != nil {
				test.first(&a)
			}
			b := a.with(test.change)
			r := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"),
				doctor.Options{Now: now})
			var apart []doctor.Kind
			for _, s := range r.Comparison.Sharing {
				if !s.Used {
					t.Errorf("%s is on", s.Kind)
				}
				if !s.OK {
					apart = append(apart, s.Kind)
					if s.Why == "" {
						t.Errorf("%s: no reason", s.Kind)
					}
				}
			}
			if !slices.Equal(apart, test.apart) {
				t.Errorf("cannot be shared: %q, want %q", apart, test.apart)
			}
			want := map[string]string{"generated keys": "auto_generated_key",
				"isolated keys": "isolated_key"}[test.name]
			if want == "" {
				want = map[bool]string{true: "configs_agree",
					false: "configs_differ"}[len(test.apart) == 0]
			}
			if r.Code != want || r.OK != (len(test.apart) == 0) ||
				(r.Code == "configs_agree") != r.OK {
				t.Errorf("ok %v, code %q", r.OK, r.Code)
			}
			found := test.setting == "" && len(r.Comparison.Differences) == 0
			for _, d := range r.Comparison.Differences {
				if d.Setting == test.setting {
					found = true
					if r.Code == "configs_differ" &&
						!strings.Contains(r.Finding.Sentence, d.Setting) {
						t.Errorf("the sentence does not name it: %s", r.Finding.Sentence)
					}
				}
			}
			if !found {
				t.Errorf("differences %+v, want %q", r.Comparison.Differences, test.setting)
			}
			noSecrets(t, r, a, doctor.Input{})
			noSecrets(t, r, b, doctor.Input{})
			if test.fixed {
				mended(t, r, a, b)
			}
		})
	}
}

// mended applies the fix to the file that it names, and wants the nodes to agree then.
func mended(t *testing.T, r *doctor.Report, a, b site) {
	t.Helper()
	texts := map[string]string{"a.config": a.text(), "b.config": b.text()}
	texts[r.Finding.Fix.File] = apply(t, texts[r.Finding.Fix.File], r.Finding.Fix, texts)
	first := must[*doctor.Node](t)(parse("a.config", strings.NewReader(texts["a.config"])))
	second := must[*doctor.Node](t)(parse("b.config", strings.NewReader(texts["b.config"])))
	if r := doctor.Compare(ctx, first, second, doctor.Options{Now: now}); !r.OK {
		t.Errorf("after the fix: %s", r.Finding.Sentence)
	}
}

// TestCompareIssuing changes each setting of the cookies that .NET sets, in either file, and wants
// what users would notice to count.
func TestCompareIssuing(t *testing.T) {
	tests := []struct {
		setting, value string
		counts         bool // users notice
		change         func(s *site, attribute string)
	}{
		{"forms requireSSL", "true", true, forms},
		{"forms cookieSameSite", "None", true, forms},
		{"forms timeout", "60", true, forms},
		{"forms slidingExpiration", "false", true, forms},
		{"forms path", "/shop", true, forms},
		{"forms domain", "example.com", true, forms},
		{"cookieHandler requireSsl", "false", true, handler},
		{"cookieHandler domain", "example.com", true, handler},
		{"cookieHandler persistentSessionLifetime", "30.00:00:00", true, handler},
		{"cookieHandler hideFromScript", "false", false, handler},
		{"roleManager cookiePath", "/shop", true, roles},
		{"roleManager domain", "example.com", true, roles},
		{"roleManager cookieTimeout", "60", false, roles},
		{"roleManager cookieRequireSSL", "true", false, roles},
		{"anonymousIdentification cookiePath", "/shop", true, anonymous},
		{"anonymousIdentification cookieSlidingExpiration", "false", false, anonymous},
		{"httpCookies requireSSL", "true", true, httpCookies},
		{"httpCookies sameSite", "None", true, httpCookies},
		{"forms domain", "example.com", true, httpCookies},
	}
	for _, test := range tests {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprint(test.setting, " ", swapped), func(t *testing.T) {
				a := fresh(t)
				_, name, _ := strings.Cut(test.setting, " ")
				b := a.with(func(s *site) { test.change(s, fmt.Sprintf(" %s=%q", name, test.value)) })
				if swapped {
					a, b = b, a
				}
				r := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"),
					doctor.Options{Now: now})
				if r.OK == test.counts || (r.Code == "configs_differ") != test.counts {
					t.Fatalf("ok %v, %s: %s", r.OK, r.Code, r.Finding.Sentence)
				}
				found := slices.ContainsFunc(r.Comparison.Differences,
					func(d doctor.Difference) bool {
						return d.Setting == test.setting && d.Note != ""
					})
				if !found || test.counts && !strings.Contains(r.Finding.Sentence, test.setting) {
					t.Errorf("%s\n%+v", r.Finding.Sentence, r.Comparison.Differences)
				}
				if test.counts {
					mended(t, r, a, b)
				}
				if strings.Contains(name, "SSL") &&
					strings.Contains(fmt.Sprint(r.Finding.Fix.Settings), "false") {
					t.Errorf("the fix weakens: %+v", r.Finding.Fix)
				}
			})
		}
	}
}

func forms(s *site, attribute string)       { s.formsMore += attribute }
func handler(s *site, attribute string)     { s.cookieMore += attribute }
func roles(s *site, attribute string)       { s.rolesMore += attribute }
func anonymous(s *site, attribute string)   { s.anonymousMore += attribute }
func httpCookies(s *site, attribute string) { s.httpCookies += attribute }

// TestFixesStrengthen compares nodes of which one protects less, and wants the other's value in the
// fix.
func TestFixesStrengthen(t *testing.T) {
	set := func(key string) func(*site) {
		return func(s *site) { s.appSettings = fmt.Sprintf(`<add key=%q value="true" />`, key) }
	}
	tests := map[string]struct{ base, weak func(*site) }{
		"validation": {nil, func(s *site) { s.validation = "SHA1" }},
		"validation MD5": {func(s *site) { s.mode = "Framework20SP2" },
			func(s *site) { s.validation = "MD5" }},
		"decryption": {func(s *site) { s.decryptionKey = s.decryptionKey[:48] },
			func(s *site) { s.decryption = "3DES" }},
		"mode": {nil, func(s *site) { s.mode = "Framework20SP2" }},
		"forms": {func(s *site) { s.mode = "Framework20SP2" },
			func(s *site) { s.protection = "Validation" }},
		"roles": {func(s *site) { s.mode = "Framework20SP1" },
			func(s *site) { s.rolesProtection = "Encryption" }},
		"anonymous": {func(s *site) { s.mode = "Framework20SP1" },
			func(s *site) { s.anonymous = "None" }},
		"unsigned":         {func(s *site) { s.mode = "Framework20SP1" }, set("aspnet:UseLegacyEncryption")},
		"unsigned session": {func(s *site) { s.wif10 = true }, set("aspnet:UseLegacyMachineKeyEncryption")},
		"old tickets":      {nil, set("aspnet:UseLegacyFormsAuthenticationTicketCompatibility")},
		"DPAPI":            {nil, func(s *site) { s.handler = "default" }},
		"isolation": {func(s *site) { s.mode = "Framework20SP1" },
			func(s *site) { s.decryptionKey += ",IsolateApps" }},
	}
	for name, test := range tests {
		for _, swapped := range []bool{false, true} {
			a := fresh(t)
			if test.base != nil {
				test.base(&a)
			}
			b, weaker := a.with(test.weak), "b.config"
			if swapped {
				a, b, weaker = b, a, "a.config"
			}
			r := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"),
				doctor.Options{Now: now})
			if r.OK || r.Finding.Fix.File != weaker {
				t.Errorf("%s: ok %v, the fix is for %q: %+v", name, r.OK,
					r.Finding.Fix.File, r.Finding.Fix)
				continue
			}
			mended(t, r, a, b)
		}
	}
	// Each node has the better value of one setting.
	a := fresh(t).with(func(s *site) { s.validation = "SHA1" })
	b := a.with(func(s *site) { s.validation, s.mode = "HMACSHA256", "Framework20SP2" })
	fix := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"),
		doctor.Options{Now: now}).Finding.Fix
	if fix.File != "b.config" || len(fix.Settings) != 1 || fix.Settings[0].Value != "Framework45" ||
		!strings.Contains(fix.Text, "give a.config the validation of b.config") {
		t.Errorf("%+v", fix)
	}
}

// TestUnusableKeys gives nodes without a usable key alone, in pairs and with every kind of input: the
// key comes first, and no fix spreads the fault.
func TestUnusableKeys(t *testing.T) {
	good := fresh(t)
	generated := good.with(func(s *site) {
		s.validationKey, s.decryptionKey = "AutoGenerate,IsolateApps", "AutoGenerate,IsolateApps"
	})
	perMachine := good.with(func(s *site) { s.validationKey, s.decryptionKey = "AutoGenerate", "AutoGenerate" })
	short := good.with(func(s *site) { s.decryptionKey = s.decryptionKey[:20] })
	o := doctor.Options{Now: now}
	for _, pair := range [][2]site{{generated, generated}, {generated, perMachine},
		{perMachine, generated}, {perMachine, perMachine}} {
		r := doctor.Compare(ctx, pair[0].node(t, "a.config"), pair[1].node(t, "b.config"), o)
		if r.Code != "auto_generated_key" || !strings.Contains(r.Finding.Fix.Text,
			"webfarm keygen") ||
			strings.Contains(r.Finding.Fix.Snippet, "AutoGenerate") ||
			strings.Contains(r.Finding.Fix.Snippet, "from ") {
			t.Errorf("%s: %+v", r.Code, r.Finding)
		}
	}
	inputs := []doctor.Input{header("theme=dark"), header("FedAuth="),
		{Text: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln"},
		{Text: "CfDJ8" + strings.Repeat("Ab3_", 60)}, header(".ASPXAUTH=" + fresh(t).forms(t)),
		{Text: strings.Repeat("A", 5000)},
		header(".ASPXAUTH=" + strings.Repeat("AB", 2100)), {Text: "?"}}
	for i, in := range inputs {
		for code, bad := range map[string]site{"auto_generated_key": generated,
			"invalid_decryption_key": short} {
			for _, nodes := range [][]*doctor.Node{{bad.node(t, "bad.config")},
				{bad.node(t, "bad.config"), good.node(t, "good.config")}, {good.node(t,
					"good.config"), bad.node(t, "bad.config")}} {
				r := doctor.Examine(ctx, nodes, in, o)
				if r.Code != code || !strings.Contains(r.Finding.Sentence, "bad.config") {
					t.Errorf("input %d, %d nodes: %s, want %s: %s", i, len(nodes), r.Code, code,
						r.Finding.Sentence)
				}
			}
		}
	}
}

// TestWhichNode examines a cookie with two nodes, one of which reads it.
func TestWhichNode(t *testing.T) {
	a, b := fresh(t), fresh(t)
	r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "a.config"), b.node(t, "b.config")},
		header("FedAuth="+b.session(t, nil, 0)), doctor.Options{Now: now})
	v := r.Credentials[0].Verdicts
	if r.OK || v[0].OK || !v[1].OK || v[0].File != "a.config" || v[1].File != "b.config" {
		t.Errorf("verdicts %+v", v)
	}
	if r.Comparison == nil || r.Comparison.OK {
		t.Error("no comparison, or one without differences")
	}
	if c := r.Credentials[0]; c.User != "ann" || !c.To.Equal(now.Add(10*time.Hour)) ||
		c.OpenedBy == nil || c.OpenedBy.File != "b.config" {
		t.Errorf("contents %+v", c)
	}
}

// TestCompareBadKeys compares nodes that share a key which has to go: that comes
// before what they share, and before what they do not.
func TestCompareBadKeys(t *testing.T) {
	good := fresh(t)
	weak := good.with(func(s *site) { s.validationKey = strings.Repeat("0", 128) })
	weakCipher := good.with(func(s *site) { s.decryptionKey = strings.Repeat("AB", 32) })
	for _, tt := range []struct {
		a, b site
		file string
	}{{weak, weak, "a.config"}, {weakCipher, weakCipher, "a.config"}, {weak, good,
		"a.config"}, {good, weak, "b.config"}} {
		a, b := tt.a.node(t, "a.config"), tt.b.node(t, "b.config")
		r := doctor.Compare(ctx, a, b, doctor.Options{Now: now})
		if r.OK || r.Code != "weak_key" || r.Finding.Code != r.Code ||
			!strings.Contains(r.Finding.Sentence, tt.file) {
			t.Errorf("ok %v, %s: %s", r.OK, r.Code, r.Finding.Sentence)
		}
		r = doctor.Compare(ctx, a, b, doctor.Options{Now: now, AllowWeakKey: true})
		if r.OK != (tt.a == tt.b) || r.Code == "weak_key" {
			t.Errorf("allowed: ok %v, %s", r.OK, r.Code)
		}
	}
}

// TestNodeWarnings wants what a site should be told beside its node, with the
// line.
func TestNodeWarnings(t *testing.T) {
	a := fresh(t)
	text := `<configuration><system.web><machineKey validationKey="` + a.validationKey + `" decryptionKey="` + a.decryptionKey + `" compatibilityMode="Framework20SP1"/>
<authentication mode="Forms"><forms cookieless="UseCookies" protection="Validation"/></authentication></system.web>
<sequence.engine><web><session/></web></sequence.engine>
<microsoft.identityModel><service><securityTokenHandlers><clear/><add type="Thinktecture.IdentityModel.Web.MachineKeySessionSecurityTokenHandler"/></securityTokenHandlers></service></microsoft.identityModel>
</configuration>`
	n := must[*doctor.Node](t)(parse("web.config", strings.NewReader(text)))
	var got []string
	for _, w := range doctor.Compare(ctx, n, n, doctor.Options{Now: now}).Nodes[0].Warnings {
		got = append(got, fmt.Sprint(w.Code, " ", w.Line))
	}
	want := []string{"forms_protection_not_all 2", "require_ssl_not_set 4",
		"cora_cookie_payload_unknown 3", "cora_cookie_name_unknown 3", "cora_cookie_not_secure 3"}
	if !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// TestUnfinishedNodes reads files in which other sections are at fault.
func TestUnfinishedNodes(t *testing.T) {
	a := fresh(t)
	text := strings.Replace(a.text(), `mode="Forms"`, `mode="Forma"`, 1)
	n := must[*doctor.Node](t)(parse("web.config", strings.NewReader(text)))
	r := doctor.Examine(ctx, []*doctor.Node{n}, header("FedAuth="+a.session(t, nil, 0)),
		doctor.Options{Now: now})
	if !r.OK || len(r.Nodes[0].Warnings) != 1 || r.Nodes[0].Warnings[0].Code != "invalid_enum" {
		t.Errorf("ok %v, warnings %+v", r.OK, r.Nodes[0].Warnings)
	}
	if _, err := parse("web.config", strings.NewReader("<configuration>")); err == nil {
		t.Error("a file that is not well-formed was taken")
	}
}
