package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/testvectors"
)

// configs returns the web.configs of the vectors by name: 6 files and 70
// snippets, with the code of the fault that .NET has.
func configs(t testing.TB) (texts map[string]string, faults map[string]string) {
	t.Helper()
	read := func(name string, into any) string {
		data, err := testvectors.Read(name)
		if err == nil && into != nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	type expectation struct{ Error *struct{ Code string } }
	texts, faults = map[string]string{}, map[string]string{}
	add := func(name, text string, e expectation) {
		texts[name] = text
		if e.Error != nil {
			faults[name] = e.Error.Code
		}
	}
	var file struct {
		Cases []struct {
			ID, XML string
			Expect  expectation
		}
	}
	read("webconfig/cases.json", &file)
	for i, c := range file.Cases {
		add(fmt.Sprint(i, " ", c.ID), c.XML, c.Expect) // one id is there twice
	}
	for _, name := range testvectors.Names() {
		if base, ok := strings.CutSuffix(name, ".config"); ok {
			var e expectation
			read(base+".json", &e)
			add(strings.TrimPrefix(name, "webconfig/"), read(name, nil), e)
		}
	}
	if len(texts) != 76 {
		t.Fatalf("%d files, want 76", len(texts))
	}
	return texts, faults
}

func parse(t testing.TB, text string, said ...Settings) *Site {
	t.Helper()
	s, err := Parse("web.config", strings.NewReader(text), &Options{Credentials: said})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFaults wants the fault that .NET has first, and a whole site all the
// same, whose settings are those of .NET's defaults.
func TestFaults(t *testing.T) {
	texts, faults := configs(t)
	for name, text := range texts {
		s, err := Parse("web.config", strings.NewReader(text), nil)
		if err == nil {
			err = s.Err()
		}
		var e *webconfig.Error
		errors.As(err, &e)
		switch want := faults[name]; {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (e == nil || e.Code != want):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	s := parse(t,
		`<configuration><system.web><httpRuntime targetFramework="4.8"/><machineKey validationKey="00"/>`+
			"\n"+`<authentication mode="Forms"><forms name="a b" timeout="0"/></authentication>`+
			"\n"+`<httpCookies sameSite="x"/><roleManager cookieProtection="x"/></system.web>`+
			`<system.identityModel.services><federationConfiguration><cookieHandler name="A"/><cookieHandler/></federationConfiguration></system.identityModel.services></configuration>`)
	var got []string
	for _, f := range s.Faults {
		got = append(got, fmt.Sprintf("%d %s", f.Line, f.Code))
	}
	want := []string{"1 auto_generated_key", "2 invalid_timeout", "3 invalid_enum",
		"3 duplicate_section", "3 invalid_enum"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []*Credential{s.Session, s.Forms, s.Roles, s.Anonymous} {
		def := newCredential(c.Kind)
		if c.Settings != def.Settings || c.On || c.Protection != def.Protection {
			t.Errorf("%v", c)
		}
	}
	if s.Key.Mode != Framework45 || s.Key.ModeFrom != "targetFramework" ||
		s.Key.ValidationKey.Len() != 1 || len(s.Key.DecryptionFlags) != 2 {
		t.Errorf("%v %v", s.Key, s.Key.DecryptionFlags)
	}
}

// lines lists what is not the default.
func lines(c *Credential) string {
	var list []string
	for _, s := range c.List() {
		switch {
		case s.Options:
			list = append(list, s.Name+"="+s.Value+" options")
		case !s.Default:
			list = append(list, fmt.Sprintf("%s=%s line %d", s.Name, s.Value, s.Line))
		}
	}
	return strings.Join(list, ", ")
}

// TestSettings wants the settings of the whole files with the lines that they
// stand on.
func TestSettings(t *testing.T) {
	texts, _ := configs(t)
	tests := []struct {
		file    string
		of      func(*Site) *Credential
		on      bool
		refused string
		want    string
	}{
		{"wif45-fedauth.config", func(s *Site) *Credential { return s.Session }, true, "",
			"Name=FedAuth line 44, Path=/ line 44, Domain=.app.example line 44, Secure=on line 44, " +
				"ChunkSize=3000 line 44, ClockSkew=10m line 21, Lifetime=30m line 28, PersistentLifetime=7d line 44"},
		{"wif10-thinktecture.config", func(s *Site) *Credential { return s.Session }, true, "",
			"Path=/portal/ line 30, Secure=on line 30, ChunkSize=2000 line 30, ClockSkew=3m line 17, Lifetime=8h line 24"},
		{"cora-sequence.config", func(s *Site) *Credential { return s.Session }, true, "",
			"Secure=on line 47"},
		{"cora-sequence.config", func(s *Site) *Credential { return s.SQSession }, true,
			`cookie "SQSessionFlowtime" can be passed on but not read`,
			"Name=SQSessionFlowtime line 14, Secure=on line 14, Lifetime=30m line 14, NoReuse=true line 14"},
		{"forms-site.config", func(s *Site) *Credential { return s.Forms }, true, "",
			"Name=.SHOPAUTH line 19, Path=/ line 19, Domain=shop.example line 19, Secure=on line 19, " +
				"SameSite=None line 19, Lifetime=45m line 19, Sliding=on line 19"},
		{"forms-site.config", func(s *Site) *Credential { return s.Session }, false,
			"no <system.identityModel>, <system.identityModel.services> or <microsoft.identityModel>",
			"SameSite=Lax line 23"},
		{"katana-bearer-api.config", func(s *Site) *Credential { return s.Forms }, false,
			`authentication mode is "Windows"`, ""},
	}
	for _, tt := range tests {
		c := tt.of(parse(t, texts[tt.file]))
		if got := lines(c); got != tt.want || c.On != tt.on || c.Refused != tt.refused {
			t.Errorf("%s, %s: on %t, refused %q\n got %s\nwant %s", tt.file, c.Kind, c.On,
				c.Refused, got, tt.want)
		}
	}
}

// TestModes wants what decides the compatibility mode, of a key that is good
// and of one that is not.
func TestModes(t *testing.T) {
	const good = `validationKey="` +
		"4B04D08CAA210ABF91B5E6E86763E0EEA4044284B4C962B4E51227868DF44D1D6D20F7309FBA3CE323404FA0FC39E6C8C6CE9FB842C9481B9938EB268AF5F85D" +
		`" decryptionKey="C9D61286123285F6FA496CFA190FC219BEF44A0943705404CF023C15A1FFFE02"`
	for _, key := range []string{good, ""} {
		for _, tt := range []struct{ runtime, attribute, mode, from string }{
			{"", "", Framework20SP1, "default"},
			{"4.0", "", Framework20SP1, "default"},
			{"4.5", "", Framework45, "targetFramework"},
			{"4.8", "Framework20SP2", Framework20SP2, "explicit"},
			{"", "Framework45", Framework45, "explicit"},
		} {
			text := "<configuration><system.web><machineKey " + key
			if tt.attribute != "" {
				text += ` compatibilityMode="` + tt.attribute + `"`
			}
			text += "/>"
			if tt.runtime != "" {
				text += `<httpRuntime targetFramework="` + tt.runtime + `"/>`
			}
			s := parse(t, text+"</system.web></configuration>")
			if s.Key.Mode != tt.mode || s.Key.ModeFrom != tt.from ||
				(s.Key.ModeLine == 0) != (tt.from == "default") ||
				(s.Key.Fault == nil) != (key != "") || s.Key.TargetFramework != tt.runtime {
				t.Errorf("%s: %v, by %s", text, s.Key, s.Key.ModeFrom)
			}
		}
	}
}

// TestProtectionWarning wants the warning of <forms protection> in the modes
// that obey it, with its line, also where the key is at fault.
func TestProtectionWarning(t *testing.T) {
	for _, tt := range []struct {
		mode string
		line int
	}{{Framework20SP1, 2}, {Framework20SP2, 2}, {Framework45, 0}} {
		s := parse(t, `<configuration><system.web><machineKey compatibilityMode="`+tt.mode+"\"/>\n"+
			`<authentication mode="Forms"><forms protection="Validation"/></authentication></system.web></configuration>`)
		line := 0
		for _, w := range s.Forms.Warnings {
			if w.Code == "forms_protection_not_all" {
				line = w.Line
			}
		}
		if line != tt.line {
			t.Errorf("%s: line %d, want %d", tt.mode, line, tt.line)
		}
	}
}

// TestOptions wants what is said in Go in the place of the file, and each
// option that does not count refused with what does.
func TestOptions(t *testing.T) {
	texts, _ := configs(t)
	katana := Settings{Kind: Katana, AuthenticationType: "ApplicationCookie", Name: "MyApp",
		Path: "/shop", Domain: "app.example", ChunkSize: 2000, SameSite: "Strict", Secure: On,
		ScriptAccess: true, Lifetime: time.Hour, Sliding: Off}
	s := parse(t, texts["wif45-fedauth.config"], Settings{MaxLifetime: 8 * time.Hour}, katana,
		Settings{Kind: Bearer}, Settings{Kind: FedAuth, Path: "/app/", Sliding: On},
		Settings{Kind: Forms, Name: "F", Path: "/"}, Settings{Kind: SQSession, Name: "SQSession_12"})
	katana.MaxLifetime = 8 * time.Hour
	if got := s.Katana[0]; got.Settings != katana || !got.On || got.Refused != "" {
		t.Errorf("%+v", got.Settings)
	}
	if s.Named("myapp") != nil || s.Named("MyApp") != s.Katana[0] ||
		s.Of(Katana, "") != s.Katana[0] || s.AuthTypeOf("MyApp", "") != "ApplicationCookie" {
		t.Error("the cookie is not found by its name")
	}
	for c, want := range map[*Credential]string{
		s.Session: "Name=FedAuth line 44, Path=/app/ options, Domain=.app.example line 44, " +
			"Secure=on line 44, ChunkSize=3000 line 44, ClockSkew=10m line 21, Lifetime=30m line 28, " +
			"MaxLifetime=8h options, PersistentLifetime=7d line 44, Sliding=on options",
		s.Forms:     "Name=F options, Path=/ options, MaxLifetime=8h options",
		s.Bearer:    "",
		s.SQSession: "Name=SQSession_12 options",
	} {
		if got := lines(c); got != want || !c.On || !c.Asked || c.Refused != "" {
			t.Errorf("%s: on %t, refused %q\n got %s\nwant %s", c.Kind, c.On, c.Refused, got, want)
		}
	}
	for _, tt := range []struct {
		said []Settings
		want string
	}{
		{[]Settings{{Kind: Katana}}, `AuthenticationType: it is missing`},
		{[]Settings{{Kind: Katana, AuthenticationType: ".AspNet.ApplicationCookie"}},
			`the type is "ApplicationCookie"`},
		{[]Settings{{Kind: Katana, AuthenticationType: ".AspNetCore.Identity"}}, `ASP.NET Core`},
		{[]Settings{{Kind: Katana, AuthenticationType: "A", PersistentLifetime: 1}},
			"PersistentLifetime: it has no effect: a persistent cookie lives as long as its ticket, by Lifetime"},
		{[]Settings{{Kind: Katana, AuthenticationType: "A"},
			{Kind: Katana, AuthenticationType: "A"}}, "two cookies are called .AspNet.A"},
		{[]Settings{{Kind: Forms, AuthenticationType: "A"}}, "Name is the name of the cookie"},
		{[]Settings{{Kind: Forms, ChunkSize: 2000}}, "ChunkSize: it has no effect"},
		{[]Settings{{Kind: Bearer, Path: "/"}}, "no cookie carries it"},
		{[]Settings{{Kind: SQSession, Name: "A", Sliding: On}}, "Lifetime is how long it is valid"},
		{[]Settings{{Kind: SQSession}}, "SQSessionFlowtime"},
		{[]Settings{{Kind: WIF10}}, "the web.config has a session of WIF 4.5"},
		{[]Settings{{Kind: Forms}, {Kind: Forms}}, "twice"},
		{[]Settings{{Kind: Bearer}, {Kind: Bearer}}, "twice"},
		{[]Settings{{Kind: Refresh}}, `no site accepts "refresh"`},
		{[]Settings{{Kind: "jwt"}}, `no site accepts "jwt" as a sign-in; ` +
			"there are bearer, fedauth, wif10, forms, katana, core, sqsession"},
		{[]Settings{{Name: "A"}}, "say of which Kind"},
		{[]Settings{{Kind: Forms, Name: "a b"}}, `"a b" cannot be the name`},
		{[]Settings{{Kind: Forms, SameSite: "lax"}}, "none of None, Lax, Strict and Unspecified"},
		{[]Settings{{Kind: Forms, Lifetime: -1}}, "negative"},
		{[]Settings{{Kind: FedAuth, ChunkSize: -1}}, "negative"},
		{[]Settings{{Kind: Forms, Sliding: 7}}, "neither on nor off"},
		{[]Settings{{Kind: Katana, AuthenticationType: "A", MaxAge: time.Hour}},
			"MaxAge: it has no effect: only ASP.NET Core writes max-age"},
		{[]Settings{{Kind: Core, MaxAge: 1500 * time.Millisecond}},
			"MaxAge: 1.5s is no number of whole seconds"},
	} {
		_, err := Parse("", strings.NewReader(texts["wif45-fedauth.config"]),
			&Options{Credentials: tt.said})
		var e *OptionError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.said, err, tt.want)
		}
	}
}

// TestProperties wants a row for each field of Settings, which copies it and
// shows it.
func TestProperties(t *testing.T) {
	fields := reflect.TypeFor[Settings]()
	var names []string
	for i := range fields.NumField() {
		names = append(names, fields.Field(i).Name)
	}
	rows := []string{"Kind"}
	for _, p := range properties {
		rows = append(rows, p.name)
		var from, to Settings
		switch v := reflect.ValueOf(&from).Elem().FieldByName(p.name); v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Uint8:
			v.SetUint(1)
		default:
			v.SetInt(1)
		}
		if p.copy(&to, &from); to != from || !p.said(&from) || p.said(new(Settings)) {
			t.Errorf("%s: %+v", p.name, to)
		}
	}
	if diff := cmp.Diff(names, rows); diff != "" {
		t.Error(diff)
	}
}

// counting counts how often each file is opened.
type counting struct {
	fs.FS
	opened map[string]int
}

func (c counting) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.FS.Open(name)
}

// TestLoadOnce wants every file opened once, a configSource too, and the same
// value from each kind of input.
func TestLoadOnce(t *testing.T) {
	texts, _ := configs(t)
	whole := texts["forms-site.config"]
	start := strings.Index(whole, "<machineKey")
	end := start + strings.Index(whole[start:], "/>") + 2
	files := map[string]string{
		"shop/web.config":      whole[:start] + `<machineKey configSource="keys\key.config"/>` + whole[end:],
		"shop/keys/key.config": whole[start:end],
	}
	memory := counting{fstest.MapFS{}, map[string]int{}}
	folder := t.TempDir()
	for name, text := range files {
		memory.FS.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text)}
		disk := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(disk), 0o700),
			os.WriteFile(disk, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	one, err := LoadFS(memory, "shop/web.config", nil)
	if err != nil || one.Err() != nil {
		t.Fatal(err, one.Err())
	}
	if want := map[string]int{"shop/web.config": 1,
		"shop/keys/key.config": 1}; !cmp.Equal(memory.opened, want) {
		t.Errorf("opened %v", memory.opened)
	}
	two, err := Load(filepath.Join(folder, "shop", "web.config"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Site{two, parse(t, whole)} {
		s.File = one.File
		s.Key.Line = one.Key.Line // an element of several lines became one
		if got, want := lines(s.Forms), "Name=.SHOPAUTH"; !strings.HasPrefix(got, want) ||
			!s.Key.ValidationKey.Equal(one.Key.ValidationKey) {
			t.Errorf("%s, %v", got, s.Key)
		}
	}
	if s := parse(t, files["shop/web.config"]); s.Err() == nil ||
		s.Key.Fault.Code != webconfig.CodeConfigSourceMissing {
		t.Errorf("a reader has no files beside it: %v", s.Err())
	}
	for _, load := range []func() (*Site, error){
		func() (*Site, error) { return Load(filepath.Join(folder, "none"), nil) },
		func() (*Site, error) { return LoadFS(memory, "none", nil) },
	} {
		var e *webconfig.Error
		if s, err := load(); s != nil || !errors.As(err, &e) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
}

// TestNew wants a site of a key alone, and nothing accepted that nobody asked
// for.
func TestNew(t *testing.T) {
	key := Key{MachineKey: webconfig.MachineKey{ValidationKey: secret.New(make([]byte, 64)),
		DecryptionKey: secret.New(make([]byte, 32)), Validation: "SHA1", Decryption: "Auto",
		Mode: Framework45}}
	s, err := New(key, &Options{Credentials: []Settings{{Kind: WIF10, Lifetime: time.Hour},
		{Kind: Katana, AuthenticationType: "A"}}})
	if err != nil {
		t.Fatal(err)
	}
	var accepted []string
	for _, c := range s.Credentials() {
		if c.On && c.Refused == "" {
			accepted = append(accepted, string(c.Kind)+" "+c.Name)
		}
	}
	if want := []string{"wif10 FedAuth", "katana .AspNet.A"}; !slices.Equal(accepted, want) {
		t.Errorf("%q", accepted)
	}
	if got := fmt.Sprintf("%v %+v %#v %s", s.Key, s.Key, s.Key, s.Key); strings.Contains(got,
		"0 0") || strings.Contains(got, "\x00") {
		t.Error(got)
	}
}

// TestNames wants the kind that the name of a cookie tells.
func TestNames(t *testing.T) {
	texts, _ := configs(t)
	s := parse(t, texts["forms-site.config"])
	for name, want := range map[string]string{
		"fedauth": "fedauth FedAuth", ".shopauth": "forms .SHOPAUTH", ".ASPXAUTH": "", ".ASPXROLES": "roles .ASPXROLES",
		".AspNet.Cookies": "katana .AspNet.Cookies", ".aspnet.Cookies": "", "other": "",
	} {
		got := ""
		if c := s.Named(name); c != nil {
			got = string(c.Kind) + " " + c.Name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		".AspNet.ApplicationCookie":     ".AspNet.ApplicationCookie",
		".AspNet.ApplicationCookieC12":  ".AspNet.ApplicationCookie",
		".AspNet.Type2":                 ".AspNet.Type2",
		".AspNet.C1":                    "", // a chunk of nothing
		".AspNet.":                      "",
		".AspNet.Correlation.Google":    "",
		".aspnet.ApplicationCookie":     "",
		".AspNetCore.Cookies":           "",
		"ASP.NET_SessionId":             "",
		".AspNet.Microsoft.C":           ".AspNet.Microsoft.C",
		".AspNet.ExternalCookieC1C1":    ".AspNet.ExternalCookieC1",
		".AspNet.TwoFactorCookie;other": ".AspNet.TwoFactorCookie;other",
		"FedAuth":                       "",
	} {
		if got, ok := KatanaBase(name); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %t", name, got, ok)
		}
	}
	for _, tt := range [][3]string{
		{".AspNet.Cookies", "", "Cookies"},
		{".AspNet.Cookies", "Mine", "Mine"},
		{".AspNet. ", "", "ApplicationCookie"},
		{"Site", "", "ApplicationCookie"},
	} {
		if got := s.AuthTypeOf(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%q, %q: %q", tt[0], tt[1], got)
		}
	}
	if got := s.Names(); !slices.Equal(got, []string{"FedAuth", ".SHOPAUTH", ".ASPXROLES",
		".ASPXANONYMOUS"}) || s.SignIn() != Forms {
		t.Errorf("%q", got)
	}
	if c := s.Of(WIF10, ""); c != s.Session || s.Of(State, "").Kind != State ||
		s.Of(Katana, "X").Name != ".AspNet.X" {
		t.Errorf("%v", c)
	}
}

func FuzzSite(f *testing.F) {
	texts, _ := configs(f)
	for _, text := range texts {
		f.Add(text, "MyApp", "ApplicationCookie")
	}
	f.Fuzz(func(t *testing.T, text, name, authType string) {
		open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		said := &Options{Credentials: []Settings{{Kind: Katana, Name: name,
			AuthenticationType: authType}}}
		file, err := webconfig.Parse(strings.NewReader(text), open)
		s, err := resolve("web.config", file, err, said)
		if err != nil {
			var bad *webconfig.Error
			var option *OptionError
			if s != nil || !errors.As(err, &bad) && !errors.As(err, &option) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if (s.Key.Fault != nil) && s.Err() == nil ||
			s.Key.Fault == nil && (s.Key.ValidationKey.Len() == 0 ||
				s.Key.DecryptionKey.Len() == 0) {
			t.Errorf("%v, %v", s.Key, s.Key.Fault)
		}
		for _, c := range s.Credentials() {
			if !c.On && c.Refused == "" && c.Kind != Roles && c.Kind != Anonymous {
				t.Errorf("%s is off and nobody knows why", c.Kind)
			}
			if c.Refused == "" && c.Kind != Katana && c.Kind != Bearer && !ValidName(c.Name) {
				t.Errorf("%s is called %q", c.Kind, c.Name)
			}
		}
	})
}

// TestParseSettings wants what flags say, and each mistake named.
func TestParseSettings(t *testing.T) {
	for text, want := range map[string]Settings{
		"forms": {Kind: Forms},
		"katana,AuthenticationType=ApplicationCookie,name=MyApp,Path=/shop,Domain=app.example,Secure=on,ScriptAccess=true,SameSite=Lax,ChunkSize=3000,Lifetime=8h,Sliding=off": {
			Kind: Katana, AuthenticationType: "ApplicationCookie", Name: "MyApp", Path: "/shop", Domain: "app.example", Secure: On,
			ScriptAccess: true, SameSite: "Lax", ChunkSize: 3000,
			Lifetime: 8 * time.Hour, Sliding: Off},
		"OWIN, AuthenticationType=a=b": {Kind: Katana, AuthenticationType: "a=b"},
		"fedauth,ClockSkew=none":       {Kind: FedAuth, ClockSkew: None},
		"core,MaxAge=90m":              {Kind: Core, MaxAge: 90 * time.Minute},
		"katana,Lifetime=14d":          {Kind: Katana, Lifetime: 14 * day},
	} {
		if got, err := ParseSettings(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"forms,Nam=x":            "there is no such option; there are Name, Path,",
		"forms,Name":             "write OPTION=VALUE",
		"forms,Name=":            "write OPTION=VALUE",
		"forms,Name=a,name=b":    "twice",
		"fedauth,ChunkSize=many": `"many" is not a number`,
		"forms,Sliding=true":     "on or off",
		"forms,Lifetime=30":      "a duration such as 14d, 8h or 30m",
		"katana,ScriptAccess=1":  "true or false",
	} {
		_, err := ParseSettings(text)
		var e *OptionError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseSettings(f *testing.F) {
	for _, p := range properties {
		for _, value := range []string{"on", "true", "30m", "3000", "Lax", "none"} {
			f.Add("katana,AuthenticationType=A," + p.name + "=" + value)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSettings(text)
		var e *OptionError
		if err != nil {
			if s != (Settings{}) || !errors.As(err, &e) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		// What was said is shown, and read again as the same.
		again := string(s.Kind)
		for _, p := range properties {
			if p.said(&s) {
				again += "," + p.name + "=" + p.text(&s)
			}
		}
		if got, err := ParseSettings(again); err == nil && got != s {
			t.Errorf("%q: %+v, read again as %+v", text, s, got)
		}
	})
}

// TestRemovedModules wants the module that a site removes to decide, with its
// line, unless the site is asked to go on.
func TestRemovedModules(t *testing.T) {
	texts, _ := configs(t)
	with := func(file, modules string) string {
		return strings.Replace(texts[file], "</configuration>",
			"<system.webServer><modules>"+modules+
				"</modules></system.webServer></configuration>", 1)
	}
	for _, tt := range []struct {
		file, modules string
		of            func(*Site) *Credential
		asked         Settings
	}{
		{"forms-site.config", "<remove name='FormsAuthentication'/>",
			func(s *Site) *Credential { return s.Forms }, Settings{Kind: Forms}},
		{"wif45-fedauth.config", "<remove name='SessionAuthenticationModule'/>",
			func(s *Site) *Credential { return s.Session }, Settings{Kind: FedAuth}},
	} {
		text := with(tt.file, tt.modules)
		c := tt.of(parse(t, text))
		line := 1 + strings.Count(text[:strings.LastIndex(text, "<remove")], "\n")
		if !strings.Contains(c.Refused, "removes") || c.RefusedLine != line {
			t.Errorf("%s: %q on line %d, want line %d", tt.file, c.Refused, c.RefusedLine, line)
		}
		if c = tt.of(parse(t, text, tt.asked)); c.Refused != "" || !c.On {
			t.Errorf("%s, asked: %q", tt.file, c.Refused)
		}
		if c = tt.of(parse(t, with(tt.file, "<remove name='RoleManager'/>"))); c.Refused != "" {
			t.Errorf("%s: %q", tt.file, c.Refused)
		}
	}
	s := parse(t, texts["katana-bearer-api.config"])
	if s.Forms.On || s.Forms.Refused != `authentication mode is "Windows"` {
		t.Errorf("without forms: %q", s.Forms.Refused)
	}
}

// TestSuppressSameSiteNone wants SameSite=None left out by the switch, with its
// line, and no other value, nor what Options say.
func TestSuppressSameSiteNone(t *testing.T) {
	const site = `<configuration><appSettings>
		<add key="aspnet:SuppressSameSiteNone" value="%s"/></appSettings><system.web>
		<authentication mode="Forms"><forms cookieSameSite="%s"/></authentication>
		<httpCookies sameSite="%[2]s"/></system.web></configuration>`
	katana := Settings{Kind: Katana, AuthenticationType: "ApplicationCookie"}
	for _, tt := range []struct {
		on, value, want string
		line            int
	}{
		{"true", "None", "Unspecified", 2},
		{"false", "None", "None", 3},
		{"yes", "None", "None", 3}, // no boolean: off
		{"true", "Strict", "Strict", 3},
	} {
		s := parse(t, fmt.Sprintf(site, tt.on, tt.value), katana)
		if c := s.Forms; c.SameSite != tt.want || c.From("SameSite").Line != tt.line {
			t.Errorf("%s %s: forms %s of line %d", tt.on, tt.value, c.SameSite,
				c.From("SameSite").Line)
		}
		for _, c := range []*Credential{s.Session, s.Roles, s.Anonymous, s.Katana[0]} {
			if c.SameSite != tt.want {
				t.Errorf("%s %s: %s %s", tt.on, tt.value, c.Kind, c.SameSite)
			}
		}
	}
	said := katana
	said.SameSite = "None"
	if s := parse(t, fmt.Sprintf(site, "true", "Lax"), said); s.Katana[0].SameSite != "None" {
		t.Errorf("said in Go: %s", s.Katana[0].SameSite)
	}
}

// TestCore wants the credentials of ASP.NET Core with its own defaults, which no
// web.config changes, and what stands in Options.
func TestCore(t *testing.T) {
	s := parse(t,
		`<configuration><system.web><httpCookies domain="old.example" requireSSL="true" sameSite="None"/>`+
			`<machineKey validationKey="`+strings.Repeat("ab", 64)+`" decryptionKey="`+
			strings.Repeat("cd", 32)+`" validation="SHA1"/></system.web></configuration>`,
		Settings{MaxLifetime: time.Hour}, Settings{Kind: Core},
		Settings{Kind: Core, AuthenticationType: "a b", Lifetime: time.Minute},
		Settings{Kind: Bearer}, Settings{Kind: Bearer, AuthenticationType: "Identity.Bearer"})
	want := []Settings{
		{Kind: Core, Name: ".AspNetCore.Cookies", AuthenticationType: "Cookies", Path: "/",
			SameSite: "Lax", ChunkSize: 4050, Lifetime: 14 * 24 * time.Hour,
			MaxLifetime: time.Hour, Sliding: On},
		{Kind: Core, Name: ".AspNetCore.a%20b", AuthenticationType: "a b", Path: "/",
			SameSite: "Lax", ChunkSize: 4050, Lifetime: time.Minute,
			MaxLifetime: time.Hour, Sliding: On},
		{Kind: Bearer, AuthenticationType: "Identity.Bearer", Lifetime: time.Hour},
	}
	var got []Settings
	for _, c := range s.Core {
		got = append(got, c.Settings)
		if !s.OnRing(c.Kind) && c.Kind == Core {
			t.Errorf("%v is not on the key ring", c.Kind)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, want := range []Setting{
		{Name: "AuthenticationType", Value: "Cookies", Default: true},
		{Name: "AuthenticationType", Value: "a b", Options: true},
	} {
		if list := s.Core[i].List(); !slices.Contains(list, want) {
			t.Errorf("%+v, want %+v among them", list, want)
		}
	}
	if s.Bearer.Lifetime != 20*time.Minute || s.Of(Core, "a b") != s.Core[1] ||
		s.Named(".aspnetcore.cookies") != s.Core[0] {
		t.Errorf("%v", s.Bearer)
	}
	for _, text := range []string{"core,AuthenticationType=.AspNetCore.Cookies",
		"core,AuthenticationType=.AspNet.SharedCookie",
		"core,ClockSkew=5m", "core,PersistentLifetime=5m"} {
		said, err := ParseSettings(text)
		if err == nil {
			_, err = New(Key{}, &Options{Credentials: []Settings{said}})
		}
		if !errors.As(err, new(*OptionError)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestSpan shows time spans in days, without what is zero at their end, and reads them again.
func TestSpan(t *testing.T) {
	for text, want := range map[string]string{
		"5m": "5m", "10m": "10m", "30s": "30s", "1h": "1h", "10h": "10h", "90m": "1h30m",
		"0s": "0s", "1m30s": "1m30s", "20m20s": "20m20s", "47h": "47h", "48h": "2d",
		"336h": "14d", "168h30m": "7d30m", "1666h40m": "69d10h40m", "1d": "24h", "1d24h": "2d",
	} {
		d, err := ParseSpan(text)
		if got := Span(d); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
		if again, err := ParseSpan(want); err != nil || again != d {
			t.Errorf("%s reads again as %v, %v", want, again, err)
		}
	}
	if got := Span(-1); got != "0s" {
		t.Errorf("a negative span is %q", got)
	}
	for _, text := range []string{"", "d", "14", "14 d", "1.5d", "-1d", "-5m", "1d-5m", "5md", "70000d",
		"65535d2562047h"} {
		if d, err := ParseSpan(text); err == nil || d != 0 {
			t.Errorf("%q is %v", text, d)
		}
	}
}
