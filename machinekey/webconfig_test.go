package machinekey_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/testvectors"
)

// Faults in these sections do not concern the machine key.
var otherSections = []string{
	"system.web/authentication",
	"sessionTokenRequirement",
	"cookieHandler",
}

type webConfigVector struct {
	name   string
	xml    []byte
	expect struct {
		Error *struct {
			Code    string
			Section *string
		}
		MachineKey struct {
			ValidationKey, DecryptionKey             string
			Validation, Decryption                   string
			CompatibilityMode, CompatibilityModeFrom string
		}
		Warnings []string
	}
}

// webConfigVectors reads all 70 snippets and 6 whole files.
func webConfigVectors(tb testing.TB) []webConfigVector {
	tb.Helper()
	read := func(name string, v any) []byte {
		data, err := testvectors.Read(name)
		if err == nil && v != nil {
			err = json.Unmarshal(data, v)
		}
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		return data
	}
	var file struct {
		Cases []struct {
			ID, XML string
			Expect  json.RawMessage
		}
	}
	read("webconfig/cases.json", &file)
	var all []webConfigVector
	for _, c := range file.Cases {
		v := webConfigVector{name: c.ID, xml: []byte(c.XML)}
		if err := json.Unmarshal(c.Expect, &v.expect); err != nil {
			tb.Fatal(err)
		}
		all = append(all, v)
	}
	for _, name := range testvectors.Names() {
		if base, ok := strings.CutSuffix(name, ".config"); ok {
			v := webConfigVector{name: base, xml: read(name, nil)}
			read(base+".json", &v.expect)
			all = append(all, v)
		}
	}
	if len(all) != 70+6 {
		tb.Fatalf("%d vectors, want 76", len(all))
	}
	return all
}

func TestWebConfigVectors(t *testing.T) {
	for _, v := range webConfigVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			cfg, err := machinekey.ParseWebConfig(bytes.NewReader(v.xml))
			want := v.expect.MachineKey
			if e := v.expect.Error; e != nil {
				section := ""
				if e.Section != nil {
					section = *e.Section
				}
				if slices.ContainsFunc(otherSections,
					func(s string) bool { return strings.HasPrefix(section, s) }) {
					if err != nil || cfg.ValidationKey.Len() != 64 ||
						cfg.DecryptionKey.Len() != 32 || cfg.Mode != machinekey.Framework45 {
						t.Errorf("%v, %v", cfg, err)
					}
					return
				}
				got := configErrorOf(t, err)
				if got.Code != e.Code || got.Section != section {
					t.Errorf("error %s in %q, want %s in %q", got.Code, got.Section,
						e.Code, section)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range []struct{ name, got, want string }{
				{"validationKey", strings.ToUpper(hex.EncodeToString(cfg.ValidationKey.Reveal())),
					want.ValidationKey},
				{"decryptionKey", strings.ToUpper(hex.EncodeToString(cfg.DecryptionKey.Reveal())),
					want.DecryptionKey},
				{"validation", string(cfg.Validation), want.Validation},
				{"decryption", string(cfg.Decryption), want.Decryption},
				{"compatibilityMode", string(cfg.Mode), want.CompatibilityMode},
			} {
				if field.got != field.want {
					t.Errorf("%s %q, want %q", field.name, field.got, field.want)
				}
			}
			if cfg.AllowInsecure || cfg.AllowKnownKey {
				t.Error("AllowInsecure or AllowKnownKey was set by the file")
			}
			cfg.AllowKnownKey = true
			_, err = machinekey.New(cfg)
			if weak := slices.Contains(v.expect.Warnings, "weak_algorithm"); weak != (err != nil) {
				t.Errorf("New without AllowInsecure: %v", err)
			}
		})
	}
}

// configErrorOf fails unless err is a *ConfigError.
func configErrorOf(t *testing.T, err error) *machinekey.ConfigError {
	t.Helper()
	var e *machinekey.ConfigError
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	return e
}

// element returns a <machineKey> with fresh keys and the attributes beside
// them.
func element(tb testing.TB, attributes string) string {
	tb.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf(`<machineKey validationKey="%X" decryptionKey="%X" %s/>`,
		cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal(), attributes)
}

func TestWebConfigRoundTrip(t *testing.T) {
	for _, validation := range []machinekey.Validation{machinekey.HMACSHA1, machinekey.HMACSHA256,
		machinekey.HMACSHA384, machinekey.HMACSHA512} {
		for _, decryption := range []machinekey.Decryption{machinekey.Auto, machinekey.AES} {
			cfg, err := machinekey.Generate(validation, decryption)
			if err != nil {
				t.Fatal(err)
			}
			got, err := machinekey.ParseWebConfig(strings.NewReader("<configuration>\n<system.web>" + cfg.WebConfig() + "</system.web></configuration>"))
			if err != nil {
				t.Fatal(err)
			}
			if !got.ValidationKey.Equal(cfg.ValidationKey) ||
				!got.DecryptionKey.Equal(cfg.DecryptionKey) ||
				got.Validation != validation || got.Decryption != decryption ||
				got.Mode != cfg.Mode {
				t.Errorf("%v became %v", cfg, got)
			}
		}
	}
}

func TestModeOfFile(t *testing.T) {
	for _, test := range []struct {
		runtime, attribute string
		mode               machinekey.Mode
	}{
		{``, ``, machinekey.Framework20SP1},
		{`<httpRuntime targetFramework="4.0"/>`, ``, machinekey.Framework20SP1},
		{`<httpRuntime maxRequestLength="1"/>`, ``, machinekey.Framework20SP1},
		{`<compilation targetFramework="4.8"/>`, ``, machinekey.Framework20SP1},
		{`<httpRuntime targetFramework="4.8"/>`, ``, machinekey.Framework45},
		{`<httpRuntime targetFramework="4.8"/>`, `compatibilityMode="Framework20SP2"`,
			machinekey.Framework20SP2},
		{``, `compatibilityMode="Framework45"`, machinekey.Framework45},
	} {
		cfg, err := machinekey.ParseWebConfig(strings.NewReader(
			"<configuration>\n<system.web>\n" + test.runtime + "\n" + element(t, test.attribute) +
				"</system.web></configuration>"))
		if err != nil {
			t.Errorf("%s %s: %v", test.runtime, test.attribute, err)
		} else if cfg.Mode != test.mode {
			t.Errorf("%s %s: %v, want %v", test.runtime, test.attribute, cfg.Mode, test.mode)
		}
	}
}

func TestWebConfigErrors(t *testing.T) {
	secret := strings.Repeat("E5", 33)
	wrap := func(inside string) string {
		return "<configuration>\n<system.web>\n" + inside + "</system.web></configuration>"
	}
	for _, test := range []struct{ xml, text string }{
		{wrap(""),
			`machinekey: system.web/machineKey/@validationKey: auto generated key: found no <machineKey> in this file; want hex digits, the same on every node: in IIS Manager`},
		{wrap(""), `set higher up: in machine.config, the root web.config or a parent site's web.config`},
		{wrap(`<machineKey decryptionKey="AutoGenerate"/>`),
			`line 3: system.web/machineKey/@validationKey: auto generated key`},
		{wrap(`<machinekey/>`),
			`line 3: system.web/machineKey: unknown element: found <machinekey>; want <machineKey>`},
		{wrap(`<machineKey validationkey=""/>`),
			`system.web/machineKey/@validationkey: unknown attribute; want validationKey`},
		{wrap(`<machineKey validationKey="` + secret + `" decryptionKey="` + secret + `"/>`),
			`/@decryptionKey: invalid decryption key: found 33 bytes for AES; want 32, 48 or 64 hex digits`},
		{wrap(`<machineKey validationKey="` + secret + `5" decryptionKey="` + secret + `"/>`),
			`/@validationKey: invalid validation key: found 67 characters that are not pairs of hex digits`},
		{wrap(`<machineKey validationKey="` + secret + `,IsolateApps" decryptionKey="` + secret +
			`"/>`), `/@validationKey: isolated key: found an isolation flag`},
		{wrap(`<machineKey configProtectionProvider="RsaProtectedConfigurationProvider"/>`),
			`aspnet_regiis -pdf "system.web/machineKey"`},
		{wrap(`<machineKey configSource="mk.config"/>`),
			`/@configSource: config source missing: found "mk.config"`},
		{"<configuration>\n<system.web>",
			`machinekey: line 2: malformed xml: found the file ends inside <system.web> of line 2`},
		{`<!DOCTYPE a>`, `machinekey: line 1: dtd not allowed`},
	} {
		cfg, err := machinekey.ParseWebConfig(strings.NewReader(test.xml))
		e := configErrorOf(t, err)
		if text := e.Error(); !strings.Contains(text, test.text) {
			t.Errorf("%s\nlacks %s", text, test.text)
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if strings.Contains(fmt.Sprintf(verb, e), secret[:8]) {
				t.Errorf("%s shows the key", verb)
			}
		}
		if cfg.ValidationKey.Len() > 0 || cfg.DecryptionKey.Len() > 0 {
			t.Error("keys beside the error")
		}
	}
}

func TestLoadWebConfig(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("web.config",
		`<configuration><system.web><machineKey configSource=".\mk.config"/></system.web></configuration>`)
	write("mk.config", "<?xml version='1.0'?>\n"+element(t, `validation="HMACSHA512"`))
	cfg, err := machinekey.LoadWebConfig(filepath.Join(dir, "web.config"))
	if err != nil || cfg.Validation != machinekey.HMACSHA512 {
		t.Errorf("%v, %v", cfg, err)
	}
	write("mk.config", "<?xml version='1.0'?>\n"+element(t, `validation="sha1"`))
	_, err = machinekey.LoadWebConfig(filepath.Join(dir, "web.config"))
	if e := configErrorOf(t, err); e.Code != "invalid_validation_algorithm" || e.Line != 2 ||
		e.Found != `"sha1"` || e.File != "mk.config" ||
		!strings.Contains(err.Error(), `found "sha1", in mk.config;`) {
		t.Error(err)
	}
	_, err = machinekey.LoadWebConfig(filepath.Join(dir, "none.config"))
	if e := configErrorOf(t, err); e.Code != "unreadable_file" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	_, err = machinekey.LoadWebConfig(dir)
	if e := configErrorOf(t, err); e.Code != "unreadable_file" {
		t.Error(err)
	}
}

func BenchmarkParseWebConfig(b *testing.B) {
	data := testkit.File(b, "webconfig/wif45-fedauth.config")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := machinekey.ParseWebConfig(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
