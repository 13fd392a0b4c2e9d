package doctor_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// now is the time of all tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site is a web.config to be: its attributes as they stand in the file.
type site struct {
	validationKey, decryptionKey string // with words behind them, if any
	validation, decryption       string
	mode, target                 string // compatibilityMode and targetFramework
	handler                      string // the session handler: machineKey, encode, custom or default
	wif10                        bool
	path                         string // of the session cookie
	skew                         string
	sessionName                  string
	formsName, protection        string
	rolesProtection, anonymous   string // cookieProtection
	rolesName, anonymousName     string
	formsPath                    string
	appSettings                  string
	// More attributes of the elements, and the whole of <httpCookies>.
	formsMore, rolesMore, anonymousMore, cookieMore, httpCookies string
	protected                                                    bool // <machineKey> is encrypted
	// The name, path and domain of the session of Cora SeQuence, empty for a site without it.
	sqName, sqPath, sqDomain string
}

// fresh is a site of today with keys of its own.
func fresh(t testing.TB) site {
	t.Helper()
	random := seed.Of(t)
	return site{
		validationKey: hex.EncodeToString(random.Bytes(64)), decryptionKey: hex.EncodeToString(random.Bytes(32)),
		validation: "HMACSHA256", decryption: "AES", mode: "Framework45", handler: "machineKey", skew: "00:05:00",
		sessionName: "FedAuth", formsName: ".ASPXAUTH", protection: "All", rolesProtection: "All", anonymous: "All",
	}
}

// with returns a copy of s with a change.
func (s site) with(change func(*site)) site {
	change(&s)
	return s
}

const wifTypes = `<remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />`

// text is the web.config. Elements that fixes change are written out, so that
// a fix is the change of an attribute.
func (s site) text() string {
	attr := func(name, value string) string {
		if value == "" {
			return ""
		}
		return fmt.Sprintf(" %s=%q", name, value)
	}
	handler := map[string]string{
		"machineKey": wifTypes +
			`<add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />`,
		"encode": wifTypes +
			`<add type="Thinktecture.IdentityModel.Web.MachineKeySessionSecurityTokenHandler, Thinktecture.IdentityModel" />`,
		"custom":  wifTypes + `<add type="Acme.SessionHandler, Acme" />`,
		"default": ``,
	}[s.handler]
	wif := fmt.Sprintf(`
  <system.identityModel>
    <identityConfiguration%s>
      <securityTokenHandlers>%s</securityTokenHandlers>
    </identityConfiguration>
  </system.identityModel>
  <system.identityModel.services><federationConfiguration><cookieHandler%s%s%s /></federationConfiguration></system.identityModel.services>`,
		attr("maximumClockSkew", s.skew), handler, attr("name", s.sessionName),
		attr("path", s.path), s.cookieMore)
	if s.wif10 {
		wif = fmt.Sprintf(`
  <microsoft.identityModel><service>
    <maximumClockSkew%s />
    <securityTokenHandlers>
      <remove type="Microsoft.IdentityModel.Tokens.SessionSecurityTokenHandler, Microsoft.IdentityModel" />
      <add type="Thinktecture.IdentityModel.Web.MachineKeySessionSecurityTokenHandler, Thinktecture.IdentityModel" />
    </securityTokenHandlers>
    <federatedAuthentication><cookieHandler%s%s requireSsl="true" /></federatedAuthentication>
  </service></microsoft.identityModel>`, attr("value", s.skew), attr("name", s.sessionName), attr("path", s.path))
	}
	text := fmt.Sprintf(`<configuration>
  <appSettings>%s</appSettings>
  <system.web>
    <httpRuntime%s />
    <machineKey%s%s%s%s%s />
    <authentication mode="Forms"><forms%s%s%s%s /></authentication>
    <roleManager enabled="true" cacheRolesInCookie="true"%s%s%s />
    <anonymousIdentification enabled="true"%s%s%s />
    <httpCookies%s />
  </system.web>%s
</configuration>
`, s.appSettings, attr("targetFramework", s.target),
		attr("validationKey", s.validationKey), attr("decryptionKey", s.decryptionKey),
		attr("validation", s.validation), attr("decryption", s.decryption),
		attr("compatibilityMode", s.mode), attr("name", s.formsName),
		attr("protection", s.protection), attr("path", s.formsPath), s.formsMore,
		attr("cookieProtection", s.rolesProtection), attr("cookieName", s.rolesName), s.rolesMore,
		attr("cookieProtection", s.anonymous), attr("cookieName", s.anonymousName), s.anonymousMore,
		s.httpCookies, wif)
	if s.sqName != "" {
		text = strings.Replace(text, "</configuration>", `<sequence.engine><web><session application="Shop"`+
			attr("sessionCookieName", s.sqName)+attr("sessionCookiePath", s.sqPath)+
			attr("sessionCookieDomain", s.sqDomain)+` /></web></sequence.engine></configuration>`, 1)
	}
	if s.protected {
		text = regexp.MustCompile(`<machineKey[^>]*>`).ReplaceAllString(text,
			`<machineKey configProtectionProvider="RsaProtectedConfigurationProvider"><EncryptedData /></machineKey>`)
	}
	return text
}

// ring makes the keys of a site as they stand, isolated if told.
func (s site) ring(t testing.TB, mode machinekey.Mode, iso doctor.Isolation) *machinekey.Ring {
	t.Helper()
	decode := func(text string) []byte {
		text, _, _ = strings.Cut(text, ",")
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret(decode(s.validationKey)),
		DecryptionKey: machinekey.NewSecret(decode(s.decryptionKey)), Mode: mode,
		Validation: machinekey.Validation(s.validation),
		Decryption: machinekey.Decryption(s.decryption), AllowInsecure: true, AllowKnownKey: true,
		AllowWeakKey: true}
	if iso != (doctor.Isolation{}) {
		var err error
		if cfg.ValidationKey, err = iso.Apply(cfg.ValidationKey); err != nil {
			t.Fatal(err)
		}
		if cfg.DecryptionKey, err = iso.Apply(cfg.DecryptionKey); err != nil {
			t.Fatal(err)
		}
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (s site) machineMode() machinekey.Mode {
	return cmp.Or(machinekey.Mode(s.mode), machinekey.Framework45)
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

var ctx = context.Background()

// must returns v, for what cannot fail unless the test is wrong.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// forms issues the text of a forms ticket for ann.
func (s site) forms(t testing.TB) string {
	t.Helper()
	return s.formsOf(t, s.ring(t, s.machineMode(), doctor.Isolation{}), "", now)
}

func (s site) formsOf(t testing.TB, ring *machinekey.Ring, userData string, from time.Time) string {
	t.Helper()
	o := &sessiontoken.FormsOptions{Now: at(from), Protection: machinekey.Protection(s.protection)}
	codec := must[*sessiontoken.FormsCodec](t)(sessiontoken.NewFormsCodec(ring, o))
	return must[string](t)(codec.Encode(ctx, codec.NewTicket("ann", userData)))
}

// session issues the text of a session for ann with the options given, which
// may be nil.
func (s site) session(t testing.TB, o *sessiontoken.SessionOptions, claims int) string {
	t.Helper()
	if o == nil {
		o = new(sessiontoken.SessionOptions)
	}
	if o.Now == nil {
		o.Now = at(now)
	}
	ring := s.ring(t, machinekey.Framework45, doctor.Isolation{})
	if s.wif10 {
		o.WIF10 = true
		ring = s.ring(t, machinekey.Framework20SP1, doctor.Isolation{})
	}
	codec := must[*sessiontoken.SessionCodec](t)(sessiontoken.NewSessionCodec(ring, o))
	token := must[*sessiontoken.Token](t)(codec.NewToken(ann(claims)))
	token.ReferenceMode = o.Store != nil
	return must[string](t)(codec.Encode(ctx, token))
}

func ann(claims int) sessiontoken.Principal {
	id := sessiontoken.Identity{AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "ann"}}}
	for i := range claims {
		id.Claims = append(id.Claims, sessiontoken.Claim{Type: fmt.Sprintf("urn:claim:%x", i),
			Value: fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)}))})
	}
	return sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}
}

// katana issues the text of a cookie of Katana for ann.
func (s site) katana(t testing.TB, authType string) string {
	t.Helper()
	codec := must[*sessiontoken.KatanaCodec](t)(sessiontoken.NewKatanaCodec(s.ring(t,
		machinekey.Framework45, doctor.Isolation{}), sessiontoken.Cookie(authType),
		&sessiontoken.KatanaOptions{Now: at(now)}))
	return must[string](t)(codec.Encode(ctx, codec.NewTicket(ann(0).Identities[0], nil)))
}

func (s site) node(t testing.TB, name string) *doctor.Node {
	t.Helper()
	return must[*doctor.Node](t)(parse(name, strings.NewReader(s.text())))
}

// header is an input with the Cookie header given.
func header(line string) doctor.Input {
	return doctor.Input{Request: &http.Request{Header: http.Header{"Cookie": {line}}}}
}

// chunks writes a session as .NET sends it.
func cut(t testing.TB, k chunks.Scheme, name, value string, size int) []string {
	t.Helper()
	var list []string
	for _, c := range must[[]*http.Cookie](t)(k.Split(&http.Cookie{Name: name, Value: value,
		Path: "/"}, size)) {
		list = append(list, c.Name+"="+c.Value)
	}
	return list
}

// apply changes the text of a web.config as a fix says; others are the texts
// of the other files by name.
func apply(t testing.TB, text string, fix doctor.Fix, others map[string]string) string {
	t.Helper()
	if len(fix.Settings) == 0 {
		t.Fatalf("the fix has no settings: %+v", fix)
	}
	result := text
	for _, s := range fix.Settings {
		parts := strings.Split(s.Path, "/")
		leaf := parts[len(parts)-1]
		switch s.Path {
		case "appSettings":
			old := regexp.MustCompile(`<add key="` + regexp.QuoteMeta(s.Attribute) + `"[^>]*>`)
			result = old.ReplaceAllString(result, "")
			result = strings.Replace(result, "<appSettings>",
				fmt.Sprintf("<appSettings><add key=%q value=%q />", s.Attribute, s.Value), 1)
			continue
		case "system.identityModel/identityConfiguration/securityTokenHandlers":
			whole := regexp.MustCompile(`(?s)<system.identityModel>.*</system.identityModel>`)
			result = whole.ReplaceAllLiteralString(result, fix.Snippet) // as the operator pastes it
			continue
		}
		value := s.Value
		if s.ValueOf != "" {
			from := text
			if s.FromFile != "" {
				from = others[s.FromFile]
			}
			value = attributeOf(t, from, leaf, s.ValueOf)
			if s.ValueOf == s.Attribute && s.FromFile == "" {
				value, _, _ = strings.Cut(value, ",")
			}
		}
		if !strings.Contains(fix.Snippet, "<"+leaf) ||
			!strings.Contains(fix.Snippet, s.Attribute+"=") {
			t.Errorf("the snippet does not show %s of %s:\n%s", s.Attribute, leaf, fix.Snippet)
		}
		element := regexp.MustCompile(`<` + leaf + `\b[^>]*>`)
		result = element.ReplaceAllStringFunc(result, func(e string) string {
			e = regexp.MustCompile(` `+s.Attribute+`="[^"]*"`).ReplaceAllString(e, "")
			return "<" + leaf + fmt.Sprintf(" %s=%q", s.Attribute,
				value) + strings.TrimPrefix(e, "<"+leaf)
		})
	}
	if result == text {
		t.Fatalf("the fix changes nothing: %+v", fix.Settings)
	}
	return result
}

func attributeOf(t testing.TB, text, element, name string) string {
	t.Helper()
	m := regexp.MustCompile(`<` + element + `\b[^>]*\b` + name +
		`="([^"]*)"`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in <%s>", name, element)
	}
	return m[1]
}

// noSecrets fails the test if a report holds a key of a site or a part of a
// credential.
func noSecrets(t testing.TB, r *doctor.Report, s site, in doctor.Input) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(string(data))
	for _, key := range []string{s.validationKey, s.decryptionKey} {
		if len(key) >= 32 && strings.Contains(text, strings.ToLower(key[:24])) {
			t.Error("the report holds key bytes")
		}
	}
	values := []string{in.Text}
	if in.Request != nil {
		for _, line := range in.Request.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				_, value, _ := strings.Cut(pair, "=")
				values = append(values, value)
			}
		}
	}
	for _, v := range values {
		if v = strings.TrimSpace(v); len(v) > 40 &&
			strings.Contains(text, strings.ToLower(v[len(v)/2:len(v)/2+16])) {
			t.Error("the report holds a part of the credential")
		}
	}
}
