package webconfig

import (
	"io"
	"strings"
	"testing"
)

// TestModuleRemoved wants the line that removes a module, by file order.
func TestModuleRemoved(t *testing.T) {
	const (
		forms   = `<add name="FormsAuthentication" type="System.Web.Security.FormsAuthenticationModule"/>`
		session = `<add name="Sam" type="System.IdentityModel.Services.SessionAuthenticationModule, System.IdentityModel.Services"/>`
	)
	for _, test := range []struct {
		name, modules  string
		forms, session int
	}{
		{"none", "", 0, 0},
		{"removed", "\n<remove name='FormsAuthentication'/>", 2, 0},
		{"any case", "\n\n<remove name='formsauthentication'/>", 3, 0},
		{"another", "<remove name='RoleManager'/><add name='FormsAuthentication2' type='A, B'/>", 0, 0},
		{"replaced", "<remove name='FormsAuthentication'/>" + forms, 0, 0},
		{"added, then removed", forms + "\n<remove name='FormsAuthentication'/>", 2, 0},
		{"session", session + "\n<remove name='SessionAuthenticationModule'/>", 0, 2},
		{"session by its class", "<remove name='SessionAuthenticationModule'/>" + session, 0, 0},
		{"clear", "\n<clear/>", 2, 2},
		{"clear, then one", "\n<clear/>" + session, 2, 0},
	} {
		server := "<system.webServer><modules>" + test.modules + "</modules></system.webServer>"
		for _, text := range []string{server, "<location path='.'>" + server + "</location>"} {
			f, err := Parse(strings.NewReader("<configuration>"+text+"</configuration>"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := f.ModuleRemoved(FormsModule), f.ModuleRemoved(SessionModule); a != test.forms || b != test.session {
				t.Errorf("%s: lines %d and %d, want %d and %d", test.name, a, b,
					test.forms, test.session)
			}
		}
		f, err := Parse(strings.NewReader("<configuration><location path='sub'>"+server+
			"</location></configuration>"), nil)
		if err != nil || f.ModuleRemoved(FormsModule) != 0 {
			t.Errorf("%s: a part of the site decides, %v", test.name, err)
		}
	}
}

// TestUnknownSection wants a warning, with its line, for what is no section of
// <system.web>.
func TestUnknownSection(t *testing.T) {
	f, err := Parse(strings.NewReader(`<configuration><configSections><sectionGroup name="system.web"><section name="mine" type="A, B"/></sectionGroup></configSections>
		<system.web><clear/><pages/><mine/>
		<shrink/></system.web><location path="sub"><system.web><clear/></system.web></location></configuration>`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range f.Warnings() {
		got = append(got, w.Code+" "+strings.Split(w.Text, " ")[0]+" "+string(rune('0'+w.Line)))
	}
	if s := strings.Join(got, ", "); s != "unknown_section <clear> 2, unknown_section <shrink> 3" {
		t.Error(s)
	}
}

// TestBuildTransform wants a transform recognised wherever its attribute
// stands, with the section and the line, and a namespace that is only declared
// to be no fault.
func TestBuildTransform(t *testing.T) {
	const xdt = `xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform"`
	for _, test := range []struct {
		text, section string
		line          int
	}{
		{`<configuration ` + xdt +
			`><system.web><compilation xdt:Transform="RemoveAttributes(debug)"/></system.web></configuration>`, "system.web/compilation", 1},
		{`<configuration ` + xdt +
			">\n<connectionStrings>\n<add name=\"a\" xdt:Locator=\"Match(name)\"/></connectionStrings></configuration>", "connectionStrings/add", 3},
		{`<configuration ` + xdt + ` xdt:Transform="Remove"/>`, "", 1},
		{`<configuration xmlns:t="http://schemas.microsoft.com/XML-Document-Transform"><a><b><c t:Transform="Remove"/></b></a></configuration>`, "a/b/c", 1},
		{`<machineKey ` + xdt + ` xdt:Transform="Replace"/>`, "machineKey", 1},
	} {
		_, err := Parse(strings.NewReader(test.text), nil)
		e, ok := err.(*Error)
		if !ok || e.Code != CodeUnknownAttribute || e.Section != test.section ||
			e.Line != test.line || !strings.Contains(e.Found, "transform") {
			t.Errorf("%s: %v", test.text, err)
		}
	}
	f, err := Parse(strings.NewReader(web(`<machineKey configSource="a.config"/>`)),
		func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(`<machineKey ` + keys + ` ` + xdt +
				` xdt:Transform="SetAttributes"/>`)), nil
		})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.MachineKey(false)
	if e, ok := err.(*Error); !ok || e.Code != CodeUnknownAttribute ||
		e.Section != "system.web/machineKey" || e.File != "a.config" {
		t.Errorf("in a configSource: %v", err)
	}
	if _, err := Parse(strings.NewReader(`<configuration `+xdt+`/>`), nil); err != nil {
		t.Error(err)
	}
}

// TestPlaceholders wants a key that the deployment did not fill in called that,
// without the text of it.
func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]string{
		"#{KeyOfProd}#": "#{…}#", "#{KeyOfProd}": "#{…}", "__KeyOfProd__": "__…__", "$(KeyOfProd)": "$(…)", "${KeyOfProd}": "${…}",
		"{{ KeyOfProd }}": "{{…}}", "%KeyOfProd%": "%…%", " %KeyOfProd% ": "%…%", "__KeyOfProd__,IsolateApps": "__…__",
		"%%": "", "____": "", "KeyOfProd": "", "#{KeyOfProd": "",
	} {
		_, _, _, err := readAll([]byte(web(`<machineKey validationKey="` + text +
			`" decryptionKey="00"/>`)))
		e, ok := err.(*Error)
		if !ok || e.Code != CodeInvalidValidationKey {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if named := strings.Contains(e.Found, "placeholder"); named != (want != "") ||
			!strings.Contains(e.Found, want) || strings.Contains(e.Error(), "KeyOfProd") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestDataProtectors wants the class of ASP.NET Core's Data Protection told
// from others, whatever assembly it is in.
func TestDataProtectors(t *testing.T) {
	for class, want := range map[string]string{
		"Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb":            CodeDataProtectionKeyRing,
		"Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.SystemWebAdapters.FrameworkServices": CodeDataProtectionKeyRing,
		" CompatibilityDataProtector ":          CodeDataProtectionKeyRing,
		"Acme.CompatibilityDataProtector":       CodeCustomDataProtector,
		"Acme.MyCompatibilityDataProtector":     CodeCustomDataProtector,
		"Acme.Prot, CompatibilityDataProtector": CodeCustomDataProtector,
	} {
		_, _, _, err := readAll([]byte(web(`<machineKey ` + keys + ` dataProtectorType="` +
			class + `"/>`)))
		if e, ok := err.(*Error); !ok || e.Code != want {
			t.Errorf("%s: %v, want %s", class, err, want)
		}
	}
}
