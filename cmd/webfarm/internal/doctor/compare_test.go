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
	all := []doctor.Kind{doctor.FedAuth, doctor.Katana, doctor.Forms, doctor.Roles, doctor.Anonymous}
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
		{"keys", "machineKey validationKey", all, true, nil, func(s *site) { s.validationKey = s.validationKey[2:] + s.validationKey[:2] }},
		{"decryption key", "machineKey decryptionKey", all, true, nil, func(s *site) { s.decryptionKey = s.decryptionKey[2:] + s.decryptionKey[:2] }},
		{"validation", "machineKey validation", all, true, nil, func(s *site) { s.validation = "SHA1" }},
		{"decryption", "machineKey decryption", all, false, func(s *site) { s.decryptionKey = s.decryptionKey[:48] }, func(s *site) { s.decryption = "3DES" }},
		{"Auto is AES", "", nil, false, nil, func(s *site) { s.decryption = "Auto" }},
		{"mode", "compatibility mode", small, true, nil, func(s *site) { s.mode = "Framework20SP1" }},
		{"mode by the framework", "compatibility mode", small, true, func(s *site) { s.mode, s.target = "", "4.8" }, func(s *site) { s.target = "4.0" }},
		{"the two legacy modes", "compatibility mode", nil, false, func(s *site) { s.mode = "Framework20SP1" }, func(s *site) { s.mode = "Framework20SP2" }},
		{"generated keys", "machineKey validationKey", all, true, nil, func(s *site) { s.validationKey = "AutoGenerate,IsolateApps" }},
		{"isolated keys", "machineKey validationKey", all, true, func(s *site) { s.mode = "Framework20SP1" }, func(s *site) { s.validationKey += ",IsolateApps" }},
		{"session handler", "session: protection", []doctor.Kind{doctor.FedAuth}, true, nil, func(s *site) { s.handler = "default" }},
		{"a handler of its own", "session: protection", []doctor.Kind{doctor.FedAuth}, true, nil, func(s *site) { s.handler = "custom" }},
		{"generation of WIF", "session: generation", []doctor.Kind{doctor.FedAuth}, false, nil, func(s *site) { s.wif10 = true }},
		{"session path", "cookieHandler path", []doctor.Kind{doctor.FedAuth}, true, func(s *site) { s.path = "/a/" }, func(s *site) { s.path = "/" }},
		{"session name", "cookieHandler name", []doctor.Kind{doctor.FedAuth}, true, nil, func(s *site) { s.sessionName = "SiteAuth" }},
		{"clock skew", "maximumClockSkew", nil, false, nil, func(s *site) { s.skew = "00:01:00" }},
		{"forms name", "forms name", []doctor.Kind{doctor.Forms}, true, nil, func(s *site) { s.formsName = ".SITE" }},
		{"protection in Framework45", "forms protection", nil, false, nil, func(s *site) { s.protection = "Encryption" }},
		{"protection in a legacy mode", "forms protection", []doctor.Kind{doctor.Forms}, true, func(s *site) { s.mode = "Framework20SP2" }, func(s *site) { s.protection = "Encryption" }},
		{"old tickets", "appSettings aspnet:UseLegacyFormsAuthenticationTicketCompatibility", []doctor.Kind{doctor.Forms}, true, nil, func(s *site) {
			s.appSettings = `<add key="aspnet:UseLegacyFormsAuthenticationTicketCompatibility" value="true" />`
		}},
		{"unsigned tickets", "appSettings aspnet:UseLegacyEncryption", small, true, func(s *site) { s.mode = "Framework20SP1" }, func(s *site) {
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
			r := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"), doctor.Options{Now: now})
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
			if r.OK != (len(test.apart) == 0) || (r.Code == "configs_agree") != r.OK {
				t.Errorf("ok %v, code %q", r.OK, r.Code)
			}
			found := test.setting == "" && len(r.Comparison.Differences) == 0
			for _, d := range r.Comparison.Differences {
				if d.Setting == test.setting {
					found = true
					if !r.OK && !strings.Contains(r.Finding.Sentence, d.Setting) {
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
				text := apply(t, b.text(), r.Finding.Fix, map[string]string{"a.config": a.text()})
				fixed := must[*doctor.Node](t)(parse("b.config", strings.NewReader(text)))
				if r := doctor.Compare(ctx, a.node(t, "a.config"), fixed, doctor.Options{Now: now}); !r.OK {
					t.Errorf("after the fix: %s", r.Finding.Sentence)
				}
			}
		})
	}
}

// TestWhichNode examines a cookie with two nodes, one of which reads it.
func TestWhichNode(t *testing.T) {
	a, b := fresh(t), fresh(t)
	r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "a.config"), b.node(t, "b.config")}, header("FedAuth="+b.session(t, nil, 0)), doctor.Options{Now: now})
	v := r.Credentials[0].Verdicts
	if r.OK || v[0].OK || !v[1].OK || v[0].File != "a.config" || v[1].File != "b.config" {
		t.Errorf("verdicts %+v", v)
	}
	if r.Comparison == nil || r.Comparison.OK {
		t.Error("no comparison, or one without differences")
	}
	if c := r.Credentials[0]; c.User != "ann" || !c.To.Equal(now.Add(10*time.Hour)) || c.OpenedBy == nil || c.OpenedBy.File != "b.config" {
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
	}{{weak, weak, "a.config"}, {weakCipher, weakCipher, "a.config"}, {weak, good, "a.config"}, {good, weak, "b.config"}} {
		a, b := tt.a.node(t, "a.config"), tt.b.node(t, "b.config")
		r := doctor.Compare(ctx, a, b, doctor.Options{Now: now})
		if r.OK || r.Code != "weak_key" || r.Finding.Code != r.Code || !strings.Contains(r.Finding.Sentence, tt.file) {
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
	want := []string{"forms_protection_not_all 2", "require_ssl_not_set 4", "cora_cookie_payload_unknown 3", "cora_cookie_name_unknown 3", "cora_cookie_not_secure 3"}
	if !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}

// TestUnfinishedNodes reads files in which other sections are at fault.
func TestUnfinishedNodes(t *testing.T) {
	a := fresh(t)
	text := strings.Replace(a.text(), `mode="Forms"`, `mode="Forma"`, 1)
	n := must[*doctor.Node](t)(parse("web.config", strings.NewReader(text)))
	r := doctor.Examine(ctx, []*doctor.Node{n}, header("FedAuth="+a.session(t, nil, 0)), doctor.Options{Now: now})
	if !r.OK || len(r.Nodes[0].Warnings) != 1 || r.Nodes[0].Warnings[0].Code != "invalid_enum" {
		t.Errorf("ok %v, warnings %+v", r.OK, r.Nodes[0].Warnings)
	}
	if _, err := parse("web.config", strings.NewReader("<configuration>")); err == nil {
		t.Error("a file that is not well-formed was taken")
	}
}
