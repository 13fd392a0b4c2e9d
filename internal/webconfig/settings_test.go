package webconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// site returns a web.config with a machineKey and what else is given, in
// <system.web> and beside it.
func site(web, beside string) []byte {
	return []byte("<configuration>\n<system.web>\n<machineKey " + keys +
		" compatibilityMode='Framework45'/>\n" + web + "\n</system.web>\n" + beside +
		"\n</configuration>")
}

// The line of what stands first in web, and first beside it if web is empty.
const lineInWeb, lineBeside = 4, 6

func TestSectionFaults(t *testing.T) {
	model := func(s string) string {
		return "<system.identityModel><identityConfiguration>" + s +
			"</identityConfiguration></system.identityModel>"
	}
	services := func(s string) string {
		return "<system.identityModel.services><federationConfiguration>" + s +
			"</federationConfiguration></system.identityModel.services>"
	}
	handlers := func(s string) string {
		return model("<securityTokenHandlers>" + s + "</securityTokenHandlers>")
	}
	old := func(s string) string {
		return "<microsoft.identityModel><service>" + s + "</service></microsoft.identityModel>"
	}
	remove := "<remove type='" + handler45 + ", System.IdentityModel'/>"
	for _, test := range []struct{ web, beside, code, attribute string }{
		// Forms authentication.
		{"<authentication Mode='Forms'/>", "", CodeUnknownAttribute, "Mode"},
		{"<authentication mode='Forms'><Forms/></authentication>", "", CodeUnknownElement, ""},
		{"<authentication mode='Forms'><forms/><forms/></authentication>", "", CodeDuplicateSection, ""},
		{"<authentication><forms timeout='0.5'/></authentication>", "", CodeInvalidTimeout, "timeout"},
		{"<authentication><forms timeout='-1'/></authentication>", "", CodeInvalidTimeout, "timeout"},
		{"<authentication><forms timeout=''/></authentication>", "", CodeInvalidTimeout, "timeout"},
		{"<authentication><forms timeout='2147483648'/></authentication>", "", CodeInvalidTimeout, "timeout"},
		{"<authentication><forms name=''/></authentication>", "", CodeEmptyAttribute, "name"},
		{"<authentication><forms requireSsl='true'/></authentication>", "", CodeUnknownAttribute, "requireSsl"},
		{"<authentication><forms cookieSameSite='lax'/></authentication>", "", CodeInvalidEnum,
			"cookieSameSite"},
		{"<authentication><forms cookieless='useCookies'/></authentication>", "",
			CodeInvalidEnum, "cookieless"},
		{"<authentication><forms ticketCompatibilityMode='40'/></authentication>", "",
			CodeInvalidEnum, "ticketCompatibilityMode"},
		{"<authentication><forms><users/></forms></authentication>", "", CodeUnknownElement, ""},
		{"<authentication configProtectionProvider='P'><EncryptedData/></authentication>", "",
			CodeEncryptedSection, "configProtectionProvider"},
		// Cookie defaults.
		{"<httpCookies sameSite='lux'/>", "", CodeInvalidEnum, "sameSite"},
		{"<httpCookies requireSsl='true'/>", "", CodeUnknownAttribute, "requireSsl"},
		{"<httpCookies httpOnlyCookies='yes'/>", "", CodeInvalidBoolean, "httpOnlyCookies"},
		{"<httpCookies><add/></httpCookies>", "", CodeUnknownElement, ""},
		{"<httpCookies/><httpCookies/>", "", CodeDuplicateSection, ""},
		// Switches.
		{"", "<appSettings><Add key='a' value='b'/></appSettings>", CodeUnknownElement, ""},
		{"", "<appSettings><add key='a' val='b'/></appSettings>", CodeUnknownAttribute, "val"},
		{"", "<appSettings><add key='a'><b/></add></appSettings>", CodeUnknownElement, ""},
		{"", "<appSettings files='x'/>", CodeUnknownAttribute, "files"},
		{"", "<appSettings/><appSettings/>", CodeDuplicateSection, ""},
		{"", "<appSettings configProtectionProvider='P'/>", CodeEncryptedSection, "configProtectionProvider"},
		// WIF 4.5.
		{"", model("<tokenReplayDetection enabled='1'/>"), CodeInvalidBoolean, "enabled"},
		{"", model("<tokenReplayDetection capacity='1'/>"), CodeUnknownAttribute, "capacity"},
		{"", model("<tokenReplayDetection expirationPeriod='infinite'/>"), CodeInvalidTimeSpan,
			"expirationPeriod"},
		{"", model("<audienceUris mode='always'/>"), CodeInvalidEnum, "mode"},
		{"", model("<audienceUris><add value=''/></audienceUris>"), CodeEmptyAttribute, "value"},
		{"", model("<audienceUris><add uri='a'/></audienceUris>"), CodeUnknownAttribute, "uri"},
		{"", model("<audienceUri/>"), CodeUnknownElement, ""},
		{"", model("</identityConfiguration><identityConfiguration name=''>"), CodeDuplicateSection, ""},
		{"",
			"<system.identityModel><identityConfiguration maximumClockSkew='-00:01'/></system.identityModel>", CodeInvalidTimeSpan, "maximumClockSkew"},
		{"",
			"<system.identityModel><identityConfiguration saveBootstrapTokens='true'/></system.identityModel>", CodeUnknownAttribute, "saveBootstrapTokens"},
		{"", "<system.identityModel><identityconfiguration/></system.identityModel>", CodeUnknownElement, ""},
		{"", "<System.IdentityModel/>", CodeUnknownElement, ""},
		{"", handlers("<add type=''/>"), CodeEmptyAttribute, "type"},
		{"", handlers("<add/>"), CodeEmptyAttribute, "type"},
		{"", handlers("<add type='A' name='b'/>"), CodeUnknownAttribute, "name"},
		{"", handlers("<insert type='A'/>"), CodeUnknownElement, ""},
		{"", handlers("<add type='" + machineKey45 + "'/>"), CodeSessionHandlerNotRemoved, "type"},
		{"", handlers("<add type='" + machineKey45 + "'/>" + remove), CodeSessionHandlerNotRemoved, "type"},
		{"", handlers("<add type='Acme.FarmSessionSecurityTokenHandler'/>"),
			CodeSessionHandlerNotRemoved, "type"},
		{"", handlers("<add type='Acme.Farm'><sessionTokenRequirement/></add>"),
			CodeSessionHandlerNotRemoved, "type"},
		{"", handlers("<remove type='" + strings.ToUpper(handler45) + "'/><add type='" +
			machineKey45 + "'/>"), CodeSessionHandlerNotRemoved, "type"},
		{"", handlers(remove + "<add type='" + machineKey45 +
			"'><sessionTokenRequirement lifetime='-1'/></add>"), CodeInvalidTimeSpan, "lifetime"},
		{"", handlers(remove + "<add type='" + machineKey45 +
			"'><sessionTokenRequirement lifetime=''/></add>"), CodeInvalidTimeSpan, "lifetime"},
		{"", handlers(remove + "<add type='" + machineKey45 +
			"'><sessionTokenRequirement lifetime='1' Lifetime='2'/></add>"),
			CodeUnknownAttribute, "Lifetime"},
		{"", handlers(remove + "<add type='" + machineKey45 + "'><SessionTokenRequirement/></add>"),
			CodeUnknownElement, ""},
		{"",
			"<system.identityModel.services><federationConfiguration identityConfigurationName='x'/></system.identityModel.services>", CodeInvalidEnum, "identityConfigurationName"},
		{"", services("<cookieHandler name=' '/>"), CodeEmptyAttribute, "name"},
		{"", services("<cookieHandler mode='chunked'/>"), CodeInvalidEnum, "mode"},
		{"", services("<cookieHandler persistentSessionLifetime='365.00:00:01'/>"),
			CodeInvalidTimeSpan, "persistentSessionLifetime"},
		{"", services("<cookieHandler><chunkedCookieHandler size='2000'/></cookieHandler>"),
			CodeUnknownAttribute, "size"},
		{"", services("<cookieHandler><chunkedCookieHandler chunkSize='999'/></cookieHandler>"),
			CodeInvalidChunkSize, "chunkSize"},
		{"", services("<cookieHandler><chunks/></cookieHandler>"), CodeUnknownElement, ""},
		{"", services("<cookieHandler/><cookieHandler/>"), CodeDuplicateSection, ""},
		{"", services("<wsFederation requireHTTPS='true'/>"), CodeUnknownAttribute, "requireHTTPS"},
		{"", services("<wsFederation issuer='a' colour='b'/>"), CodeUnknownAttribute, "colour"},
		// WIF 1.0.
		{"", old("<maximumClockSkew value='soon'/>"), CodeInvalidTimeSpan, "value"},
		{"",
			old("<federatedAuthentication><cookieHandler requireSSL='true'/></federatedAuthentication>"), CodeUnknownAttribute, "requireSSL"},
		{"", "<microsoft.identityModel><service/><service/></microsoft.identityModel>",
			CodeDuplicateSection, ""},
		{"",
			"<microsoft.identityModel><service saveBootstrapContext='true'/></microsoft.identityModel>", CodeUnknownAttribute, "saveBootstrapContext"},
		// Cora.
		{"", "<sequence.engine><web><session enabled='1'/></web></sequence.engine>",
			CodeInvalidBoolean, "enabled"},
		{"", "<sequence.engine><web><session lifeTime='20'/></web></sequence.engine>",
			CodeUnknownAttribute, "lifeTime"},
		{"", "<sequence.engine><web><session lifetime='00:20'/></web></sequence.engine>",
			CodeInvalidTimeout, "lifetime"},
		{"", "<sequence.engine><web><session cacheMaxSize='-1'/></web></sequence.engine>",
			CodeInvalidSize, "cacheMaxSize"},
		{"",
			"<location path='a'><sequence.engine><web><session enabled='1'/></web></sequence.engine></location>", CodeInvalidBoolean, "enabled"},
	} {
		s, err := readSettings(site(test.web, test.beside), nil)
		code, line := codeOf(t, err)
		if code != test.code || s != nil {
			t.Errorf("%s%s: %v, want %s", test.web, test.beside, err, test.code)
			continue
		}
		want := lineInWeb
		if test.web == "" {
			want = lineBeside
		}
		if e := err.(*Error); line != want || e.Attribute != test.attribute || e.Section == "" {
			t.Errorf("%s%s: %v, want attribute %q on line %d", test.web, test.beside, err,
				test.attribute, want)
		}
	}
}

func TestForms(t *testing.T) {
	for _, test := range []struct {
		xml  string
		mode string
		want func(f *Forms) bool // nil: no forms
	}{
		{"", "Windows", nil},
		{"<authentication/>", "Windows", nil},
		{"<authentication><forms name='x'/></authentication>", "Windows", nil},
		{"<authentication mode='Passport'><passport redirectUrl='x'/></authentication>", "Passport", nil},
		{"<authentication mode='Forms'><forms><credentials><user name='a' password='b'/></credentials></forms></authentication>", "Forms", func(f *Forms) bool { return f.Name == ".ASPXAUTH" && f.Line == lineInWeb }},
		{"<authentication mode='Forms'><forms name=' x ' timeout=' 2880 '/></authentication>",
			"Forms", func(f *Forms) bool { return f.Name == "x" && f.TimeoutMinutes == 2880 }},
		{"<authentication mode='Forms'><forms cookieSameSite='-1'/></authentication>", "Forms",
			func(f *Forms) bool { return f.CookieSameSite == "Unspecified" }},
		{"<authentication mode='Forms'><forms cookieSameSite='Unspecified'/></authentication>",
			"Forms", func(f *Forms) bool { return f.CookieSameSite == "Unspecified" }},
		{"<authentication mode='Forms'>\n<forms/></authentication>", "Forms",
			func(f *Forms) bool { return f.CookieSameSite == "Lax" && f.Line == lineInWeb+1 }},
	} {
		s, err := readSettings(site(test.xml, ""), nil)
		if err != nil {
			t.Errorf("%s: %v", test.xml, err)
			continue
		}
		f := s.Authentication.Forms
		if s.Authentication.Mode != test.mode || (f == nil) != (test.want == nil) ||
			f != nil && !test.want(f) {
			t.Errorf("%s: %s %+v", test.xml, s.Authentication.Mode, f)
		}
	}
}

func TestHTTPCookies(t *testing.T) {
	for value, want := range map[string]string{"strict": "Strict", "NONE": "None",
		"unspecified": "Unspecified", "-1": "Unspecified"} {
		s, err := readSettings(site("<httpCookies sameSite='"+value+
			"' httpOnlyCookies='true' domain=' a.example '/>", ""), nil)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if got := s.HTTPCookies; got != (HTTPCookies{HTTPOnly: true, Domain: "a.example",
			SameSite: want, Line: lineInWeb}) {
			t.Errorf("%s: %+v", value, got)
		}
	}
}

func TestAppSettings(t *testing.T) {
	const key = UseLegacyEncryption
	add := func(value string) string { return "<add key='" + key + "' value='" + value + "'/>" }
	files := fstest.MapFS{
		"on.config":       {Data: []byte("<!-- a --><appSettings>\n" + add("true") + "</appSettings>")},
		"sub/on.config":   {Data: []byte("<appSettings>" + add("true") + "</appSettings>")},
		"clear.config":    {Data: []byte("<appSettings><clear/></appSettings>")},
		"root.config":     {Data: []byte("<settings/>")},
		"attr.config":     {Data: []byte("<appSettings file='on.config'/>")},
		"bad.config":      {Data: []byte("<appSettings>")},
		"source.config":   {Data: []byte("<appSettings file='on.config'>" + add("false") + "</appSettings>")},
		"sub/src.config":  {Data: []byte("<appSettings file='on.config'/>")},
		"folder/x.config": {Data: []byte("x")},
	}
	unset := Switch{Key: key}
	for _, test := range []struct {
		xml     string
		want    Switch
		warning bool
		code    string
	}{
		{"<appSettings/>", unset, false, ""},
		{"<appSettings>" + add(" True ") + "</appSettings>",
			Switch{key, true, true, "", lineBeside}, false, ""},
		{"<appSettings>" + add("1") + "</appSettings>", Switch{key, false, false, "", lineBeside}, false, ""},
		{"<appSettings><add key='" + strings.ToUpper(key) + "' value='true'/></appSettings>",
			Switch{key, true, true, "", lineBeside}, false, ""},
		{"<appSettings>" + add("true") + "\n" + add("false") + "</appSettings>",
			Switch{key, false, true, "", lineBeside + 1}, false, ""},
		{"<appSettings>" + add("true") + "<remove key='" + strings.ToLower(key) +
			"'/></appSettings>", unset, false, ""},
		{"<appSettings>" + add("true") + "<clear/></appSettings>", unset, false, ""},
		{"<appSettings><add key=' " + key + "' value='true'/></appSettings>", unset, false, ""},
		{"<location path='.'><appSettings>" + add("true") + "</appSettings></location>",
			Switch{key, true, true, "", lineBeside}, false, ""},
		{"<location path='a'><appSettings>" + add("true") + "</appSettings></location>", unset, false, ""},
		// The attribute file.
		{"<appSettings file='on.config'>" + add("false") + "</appSettings>",
			Switch{key, true, true, "on.config", 2}, false, ""},
		{`<appSettings file='sub\on.config'/>`, Switch{key, true, true, "sub/on.config", 1}, false, ""},
		{"<appSettings file='./sub/on.config'/>", Switch{key, true, true, "sub/on.config", 1}, false, ""},
		{"<appSettings file='clear.config'>" + add("true") + "</appSettings>", unset, false, ""},
		{"<appSettings file='none.config'>" + add("true") + "</appSettings>",
			Switch{key, true, true, "", lineBeside}, false, ""},
		{`<appSettings file='..\on.config'>` + add("true") + "</appSettings>",
			Switch{key, true, true, "", lineBeside}, true, ""},
		{`<appSettings file='C:\on.config'/>`, unset, true, ""},
		{"<appSettings file='/on.config'/>", unset, true, ""},
		{`<appSettings file='\\server\on.config'/>`, unset, true, ""},
		{"<appSettings file='.'/>", unset, true, ""},
		{"<appSettings file=''/>", unset, false, ""},
		{"<appSettings file='root.config'/>", unset, false, CodeUnknownElement},
		{"<appSettings file='attr.config'/>", unset, false, CodeUnknownAttribute},
		{"<appSettings file='bad.config'/>", unset, false, CodeMalformedXML},
		{"<appSettings file='folder'/>", unset, false, CodeUnreadable},
		{"<appSettings configSource='source.config'/>", Switch{key, true, true, "on.config", 2}, false, ""},
		{`<appSettings configSource='sub\src.config'/>`,
			Switch{key, true, true, "sub/on.config", 1}, false, ""},
	} {
		s, err := readSettings(site("", test.xml), files)
		if code, _ := codeOf(t, err); code != test.code {
			t.Errorf("%s: %v, want %q", test.xml, err, test.code)
		}
		if err != nil {
			continue
		}
		if got := s.AppSettings.Switch(key); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.xml, got, test.want)
		}
		if warned := slices.ContainsFunc(s.Warnings,
			func(w Warning) bool { return w.Code == "app_settings_file_not_read" }); warned != test.warning {
			t.Errorf("%s: warnings %v", test.xml, s.Warnings)
		}
	}
	// Without a folder, a file is warned of.
	s, err := readSettings(site("", "<appSettings file='on.config'/>"), nil)
	if err != nil || len(s.AppSettings.Warnings) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = readSettings(site("", "<appSettings file='x.config'/>"), noFS{fs.ErrPermission})
	if code, _ := codeOf(t, err); code != CodeUnreadable || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	for value, want := range map[string]int{"1000": 1000, " 5 ": 5, "-1": math.MaxInt32,
		"many": math.MaxInt32, "2147483648": math.MaxInt32} {
		s, err := readSettings(site("",
			"<appSettings><add key='ASPNET:maxHttpCollectionKeys' value='"+value+
				"'/></appSettings>"), nil)
		if err != nil || s.AppSettings.MaxCookies != want {
			t.Errorf("%s: %+v, %v", value, s, err)
		}
	}
}

type noFS struct{ err error }

func (f noFS) Open(string) (fs.File, error) { return nil, f.err }

func TestSessionHandlers(t *testing.T) {
	remove := "<remove type='" + handler45 + ", System.IdentityModel, Version=4.0.0.0'/>"
	for _, test := range []struct {
		xml  string
		want SessionHandler
	}{
		{"", SessionHandler{handler45, "dpapi", 10 * time.Hour, "", false, 0, false}},
		{"<add type='Acme.SamlHandler, Acme'/>",
			SessionHandler{handler45, "dpapi", 10 * time.Hour, "", false, 0, false}},
		{"<clear/>", SessionHandler{}},
		{"<clear/><add type='" + machineKey45 + ", A'/>",
			SessionHandler{machineKey45, "machineKeyProtect", 10 * time.Hour, "",
				false, lineBeside, false}},
		{"<add type='" + "Acme.Other'/><clear/>", SessionHandler{}},
		{remove + remove + "<add type='" + handler45 +
			"'><sessionTokenRequirement LIFETIME='1'/></add>",
			SessionHandler{handler45, "dpapi", 24 * time.Hour, "", false, lineBeside, true}},
		{remove + "<add type=' " + machineKey45 + " ,\nSystem.IdentityModel.Services'/>",
			SessionHandler{machineKey45, "machineKeyProtect", 10 * time.Hour, "",
				false, lineBeside, false}},
		{remove + "<add type='Acme.RsaSessionSecurityTokenHandler, Acme'/>",
			SessionHandler{"Acme.RsaSessionSecurityTokenHandler", "custom", 10 * time.Hour, "",
				false, lineBeside, false}},
		{remove + "<add type='Acme.Farm'><sessionTokenRequirement lifetime='08:00'/></add>",
			SessionHandler{"Acme.Farm", "custom", 8 * time.Hour, "", false, lineBeside, true}},
		{remove + "<add type='Acme.Farm'/>", SessionHandler{"Acme.Farm", "custom", 10 * time.Hour,
			"", false, lineBeside, false}},
		{remove + "<add type='Acme.Farm'/><remove type='Acme.Farm, Acme'/>", SessionHandler{}},
		{remove + "<add type='System.IdentityModel.Tokens.Saml2SecurityTokenHandler, S'/>", SessionHandler{}},
		{remove + "<add type='Acme.Farm'/><add type='" + machineKey45 + "'/>",
			SessionHandler{machineKey45, "machineKeyProtect", 10 * time.Hour, "",
				false, lineBeside, false}},
	} {
		xml := "<system.identityModel><identityConfiguration><securityTokenHandlers name='ActAs'><clear/></securityTokenHandlers>" +
			"<securityTokenHandlers>" + test.xml +
			"</securityTokenHandlers></identityConfiguration></system.identityModel>"
		s, err := readSettings(site("", xml), nil)
		if err != nil {
			t.Errorf("%s: %v", test.xml, err)
			continue
		}
		if s.Identity.Session != test.want {
			t.Errorf("%s: %+v, want %+v", test.xml, s.Identity.Session, test.want)
		}
	}
	// The attributes of 1.0.
	s, err := readSettings(site("",
		"<microsoft.identityModel><service><securityTokenHandlers><clear/><add type='"+handler10+
			", M'><sessionTokenRequirement UseWindowsTokenService='true' securityTokenCacheType='Acme.Cache, A' securityTokenCacheSize='9'/></add></securityTokenHandlers></service></microsoft.identityModel>"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (SessionHandler{handler10, "dpapi", 10 * time.Hour, "Acme.Cache, A", true,
		lineBeside, false}); s.Identity.Session != want || s.Identity.SessionCacheType != "Acme.Cache, A" {
		t.Errorf("%+v", s.Identity)
	}
}

func TestIdentityAndFederation(t *testing.T) {
	named := "<system.identityModel><identityConfiguration name='a' maximumClockSkew='00:01'/><identityConfiguration maximumClockSkew='00:02'/></system.identityModel>"
	for _, test := range []struct {
		name, xml string
		want      func(id *Identity, fed *Federation) bool
		warnings  []string
	}{
		{"neither", "", func(id *Identity, fed *Federation) bool { return id == nil && fed == nil }, nil},
		{"services only", "<system.identityModel.services/>",
			func(id *Identity, fed *Federation) bool {
				return id.Schema == SchemaWIF45 && id.MaximumClockSkew == 5*time.Minute &&
					fed.CookieHandler.Name == "FedAuth" && fed.CookieHandler.RequireSSL
			}, []string{"session_tokens_use_dpapi"}},
		{"default", named,
			func(id *Identity, _ *Federation) bool { return id.MaximumClockSkew == 2*time.Minute },
			[]string{"session_tokens_use_dpapi"}},
		{"named",
			named +
				"<system.identityModel.services><federationConfiguration identityConfigurationName='a'/></system.identityModel.services>",
			func(id *Identity, _ *Federation) bool { return id.MaximumClockSkew == time.Minute },
			[]string{"session_tokens_use_dpapi"}},
		{"other federation",
			"<system.identityModel.services><federationConfiguration name='x'><cookieHandler name='X'/></federationConfiguration></system.identityModel.services>",
			func(_ *Identity, fed *Federation) bool { return fed.CookieHandler.Name == "FedAuth" },
			[]string{"session_tokens_use_dpapi"}},
		{"audience",
			"<system.identityModel><identityConfiguration><audienceUris mode='Never'><add value='a'/><add value='b'/><clear/><add value='c'/><add value='d'/><remove value='c'/></audienceUris></identityConfiguration></system.identityModel>",
			func(id *Identity, _ *Federation) bool {
				return id.AudienceMode == "Never" && slices.Equal(id.AudienceURIs, []string{"d"})
			}, []string{"session_tokens_use_dpapi"}},
		{"cache",
			"<system.identityModel><identityConfiguration><caches><sessionSecurityTokenCache type='Acme.Cache, A' url='x'/></caches></identityConfiguration></system.identityModel>",
			func(id *Identity, _ *Federation) bool { return id.SessionCacheType == "Acme.Cache, A" }, []string{"session_tokens_use_dpapi"}},
		{"1.0", "<microsoft.identityModel/>", func(id *Identity, fed *Federation) bool {
			return id.Schema == SchemaWIF10 && id.Session.Type == handler10 &&
				fed.CookieHandler.RequireSSLUnset && !fed.CookieHandler.RequireSSL
		}, []string{"require_ssl_not_set", "session_tokens_use_dpapi"}},
		{"1.0 redirect",
			"<microsoft.identityModel><service><federatedAuthentication enabled='true'><wsFederation/><cookieHandler requireSsl='false'/></federatedAuthentication></service></microsoft.identityModel>",
			func(_ *Identity, fed *Federation) bool {
				return !fed.WSFederation.PassiveRedirectEnabled && fed.WSFederation.RequireHTTPS &&
					!fed.CookieHandler.RequireSSLUnset
			}, []string{"session_tokens_use_dpapi"}},
		{"4.5 redirect",
			"<system.identityModel.services><federationConfiguration><wsFederation/></federationConfiguration></system.identityModel.services>",
			func(_ *Identity, fed *Federation) bool { return fed.WSFederation.PassiveRedirectEnabled }, []string{"session_tokens_use_dpapi"}},
		{"both",
			"<microsoft.identityModel><service saveBootstrapTokens='true'/></microsoft.identityModel><system.identityModel/>",
			func(id *Identity, _ *Federation) bool { return id.Schema == SchemaWIF45 && !id.SaveBootstrap }, []string{"identity_model_twice", "session_tokens_use_dpapi"}},
		{"custom",
			"<system.identityModel><identityConfiguration><securityTokenHandlers><clear/><add type='A.SessionSecurityTokenHandler'/></securityTokenHandlers></identityConfiguration></system.identityModel>",
			func(id *Identity, _ *Federation) bool { return id.Session.Protection == ProtectionCustom }, []string{"custom_session_handler"}},
	} {
		s, err := readSettings(site("", test.xml), nil)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if !test.want(s.Identity, s.Federation) {
			t.Errorf("%s: %+v %+v", test.name, s.Identity, s.Federation)
		}
		var got []string
		for _, w := range s.Warnings {
			got = append(got, w.Code)
		}
		if slices.Sort(got); !slices.Equal(got, test.warnings) {
			t.Errorf("%s: warnings %v, want %v", test.name, got, test.warnings)
		}
	}
}

func TestCora(t *testing.T) {
	s, err := readSettings(site("",
		"<sequence.engine><web><session sessionCookieName='SQ' colour='red'/></web></sequence.engine>"+
			"<location path='a'><sequence.engine><web><session/></web></sequence.engine></location>"),
		nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cora
	if c.CookieName() != "" || c.CookieNamePrefix != "SQ" || len(c.Locations) != 1 ||
		!c.Locations[0].Enabled || c.Line != lineBeside {
		t.Errorf("%+v", c)
	}
	s, err = readSettings(site("",
		"<location path='a'><sequence.engine><web><session application='X' enabled='false'/></web></sequence.engine></location>"), nil)
	if err != nil || s.Cora.Locations[0] != (CoraLocation{"a", false, lineBeside}) ||
		s.Cora.Line != lineBeside {
		t.Errorf("%+v, %v", s, err)
	}
}

// What a site should be told, with the line that it is about.
func TestSiteWarnings(t *testing.T) {
	var (
		cora  = "<configuration>\n<sequence.engine><web>\n<session %s/></web></sequence.engine>%s\n<system.web><machineKey " + keys + "/></system.web></configuration>"
		forms = "<configuration><system.web>\n<authentication mode='Forms'>\n<forms cookieless='UseCookies' %s/></authentication><machineKey compatibilityMode='%s' " + keys + "/></system.web></configuration>"
		wif10 = "<configuration><system.web><machineKey " + keys +
			"/></system.web>\n<microsoft.identityModel><service>%s<federatedAuthentication>\n<cookieHandler %s/></federatedAuthentication></service></microsoft.identityModel></configuration>"
		handler = "<securityTokenHandlers><clear/><add type='" + machineKeyThink +
			"'/></securityTokenHandlers>"
		parts = "<configuration>\n<system.web><machineKey " + keys +
			"/></system.web>\n<location path='a'><sequence.engine><web><session %s/></web></sequence.engine></location>\n" +
			"<location path='b'><sequence.engine><web><session %s/></web></sequence.engine></location></configuration>"
		part = "\n<location path='a'><sequence.engine><web><session %s/></web></sequence.engine></location>"
	)
	const payload = "cora_cookie_payload_unknown:3 "
	for _, test := range []struct{ xml, want, says string }{
		{fmt.Sprintf(cora, "application='Flowtime'", ""), payload + "cora_cookie_not_secure:3",
			`"SQSessionFlowtime" without TLS`},
		{fmt.Sprintf(cora, "application='Flowtime' sessionCookieSecure='false'", ""),
			payload + "cora_cookie_not_secure:3", `want sessionCookieSecure="true"`},
		{fmt.Sprintf(cora, "application='Flowtime' sessionCookieSecure='true'", ""), payload, ""},
		{fmt.Sprintf(cora, "application='Flowtime' enabled='false'", ""), payload, ""},
		{fmt.Sprintf(cora, "sessionCookieSecure='true'", ""),
			payload + "cora_cookie_name_unknown:3", "say Credential.Name"},
		{fmt.Sprintf(cora, "sessionCookieName='SQ'", ""),
			payload + "cora_cookie_name_unknown:3 cora_cookie_not_secure:3", `such as "SQ_123456"`},
		{fmt.Sprintf(cora, "application='F' sessionCookieSecure='true'",
			fmt.Sprintf(part, "enabled='false'")), payload, ""},
		{fmt.Sprintf(cora, "application='F' sessionCookieSecure='true'",
			fmt.Sprintf(part, "lifetime='5'")), payload, ""}, // inherited
		{fmt.Sprintf(cora, "application='F' sessionCookieSecure='true'",
			fmt.Sprintf(part, "sessionCookieSecure='false'")),
			payload + "cora_cookie_not_secure:4", ""},
		{fmt.Sprintf(cora, "application='F'", fmt.Sprintf(part, "sessionCookieSecure='false'")),
			payload + "cora_cookie_not_secure:3 cora_cookie_not_secure:4", ""}, // each has to change
		{fmt.Sprintf(cora, "application='F'", fmt.Sprintf(part, "application='G'")),
			payload + "cora_cookie_not_secure:3", ""}, // once: inherited
		{fmt.Sprintf(cora, "enabled='false' application='F'", fmt.Sprintf(part, "enabled='true'")),
			payload + "cora_cookie_not_secure:4", ""},
		{fmt.Sprintf(cora, "application='F' sessionCookieSecure='true'",
			fmt.Sprintf(part, "application=''")), payload + "cora_cookie_name_unknown:4", ""},
		{fmt.Sprintf(parts, "application='A'", "application='B'"),
			payload + "cora_cookie_not_secure:3 cora_cookie_not_secure:4",
			`"SQSessionB" without TLS`},
		{fmt.Sprintf(parts, "application='A' sessionCookieSecure='true'",
			"application='B' enabled='false'"), payload, ""},
		{fmt.Sprintf(parts, "application='A' sessionCookieSecure='true'",
			"sessionCookieName='SQ' sessionCookieSecure='true'"),
			payload + "cora_cookie_name_unknown:4", `such as "SQ_123456"`},
		{fmt.Sprintf(parts, "application='A' sessionCookieName='SQ' sessionCookieSecure='true'",
			"enabled='false'"), payload, `what the cookie "SQ…" holds`},
		{fmt.Sprintf(forms, "protection='None'", "Framework20SP1"), "forms_protection_not_all:3",
			"anybody can read and write a ticket"},
		{fmt.Sprintf(forms, "protection='Encryption'", "Framework20SP2"),
			"forms_protection_not_all:3", "MS10-070"},
		{fmt.Sprintf(forms, "protection='Validation'", "Framework20SP2"),
			"forms_protection_not_all:3", "anybody can read a ticket"},
		{fmt.Sprintf(forms, "protection='All'", "Framework20SP1"), "", ""},
		{fmt.Sprintf(forms, "", "Framework20SP2"), "", ""},
		{fmt.Sprintf(forms, "protection='None'", "Framework45"), "", ""}, // no effect there
		{strings.Replace(fmt.Sprintf(forms, "protection='None'", "Framework20SP1"), "'Forms'",
			"'None'", 1), "", ""},
		{fmt.Sprintf(wif10, handler, "path='/'"), "require_ssl_not_set:3",
			"its default in WIF 1.0 is not documented"},
		{fmt.Sprintf(wif10, handler, "requireSsl='false'"), "", ""},
		{fmt.Sprintf(wif10, handler, "requireSsl='true'"), "", ""},
	} {
		s, err := readSettings([]byte(test.xml), nil)
		if err != nil {
			t.Errorf("%s: %v", test.xml, err)
			continue
		}
		var got, text []string
		for _, w := range s.Warnings {
			got = append(got, fmt.Sprintf("%s:%d", w.Code, w.Line))
			text = append(text, w.Text)
		}
		if have := strings.Join(got, " "); have != strings.TrimSpace(test.want) ||
			!strings.Contains(strings.Join(text, "\n"), test.says) {
			t.Errorf("%s:\n got %s %q\nwant %s with %q", test.xml, have, text, test.want, test.says)
		}
	}
}

// Every section may be in a file of its own.
func TestSettingsFromConfigSource(t *testing.T) {
	xml := `<configuration><system.web><machineKey configSource="c\m.config"/><authentication configSource="a.config"/></system.web>
<system.identityModel configSource="i.config"/><system.identityModel.services configSource="s.config"/></configuration>`
	s, err := readSettings([]byte(xml), fstest.MapFS{
		"c/m.config": {Data: []byte("\n<machineKey " + keys + "/>")},
		"a.config":   {Data: []byte("\n\n<authentication mode='Forms'>\n<forms cookieless='UseCookies'/></authentication>")},
		"i.config":   {Data: []byte("<system.identityModel><identityConfiguration><securityTokenHandlers>\n\n<clear/>\n<add type='" + machineKey45 + "'/></securityTokenHandlers></identityConfiguration></system.identityModel>")},
		"s.config":   {Data: []byte("<system.identityModel.services><federationConfiguration>\n\n\n<cookieHandler name='A'/></federationConfiguration></system.identityModel.services>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.MachineKey.Line != 1 || s.Authentication.Forms.Line != 1 || s.Identity.Session.Line != 2 ||
		s.Federation.CookieHandler.Line != 2 || len(s.Warnings) != 0 {
		t.Errorf("%+v", s)
	}
}

// All results are comparable by their fields: none points into the tree.
func TestSettingsFormat(t *testing.T) {
	s, err := readSettings(site("", "<appSettings><add key='secret' value='"+digits64+
		"'/></appSettings>"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, s); strings.Contains(text, digits64[:16]) ||
			strings.Contains(text, "161 161") || strings.Contains(text, "0xa1, 0xa1") {
			t.Errorf("%s shows a key", verb)
		}
	}
	again, err := readSettings(site("", ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.AppSettings.Line = 0
	if !reflect.DeepEqual(s, again) {
		t.Errorf("%+v\n%+v", s, again)
	}
}

// The largest files cost little more than their text.
func TestSettingsLimits(t *testing.T) {
	n := maxElements - 10
	for _, test := range []struct{ name, beside, code string }{
		{"switches", "<appSettings>" + strings.Repeat("<add key='"+UseLegacyEncryption+
			"' value='true'/>", n) + "</appSettings>", ""},
		{"handlers", "<system.identityModel><identityConfiguration><securityTokenHandlers>" +
			strings.Repeat("<add type='A'/>", n) +
			"</securityTokenHandlers></identityConfiguration></system.identityModel>",
			CodeTooComplex},
		{"most handlers", "<system.identityModel><identityConfiguration><securityTokenHandlers>" +
			strings.Repeat("<add type='A'/>", maxEntries/2) + strings.Repeat("<remove type='B'/>",
			maxEntries/2) +
			"</securityTokenHandlers></identityConfiguration></system.identityModel>", ""},
		{"audiences", "<system.identityModel><identityConfiguration><audienceUris>" +
			strings.Repeat("<add value='a'/>", n/2) + strings.Repeat("<remove value='b'/>", n/2) +
			"</audienceUris></identityConfiguration></system.identityModel>", CodeTooComplex},
		{"locations",
			strings.Repeat("<location path='a'><sequence.engine><web><session/></web></sequence.engine></location>", n/4), ""},
		{"configurations", "<system.identityModel>" +
			strings.Repeat("<identityConfiguration name='a'/>", n) + "</system.identityModel>", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			xml := site("", test.beside)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := readSettings(xml, nil)
			runtime.ReadMemStats(&after)
			if code, _ := codeOf(t, err); code != test.code {
				t.Errorf("%v, want %q", err, test.code)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
				t.Errorf("allocated %d MiB for %d MiB", used>>20, len(xml)>>20)
			}
			t.Logf("%d kB in %v, %d MiB allocated", len(xml)>>10,
				time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
		})
	}
}

func BenchmarkSettings(b *testing.B) {
	xml := read(b, "webconfig/wif45-fedauth.config")
	b.ReportAllocs()
	b.SetBytes(int64(len(xml)))
	for b.Loop() {
		f, err := Parse(bytes.NewReader(xml), nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Settings(); err != nil {
			b.Fatal(err)
		}
	}
}
