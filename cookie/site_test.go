package cookie_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/testvectors"
)

// siteFile copies a web.config of the vectors to disk.
func siteFile(t testing.TB, name string) string {
	t.Helper()
	data := testkit.File(t, "webconfig/"+name)
	return writeSite(t, string(data))
}

// writeSite writes a web.config.
func writeSite(t testing.TB, xml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.config")
	if err := os.WriteFile(path, []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// on2026 is a clock within the validity of the session tokens of the vectors.
func on2026() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// answer sends a request through Guard.Handler and returns the status and the
// name of the user.
func answer(s *cookie.Site, r *http.Request) (status int, user string) {
	w := httptest.NewRecorder()
	s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		user = p.Name()
	})).ServeHTTP(w, r)
	return w.Code, user
}

// loadKnown is LoadSite for the files of the vectors, whose keys are published.
func loadKnown(path string, o *cookie.SiteOptions) (*cookie.Site, error) {
	change := o.Config
	o.Config = func(c *machinekey.Config) {
		c.AllowKnownKey, c.AllowWeakKey = true, true
		if change != nil {
			change(c)
		}
	}
	return cookie.LoadSite(path, o)
}

// Every whole file of the vectors, and what a log shows of it.
func TestLoadSiteFiles(t *testing.T) {
	tests := map[string]struct {
		opts cookie.SiteOptions
		want []string // lines of String
		code string   // of a ConfigError, instead
	}{
		"cora-sequence.config": {want: []string{
			`mode            Framework45, by targetFramework (line 25)`,
			`key             9d038b6f, SHA1 and AES (line 28)`,
			`warning         anybody can sign in: the validationKey is a key published in the test vectors of webfarm, key A, and the decryptionKey too (line 28)`,
			`FedAuth         accepted: cookie "FedAuth", WIF 4.5, any endpoint, clock skew 5m, lifetime 10h (line 41)`,
			`FedAuth cookie  path "/", domain "", secure true, hidden from scripts true, SameSite not set, not renewed, chunks of 2000 (line 47)`,
			`Forms           not accepted: authentication mode is "None" (line 26)`,
			`Katana          not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials`,
			`Bearer          not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`,
			`SQSession       not accepted: cookie "SQSessionFlowtime" can be passed on but not read (line 14)`,
			`SQSession       in location "SequenceServices" enabled is false: keep Handler away from there, or put it there (line 20)`,
		}},
		"wif45-fedauth.config": {want: []string{
			`mode            Framework45, by targetFramework (line 9)`,
			`key             3dfb33ca, SHA1 and AES (line 11)`,
			`warning         anybody can sign in: the validationKey is a key published in the test vectors of webfarm, key B, and the decryptionKey too (line 11)`,
			`FedAuth         accepted: cookie "FedAuth", WIF 4.5, endpoint "/", clock skew 10m, lifetime 30m (line 28)`,
			`FedAuth cookie  path "/", domain ".app.example", secure true, hidden from scripts true, SameSite not set, not renewed, chunks of 3000 (line 44)`,
			`Forms           not accepted: authentication mode is "None" (line 10)`,
			`Katana          not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials`,
			`Bearer          not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`,
		}},
		"wif10-thinktecture.config": {want: []string{
			`mode            Framework20SP1, by default`,
			`key             9d038b6f-20SP1, SHA1 and AES (line 14)`,
			`warning         anybody can sign in: the validationKey is a key published in the test vectors of webfarm, key A, and the decryptionKey too (line 14)`,
			`FedAuth         accepted: cookie "FedAuth", WIF 1.0, endpoint "/portal/", clock skew 3m, lifetime 8h (line 24)`,
			`FedAuth cookie  path "/portal/", domain "", secure true, hidden from scripts true, SameSite not set, not renewed, chunks of 2000 (line 30)`,
			`Forms           not accepted: authentication mode is "None" (line 13)`,
			`Katana          not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials`,
			`Bearer          not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`,
		}},
		"forms-site.config": {want: []string{
			`mode          Framework45, by targetFramework (line 16)`,
			`key           9d038b6f, SHA1 and AES (line 13)`,
			`warning       anybody can sign in: the validationKey is a key published in the test vectors of webfarm, key A, and the decryptionKey too (line 13)`,
			`FedAuth       not accepted: no <system.identityModel>, <system.identityModel.services> or <microsoft.identityModel>`,
			`Forms         accepted: cookie ".SHOPAUTH", timeout 45m, protection All (line 19)`,
			`Forms cookie  path "/", domain "shop.example", secure true, hidden from scripts true, SameSite None, renewed in use (line 19)`,
			`Katana        not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials`,
			`Bearer        not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`,
			`httpCookies   defaults of other cookies: domain "", secure true, hidden from scripts true, SameSite Lax (line 23)`,
			`warning       the settings in this <location> do not apply to child applications (line 11)`,
		}},
		"katana-bearer-api.config": {opts: cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}, {Kind: cookie.KindKatana, AuthenticationType: "Cookies"}, {Kind: cookie.KindBearer}}}, want: []string{
			`mode           Framework45, by targetFramework (line 9)`,
			`key            3dfb33ca, SHA1 and AES (line 10)`,
			`warning        anybody can sign in: the validationKey is a key published in the test vectors of webfarm, key B, and the decryptionKey too (line 10)`,
			`FedAuth        not accepted: no <system.identityModel>, <system.identityModel.services> or <microsoft.identityModel>`,
			`Forms          not accepted: authentication mode is "Windows"`,
			`Katana         accepted: cookie ".AspNet.ApplicationCookie", by the options`,
			`Katana cookie  path "/", domain "", secure as the request, hidden from scripts true, SameSite not set, renewed in use`,
			`Katana         accepted: cookie ".AspNet.Cookies", by the options`,
			`Katana cookie  path "/", domain "", secure as the request, hidden from scripts true, SameSite not set, renewed in use`,
			`Bearer         accepted: header Authorization, by the options`,
		}},
		"encrypted-machinekey.config": {code: "encrypted_section"},
	}
	seen := 0
	for _, name := range testvectors.Names() {
		file, ok := strings.CutPrefix(name, "webconfig/")
		if !ok || !strings.HasSuffix(file, ".config") {
			continue
		}
		seen++
		t.Run(file, func(t *testing.T) {
			tt, ok := tests[file]
			if !ok {
				t.Fatal("a new file needs a line in this table")
			}
			s, err := loadKnown(siteFile(t, file), &tt.opts)
			if tt.code != "" {
				var e *machinekey.ConfigError
				if !errors.As(err, &e) || e.Code != tt.code || e.Line == 0 || s != nil {
					t.Fatalf("%v, want %s with a line", err, tt.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := s.String(), strings.Join(tt.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
	if seen != len(tests) {
		t.Errorf("%d files, want %d", seen, len(tests))
	}
}

// siteVector is a credential of the vectors, as far as a request needs it.
type siteVector struct {
	CookieName, Text, Cookie string
	Cookies                  []pair
	MachineKey               json.RawMessage
}

func siteVectorNamed(t testing.TB, file, name string) siteVector {
	t.Helper()
	type vectors struct{ Vectors []json.RawMessage }
	f := testkit.Parsed[vectors](t, file)
	for _, raw := range f.Vectors {
		var id struct{ ID, Name string }
		if err := json.Unmarshal(raw, &id); err != nil {
			t.Fatal(err)
		}
		if id.ID != name && id.Name != name {
			continue
		}
		var v siteVector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	t.Fatalf("%s: no vector %q", file, name)
	return siteVector{}
}

// Credentials recorded from .NET, through the handler of the site whose keys
// they were made with.
func TestLoadSiteRequests(t *testing.T) {
	session := testkit.Header(siteVectorNamed(t, "sessiontoken_45.json", "one-claim-key-B").Cookies)
	other := testkit.Header(siteVectorNamed(t, "sessiontoken_45.json", "one-claim").Cookies)
	wif10 := testkit.Header(siteVectorNamed(t, "sessiontoken_wif10.json", "one-claim").Cookies)
	ticket := ".SHOPAUTH=" + siteVectorNamed(t, "formsauth.json", "fa-keyA-45-basic").Cookie
	katana := siteVectorNamed(t, "owin.json", "pub-009-cookie-ApplicationCookie")
	token := siteVectorNamed(t, "owin.json", "pub-014-access-token").Text
	identity := katana.CookieName + "=" + katana.Text

	wif45, katanaSite := siteFile(t, "wif45-fedauth.config"), siteFile(t,
		"katana-bearer-api.config")
	thinktecture, shop := siteFile(t, "wif10-thinktecture.config"), siteFile(t, "forms-site.config")
	longAgo := func() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) } // before every expiry
	tests := []struct {
		name, path string
		opts       cookie.SiteOptions
		header     string
		value      string
		status     int
		user       string
	}{
		{"session", wif45, cookie.SiteOptions{}, "Cookie", session, 200, "dave"},
		{"altered", wif45, cookie.SiteOptions{}, "Cookie", session[:100] + "A" + session[101:], 401, ""},
		{"nothing", wif45, cookie.SiteOptions{}, "Cookie", "", 401, ""},
		{"other endpoint", wif45,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindFedAuth,
				Path: "/app/"}}}, "Cookie", session, 401, ""},
		{"other key", wif45, cookie.SiteOptions{}, "Cookie", other, 401, ""},
		{"older key", wif45, cookie.SiteOptions{Older: []string{shop}}, "Cookie", other, 200, "carol"},
		{"WIF 1.0, path of the file", thinktecture, cookie.SiteOptions{}, "Cookie", wif10, 401, ""},
		{"WIF 1.0", thinktecture,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindWIF10,
				Path: "/"}}}, "Cookie", wif10, 200, "alice"},
		{"forms", shop, cookie.SiteOptions{}, "Cookie", ticket, 200, "山田太郎"},
		{"forms, not the default name", shop, cookie.SiteOptions{}, "Cookie",
			strings.Replace(ticket, ".SHOPAUTH", ".ASPXAUTH", 1), 401, ""},
		{"katana", katanaSite,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
				AuthenticationType: "ApplicationCookie"}}, Now: longAgo}, "Cookie", identity, 200,
			"gaotaxyq@osthj.example"},
		{"katana not asked for", katanaSite,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindBearer}},
				Now: longAgo}, "Cookie", identity, 401, ""},
		{"bearer", katanaSite,
			cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindBearer}},
				Now: longAgo}, "Authorization", "Bearer " + token, 200, "xbbkc@tvzufua.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opts.Now == nil {
				tt.opts.Now = on2026
			}
			s, err := loadKnown(tt.path, &tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set(tt.header, tt.value)
			if status, user := answer(s, r); status != tt.status || user != tt.user {
				t.Errorf("%d %q, want %d %q", status, user, tt.status, tt.user)
			}
		})
	}
}

// The keys of the sites below.
const siteKeys = `validationKey="4B04D08CAA210ABF91B5E6E86763E0EEA4044284B4C962B4E51227868DF44D1D6D20F7309FBA3CE323404FA0FC39E6C8C6CE9FB842C9481B9938EB268AF5F85D" ` +
	`decryptionKey="C9D61286123285F6FA496CFA190FC219BEF44A0943705404CF023C15A1FFFE02"`

// siteOf returns a web.config with a key of that validation in a mode.
func siteOf(mode, validation, web, rest string) string {
	return "<configuration>" + rest + "<system.web>\n<machineKey " + siteKeys +
		` validation="` + validation +
		`" decryption="AES" compatibilityMode="` + mode + "\"/>\n" + web +
		"</system.web></configuration>"
}

const (
	formsMode    = `<authentication mode="Forms"/>`
	machineKey45 = "System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler"
)

// handlerOf returns a <system.identityModel> with that session handler.
func handlerOf(class string) string {
	return `<system.identityModel><identityConfiguration maximumClockSkew="Infinite"><securityTokenHandlers><clear/>` +
		`<add type="` + class +
		`, X"/></securityTokenHandlers></identityConfiguration></system.identityModel>`
}

func setting(key string) string {
	return "<appSettings>\n" + `<add key="` + key + `" value="true"/></appSettings>`
}

// What is accepted, and why not.
func TestLoadSiteDecisions(t *testing.T) {
	const dpapi, encryption, old = "<system.identityModel/>", "aspnet:UseLegacyEncryption", "aspnet:UseLegacyFormsAuthenticationTicketCompatibility"
	custom := `<system.identityModel.services><federationConfiguration><cookieHandler mode="Custom"><customCookieHandler type="Shop.Cookies, Shop"/></cookieHandler></federationConfiguration></system.identityModel.services>`
	tests := []struct {
		name, xml string
		insecure  bool
		code      string // of the ConfigError
		want      string // in String, or in the error
	}{
		{"skew", siteOf("Framework45", "SHA1", "", handlerOf(machineKey45)), false, "",
			`any endpoint, clock skew Infinite, lifetime 10h`},
		{"protect in a legacy mode", siteOf("Framework20SP2", "SHA1", "", handlerOf(machineKey45)),
			false, "", "FedAuth         accepted"},
		{"DPAPI", siteOf("Framework45", "SHA1", formsMode, dpapi), false, "",
			"FedAuth       not accepted: session tokens are protected with DPAPI"},
		{"DPAPI alone", siteOf("Framework45", "SHA1", "", dpapi), false, "none", "want <remove type="},
		{"custom handler", siteOf("Framework45", "SHA1", formsMode,
			handlerOf("Shop.SessionSecurityTokenHandler")), false, "",
			`"Shop.SessionSecurityTokenHandler"`},
		{"no handler", siteOf("Framework45", "SHA1", formsMode,
			strings.Replace(handlerOf("x"), `<add type="x, X"/>`, "", 1)), false, "",
			"the handler of session tokens is removed"},
		{"handler of WIF 1.0", siteOf("Framework45", "SHA1", formsMode,
			handlerOf("Thinktecture.IdentityModel.Web.MachineKeySessionSecurityTokenHandler")),
			false, "", "another version"},
		{"custom cookie handler", siteOf("Framework45", "SHA1", formsMode,
			handlerOf(machineKey45)+custom), false, "", `by "Shop.Cookies"`},
		{"Protect without AES", siteOf("Framework20SP2", "AES", formsMode, handlerOf(machineKey45)),
			false, "", `does not know validation "AES"`},
		{"no credential", siteOf("Framework45", "SHA1", "", ""), false, "none",
			`authentication mode is "Windows"`},
		{"cookieless", siteOf("Framework45", "SHA1",
			`<authentication mode="Forms"><forms cookieless="UseUri"/></authentication>`, ""),
			false, "none", "in the URL"},
		{"unprotected", siteOf("Framework20SP2", "SHA1",
			`<authentication mode="Forms"><forms protection="None"/></authentication>`, ""), true,
			"none", "anybody can write"},
		{"signed only", siteOf("Framework20SP2", "SHA1",
			`<authentication mode="Forms"><forms protection="Validation"/></authentication>`, ""),
			false, "",
			`warning       with protection="Validation" in mode Framework20SP2 anybody can read a ticket; want protection="All" on all nodes (line 3)`},
		{"WIF 1.0 without requireSsl", siteOf("Framework20SP2", "SHA1", formsMode,
			"\n<microsoft.identityModel/>"), false, "",
			`its default in WIF 1.0 is not documented, so that some nodes may send the cookie without TLS; want requireSsl="true" in <cookieHandler> (line 2)`},
		{"protection without effect", siteOf("Framework45", "SHA1",
			`<authentication mode="Forms"><forms protection="None"/></authentication>`, ""), false,
			"", "Forms         accepted"},
		{"unsigned", siteOf("Framework20SP2", "SHA1", formsMode, setting(encryption)), false,
			"insecure_setting", encryption},
		{"unsigned allowed", siteOf("Framework20SP2", "SHA1", formsMode, setting(encryption)), true,
			"", "insecure by " + encryption + " of line 2"},
		{"unsigned without effect", siteOf("Framework45", "SHA1", formsMode, setting(encryption)),
			false, "", "protection All (line"},
		{"unsigned encryption", siteOf("Framework20SP2", "SHA1",
			`<authentication mode="Forms"><forms protection="Encryption"/></authentication>`,
			setting(encryption)), true, "none", "anybody can write"},
		{"old layout", siteOf("Framework45", "SHA1", formsMode, setting(old)), false, "insecure_setting", old},
		{"old layout allowed", siteOf("Framework45", "SHA1", formsMode, setting(old)), true, "",
			"insecure by " + old},
		{"weak algorithm", siteOf("Framework20SP2", "MD5", formsMode, ""), false,
			"insecure_algorithm", "line 2: "},
		{"weak algorithm allowed", siteOf("Framework20SP2", "MD5", formsMode, ""), true, "",
			"Forms         accepted"},
		{"timeout", siteOf("Framework45", "SHA1",
			`<authentication mode="Forms"><forms timeout="2147483647"/></authentication>`, ""),
			false, "", "timeout 36500d"},
		{"bad timeout", siteOf("Framework45", "SHA1",
			`<authentication mode="Forms"><forms timeout="0"/></authentication>`, ""), false,
			"invalid_timeout", "line 3"},
		{"bad name", siteOf("Framework45", "SHA1",
			`<authentication mode="Forms"><forms name="a;b"/></authentication>`, ""), false,
			"invalid_cookie_name", "line 3"},
		{"no key", "<configuration/>", false, "auto_generated_key", "web.config"},
		{"no XML", "<configuration>", false, "malformed_xml", "line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := loadKnown(writeSite(t, tt.xml),
				&cookie.SiteOptions{Config: func(c *machinekey.Config) { c.AllowInsecure = tt.insecure }})
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(s.String(), tt.want) {
					t.Errorf("%q is not in:\n%s", tt.want, s)
				}
				return
			}
			if err == nil {
				t.Fatalf("no error:\n%s", s)
			}
			code, e := "", (*machinekey.ConfigError)(nil)
			switch {
			case errors.As(err, &e):
				code = e.Code
			case errors.Is(err, cookie.ErrNoneAccepted):
				code = "none"
			}
			if code != tt.code || !strings.Contains(err.Error(), tt.want) ||
				!strings.HasPrefix(err.Error(), "cookie: ") || s != nil {
				t.Errorf("%q: %v, want %q with %q", code, err, tt.code, tt.want)
			}
		})
	}
}

func TestLoadSiteOptions(t *testing.T) {
	path := siteFile(t, "wif45-fedauth.config")
	for name, opts := range map[string]cookie.SiteOptions{
		"AuthenticationType: it is missing": {Credentials: []cookie.Credential{{Kind: cookie.KindKatana, AuthenticationType: ""}}},
		"older key, missing.config":         {Older: []string{"missing.config"}},
	} {
		if s, err := loadKnown(path, &opts); err == nil || s != nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cookie.LoadSite(filepath.Join(t.TempDir(), "web.config"), nil); !errors.Is(err,
		os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}

	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := loadKnown(path, &cookie.SiteOptions{Older: []string{siteFile(t, "forms-site.config")},
		Sessions: cookie.SessionsOptions{Logger: logger}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Ring().Keys()); n != 2 {
		t.Errorf("%d keys", n)
	}
	var records strings.Builder
	slog.New(slog.NewJSONHandler(&records, nil)).Info("start", "site", s)
	var record struct {
		Site []struct {
			What, Why string
			Accepted  bool
			Line      int
		}
	}
	if err := json.Unmarshal([]byte(records.String()), &record); err != nil {
		t.Fatal(err)
	}
	if d := record.Site; d[3].What != "older key" || !d[5].Accepted || d[0].Accepted ||
		d[5].Why == "" || d[5].Line == 0 {
		t.Errorf("%v", d)
	}
	answer(s, request("FedAuth=forged"))
	if !strings.Contains(log.String(), "source=0") {
		t.Errorf("log %q", log.String())
	}
	for _, got := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s),
		s.LogValue().String()} {
		if got != s.String() {
			t.Errorf("prints %q", got)
		}
	}
}

// TestLoadSiteKnownKey wants the line and the source of a public key, in the
// site's own file and in an older one, and nothing of the key.
func TestLoadSiteKnownKey(t *testing.T) {
	known := siteFile(t, "forms-site.config")
	_, err := cookie.LoadSite(known, nil)
	var e *machinekey.ConfigError
	if !errors.Is(err, machinekey.ErrKnownKey) || !errors.As(err, &e) ||
		e.Code != "known_key" || e.Line != 13 ||
		!strings.Contains(err.Error(), "key A") {
		t.Errorf("%v", err)
	}
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	fresh := writeSite(t, `<configuration><system.web>`+cfg.WebConfig()+formsMode+
		`</system.web></configuration>`)
	if _, err := cookie.LoadSite(fresh, nil); err != nil {
		t.Error(err)
	}
	if _, err := cookie.LoadSite(fresh,
		&cookie.SiteOptions{Older: []string{known}}); !errors.Is(err, machinekey.ErrKnownKey) ||
		!strings.Contains(err.Error(), "older") {
		t.Errorf("older: %v", err)
	}
	text := fmt.Sprintf("validationKey,decryptionKey\n%x,%x\n",
		sha256.Sum256(fmt.Appendf(nil, "%X", cfg.ValidationKey.Reveal())), sha256.Sum256(nil))
	list, err := machinekey.KnownKeys(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cookie.LoadSite(fresh,
		&cookie.SiteOptions{Config: func(c *machinekey.Config) { c.KnownKeys = list }}); !errors.Is(err, machinekey.ErrKnownKey) || !strings.Contains(err.Error(), "on line 2 of the list") {
		t.Errorf("listed: %v", err)
	}
}

func FuzzLoadSite(f *testing.F) {
	seeds := 0
	for _, name := range testvectors.Names() {
		if !strings.HasPrefix(name, "webconfig/") || !strings.HasSuffix(name, ".config") {
			continue
		}
		data := testkit.File(f, name)
		f.Add(string(data), true)
		seeds++
	}
	data, err := testvectors.Read("webconfig/cases.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Cases []struct{ XML string } }
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		f.Add(c.XML, false)
		seeds++
	}
	if seeds != 6+70 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, xml string, insecure bool) {
		s, err := cookie.LoadSite(writeSite(t, xml),
			&cookie.SiteOptions{Config: func(c *machinekey.Config) { c.AllowInsecure, c.AllowKnownKey = insecure, true }})
		if err != nil {
			var e *machinekey.ConfigError
			if s != nil || !errors.As(err, &e) && !errors.Is(err, cookie.ErrNoneAccepted) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if strings.Count(s.String(), "accepted: ") == 0 || len(s.Ring().Keys()) != 1 {
			t.Errorf("%s", s)
		}
		cfg, err := machinekey.ParseWebConfig(strings.NewReader(xml))
		if err == nil && cfg.ValidationKey.Len() >= 16 &&
			strings.Contains(strings.ToLower(s.String()),
				fmt.Sprintf("%x", cfg.ValidationKey.Reveal())) {
			t.Error("shows the key")
		}
		if status, _ := answer(s,
			request("FedAuth=AAAA; .ASPXAUTH=AAAA")); status != http.StatusUnauthorized {
			t.Errorf("status %d", status)
		}
	})
}
