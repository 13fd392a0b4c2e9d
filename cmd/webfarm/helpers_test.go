package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// result is what one run of the tool did.
type result struct {
	code     int
	out, err string
}

// tool runs the tool in this process.
func tool(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	code := run(context.Background(), args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// want fails the test unless the tool ended with this code.
func (r result) want(t testing.TB, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.out, r.err)
	}
	return r
}

// decode reads the output of -json, strictly.
func (r result) decode(t testing.TB, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("output is not the JSON it should be: %v\n%s", err, r.out)
	}
	if d.More() {
		t.Fatal("more than one JSON value")
	}
}

// freshConfig writes a web.config with a new key to a new folder, which
// becomes the working directory, so that the path in the output is short.
func freshConfig(t testing.TB) machinekey.Config {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	inFolder(t, "web.config", webConfigText(cfg))
	return cfg
}

// inFolder puts a file into a new folder and goes there.
func inFolder(t testing.TB, name, text string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
}

// unfolded returns text with one blank in the place of several, and of the end of a line.
func unfolded(text string) string { return strings.Join(strings.Fields(text), " ") }

// writeFile puts a file into the working directory.
func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ringOf returns a ring of one key.
func ringOf(t testing.TB, cfg machinekey.Config) *machinekey.Ring {
	t.Helper()
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

// noSecrets fails the test if text holds a key of cfg in any spelling.
func noSecrets(t testing.TB, cfg machinekey.Config, text string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, key := range [][]byte{cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal()} {
		part := key[:min(16, len(key))] // a part is as bad as the whole
		for _, spelled := range []string{
			hex.EncodeToString(part), string(part),
			base64.RawStdEncoding.EncodeToString(part[:len(part)/3*3]),
			base64.RawURLEncoding.EncodeToString(part[:len(part)/3*3]),
		} {
			if strings.Contains(text, strings.ToLower(spelled)) {
				t.Errorf("the output holds key bytes (%d of them)", len(part))
			}
		}
	}
}

var (
	anyTime  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
	anyPort  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	anyKeyID = regexp.MustCompile(`\b(key |key id +|machine key  id |keyId": ")[0-9a-f]{8}\b`)
	anyCount = regexp.MustCompile(` +\d+ (characters|bytes)`)
	anyUUID  = regexp.MustCompile(`_?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-[0-9A-F]{32})?`)
	anyValue = regexp.MustCompile(`(FedAuth\d*=)[A-Za-z0-9+/=]{50,}`)
	anyFlip  = regexp.MustCompile(`character \d+ of FedAuth1(\s+)is '.' instead of '.'`)
)

// normalised replaces what differs from run to run.
func normalised(text string) string {
	text = anyTime.ReplaceAllString(text, "TIME")
	text = anyPort.ReplaceAllString(text, "127.0.0.1:PORT")
	text = anyKeyID.ReplaceAllString(text, "${1}KEYID")
	text = anyFlip.ReplaceAllString(text, "character N of FedAuth1${1}is 'X' instead of 'Y'")
	text = anyCount.ReplaceAllString(text, " N $1")
	text = anyUUID.ReplaceAllString(text, "UUID")
	text = anyValue.ReplaceAllString(text, "${1}VALUE")
	return text
}

// golden compares text with a file of testdata.
func golden(t testing.TB, folder, name, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "testdata", name))
	if err != nil {
		t.Fatalf("%v\ngot:\n%s", err, text)
	}
	if text != string(data) {
		t.Errorf("output differs from testdata/%s\ngot:\n%s\nwant:\n%s", name, text, data)
	}
}

// here returns the folder of the package; tests change the working directory.
func here(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// vectorFile is what the tests need of the vector files of session tokens.
type vectorFile struct {
	MachineKeys map[string]struct{ ValidationKey, DecryptionKey, Validation, Decryption string }
	Vectors     []vector
}

type vector struct {
	Name       string
	MachineKey string
	CookieName string
	Cookies    []struct{ Name, Value string }
	Input      struct {
		KeyHex     string
		Identities []struct {
			Bootstrap *struct{ String string }
		}
	}
}

// baseName is the name of the cookie.
func (v vector) baseName() string {
	if v.CookieName != "" {
		return v.CookieName
	}
	return "FedAuth"
}

// header returns the cookies of v as a Cookie header.
func (v vector) header() string {
	var pairs []string
	for _, c := range v.Cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// vectorFiles are the files that were read in this run, by name.
var vectorFiles sync.Map

func readVectors(t testing.TB, name string) *vectorFile {
	t.Helper()
	if f, ok := vectorFiles.Load(name); ok {
		return f.(*vectorFile)
	}
	f := new(vectorFile)
	testkit.JSON(t, name, f)
	if len(f.Vectors) == 0 {
		t.Fatalf("%s holds no vectors", name)
	}
	vectorFiles.Store(name, f)
	return f
}

// named returns the vector of that name.
func (f *vectorFile) named(t testing.TB, name string) vector {
	t.Helper()
	for _, v := range f.Vectors {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("there is no vector %q", name)
	return vector{}
}

// config returns the web.config of the site that v is from.
func (f *vectorFile) config(t testing.TB, v vector) string {
	t.Helper()
	k, ok := f.MachineKeys[v.MachineKey]
	if !ok {
		t.Fatalf("there is no key %q", v.MachineKey)
	}
	return `<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    <machineKey validationKey="` + k.ValidationKey + `" decryptionKey="` + k.DecryptionKey + `"
      validation="` + k.Validation + `" decryption="` + k.Decryption + `" />
  </system.web>
</configuration>
`
}

// dpapiCookie is the envelope of a cookie that begins as a DPAPI blob does.
var dpapiCookie = base64.StdEncoding.EncodeToString([]byte(`<SecurityContextToken p1:Id="_a" ` +
	`xmlns:p1="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" ` +
	`xmlns="http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"><Identifier>urn:uuid:b</Identifier>` +
	`<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA</Cookie></SecurityContextToken>`))

// emptySite is a site that says nothing, with the defaults of .NET.
func emptySite(t testing.TB) *site.Site {
	t.Helper()
	s, err := site.New(site.Key{MachineKey: webconfig.MachineKey{Mode: site.Framework45}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
