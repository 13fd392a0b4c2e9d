package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/testvectors"
)

// TestInspectTranscripts compares what people see. The cookies are recorded,
// so nothing differs from run to run.
func TestInspectTranscripts(t *testing.T) {
	tests := []struct {
		file, vector string
		code         int
		args         []string
	}{
		{"sessiontoken_45.json", "one-claim-key-B", exitOK, []string{"-at", "2025-01-01"}},
		{"sessiontoken_45.json", "actor-depth-3", exitOK, []string{"-at", "2025-01-01", "-skew", "10m"}},
		{"sessiontoken_45.json", "claim-properties", exitOK, []string{"-at", "2025-01-01"}},
		{"sessiontoken_45.json", "bootstrap-string", exitOK, []string{"-at", "2025-01-01"}},
		{"sessiontoken_45.json", "reference-mode", exitRefused, []string{"-at", "2025-01-01"}},
		{"sessiontoken_negative.json", "tamper-17", exitRefused, nil},
		{"sessiontoken_negative.json", "cookies-missing-middle", exitRefused, nil},
		{"sessiontoken_negative.json", "cookies-missing-first", exitRefused, nil},
		{"sessiontoken_negative.json", "cookies-stale-trailing", exitRefused, nil},
		{"sessiontoken_negative.json", "type-hashtable", exitRefused, nil},
		{"sessiontoken_negative.json", "expired", exitRefused, []string{"-at", "2020-01-03T10:00:00Z"}},
		{"sessiontoken_negative.json", "endpoint-mismatch", exitRefused,
			[]string{"-at", "2025-01-01", "-path", "/"}},
	}
	folder := here(t)
	for _, tt := range tests {
		t.Run(tt.vector, func(t *testing.T) {
			f := readVectors(t, tt.file)
			v := f.named(t, tt.vector)
			inFolder(t, "web.config", f.config(t, v))
			r := tool(t, v.header(), append([]string{"inspect", "-config", "web.config", "-"},
				tt.args...)...).want(t, tt.code)
			if r.err != "" {
				t.Errorf("standard error: %s", r.err)
			}
			golden(t, folder, "inspect-"+tt.vector+".txt", r.out)
		})
	}
}

// TestInspectVectors opens every recorded cookie: what the transcript and the
// JSON say agrees with the verdict of the codec, every layer is explained, and
// no secret shows.
func TestInspectVectors(t *testing.T) {
	ran := 0
	for _, file := range []string{"sessiontoken_45.json", "sessiontoken_negative.json"} {
		f := readVectors(t, file)
		for _, v := range f.Vectors {
			config := f.config(t, v)
			cfg, err := machinekey.ParseWebConfig(strings.NewReader(config))
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Cookies) == 0 {
				continue
			}
			ran++
			t.Run(v.Name, func(t *testing.T) {
				inFolder(t, "web.config", config)
				args := []string{"inspect", "-allow-insecure", "-config", "web.config", "-name",
					v.baseName(), "-at", "2025-01-01"}
				people := tool(t, v.header(), args...)
				machines := tool(t, v.header(), append(args, "-json")...).want(t, people.code)
				var report inspectReport
				machines.decode(t, &report)
				if report.OK != (people.code == exitOK) ||
					report.OK != (report.Credentials[0].Refused == nil) {
					t.Errorf("exit code %d, ok %v, refused %v", people.code, report.OK,
						report.Credentials[0].Refused)
				}
				if good := file == "sessiontoken_45.json" &&
					!strings.HasPrefix(v.Name, "reference-mode"); good && !report.OK {
					t.Errorf("refused: %+v", report.Credentials[0].Refused)
				}
				if report.Credentials[0].Refused != nil &&
					(report.Credentials[0].Refused.Meaning == "" ||
						len(report.Credentials[0].Refused.Reasons) == 0) {
					t.Errorf("refusal without explanation: %+v", report.Credentials[0].Refused)
				}
				for _, l := range report.Credentials[0].Layers {
					if known := codeKnown(l.Layer); !known {
						t.Errorf("layer %q has no text", l.Layer)
					}
				}
				noSecrets(t, cfg, people.out+people.err+machines.out+machines.err)
				noTokenKey(t, v, people.out+machines.out)
			})
		}
	}
	if ran < 150 {
		t.Fatalf("%d vectors ran", ran)
	}
}

func codeKnown(code string) bool {
	for _, section := range layerFile {
		if code != "" && section.Text("code") == code {
			return true
		}
	}
	return false
}

// noTokenKey fails the test if the output holds the key inside the token or
// its bootstrap token.
func noTokenKey(t *testing.T, v vector, text string) {
	t.Helper()
	if len(v.Input.KeyHex) >= 30 && strings.Contains(strings.ToLower(text),
		strings.ToLower(v.Input.KeyHex)) {
		t.Error("the output holds the key of the token")
	}
	for _, id := range v.Input.Identities {
		if id.Bootstrap == nil {
			continue
		}
		if s := id.Bootstrap.String; len(s) > 10 && strings.Contains(text, s[:10]) {
			t.Error("the output holds a bootstrap token")
		}
	}
}

// TestInspectBareAndHeader gives the same cookie in each of its forms.
func TestInspectBareAndHeader(t *testing.T) {
	f := readVectors(t, "sessiontoken_45.json")
	v := f.named(t, "one-claim-key-B")
	config, err := testvectors.Read("webconfig/wif45-fedauth.config")
	if err != nil {
		t.Fatal(err)
	}
	inFolder(t, "web.config", string(config))
	value := v.Cookies[0].Value
	for _, text := range []string{value, value + "\n", value[:100] + "\r\n" + value[100:],
		"FedAuth=" + value, "Cookie: x=y; fedauth=" + value, "Set-Cookie: FedAuth=" + value +
			"; path=/; HttpOnly"} {
		arg := tool(t, "", "inspect", "-config", "web.config", text).want(t, exitOK)
		stdin := tool(t, text, "inspect", "-config", "web.config").want(t, exitOK)
		if arg.out != stdin.out {
			t.Error("an argument and standard input differ")
		}
		if !strings.Contains(arg.out, "targetFramework on line 9") ||
			!strings.Contains(arg.out, "ACCEPTED: dave, expires in ") {
			t.Errorf("output:\n%s", arg.out)
		}
	}
}

// TestInspectOlderKey finds the file whose key opens a cookie.
func TestInspectOlderKey(t *testing.T) {
	f := readVectors(t, "sessiontoken_45.json")
	v := f.named(t, "one-claim-key-B")
	inFolder(t, "old.config", f.config(t, v))
	if err := os.WriteFile("web.config", []byte(f.config(t, f.named(t, "one-claim"))),
		0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, v.header(), "inspect", "-config", "web.config").want(t, exitRefused)
	var report inspectReport
	tool(t, v.header(), "inspect", "-config", "web.config", "-config", "old.config",
		"-json").want(t, exitOK).decode(t, &report)
	opened := ""
	for _, l := range report.Credentials[0].Layers {
		opened += l.Config
	}
	if opened != "old.config" || len(report.Configs) != 2 {
		t.Errorf("opened by the key of %q among %d", opened, len(report.Configs))
	}
}

// TestInspectClock judges one cookie at several times.
func TestInspectClock(t *testing.T) {
	f := readVectors(t, "sessiontoken_negative.json")
	v := f.named(t, "expired") // 2020-01-01 00:00 to 10:00
	inFolder(t, "web.config", f.config(t, v))
	tests := []struct {
		at, skew string
		code     int
		left     int64
	}{
		{"2020-01-01T09:00:00Z", "5m", exitOK, 3600},
		{"2020-01-01T10:05:00Z", "5m", exitOK, -300},
		{"2020-01-01T10:05:01Z", "5m", exitRefused, -301},
		{"2020-01-01T10:05:01Z", "10m", exitOK, -301},
		{"2020-01-01T10:00:01Z", "0s", exitRefused, -1},
		{"2019-12-31T23:55:00Z", "5m", exitOK, 10*3600 + 300},
		{"2019-12-31T23:54:59Z", "5m", exitRefused, 10*3600 + 301},
	}
	for _, tt := range tests {
		var report inspectReport
		tool(t, v.header(), "inspect", "-config", "web.config", "-at", tt.at, "-skew", tt.skew,
			"-json").want(t, tt.code).decode(t, &report)
		if at, err := time.Parse(time.RFC3339, tt.at); err != nil || !report.At.Equal(at) ||
			report.Credentials[0].Token.SecondsLeft != tt.left {
			t.Errorf("%s: at %v, %d seconds left, want %d", tt.at, report.At,
				report.Credentials[0].Token.SecondsLeft, tt.left)
		}
	}
}

// TestInspectGarbage gives it what is no session cookie.
func TestInspectGarbage(t *testing.T) {
	freshConfig(t)
	tests := []struct {
		text, layer, want string
	}{
		{"hello world", "text", "not base64"},
		{"FedAuth=", "envelope", "the value is empty"},
		{"FedAuth=%2B%2F", "text", "percent-encoded"},
		{"CfDJ8NrAkSabcdefghijk-_lm", "key-ring", "Data Protection"},
		{"FedAuth=CfDJ8NrAkSabcdefghijk-_lm", "key-ring", "-keys"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "text", "JSON Web Token"},
		{"chunks:3", "text", "Katana"},
		{"AQIDBAUG-_abcdefgh", "text", "Katana"},
		{strings.Repeat("0123456789ABCDEF", 20), "envelope", ".ASPXAUTH"},
		{"AAECAwQFBgcICQ==", "envelope", "SecurityContextToken"},
		{"other=1; unknown=2", "cookie", "-name"},
		{"other=1; .ASPXAUTH=2", "text", "hex digits"},
		{".AspNet.Cookies=chunks:2; .AspNet.CookiesC1=abc", "cookie", ".AspNet.CookiesC2 is missing"},
		{".AspNet.X=77u/PD94bWwgdmVyc2lv", "machine-key", "-kind fedauth"},
		{".ASPXROLES=%%", "text", "URL token"},
		{".ASPXANONYMOUS=AAAA0", "machine-key", "machineKey"},
		{"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "text", "JSON Web Token"},
		{"FedAuth1=QUJD", "cookie", "FedAuth is missing"},
		{"theme=dark; ASP.NET_SessionId=vhtvd0kn0xmoakntpkyzv2q1", "cookie",
			"theme, ASP.NET_SessionId (the id of session state)"},
		{"https://a.example/(S(vhtvd0kn0xmoakntpkyzv2q1))/", "cookie",
			"S(…) in the URL (the id of session state)"},
		{"Authorization: Negotiate YII=", "cookie", "Authorization: Negotiate"},
		{"vhtvd0kn0xmoakntpkyzv2q1", "envelope", "the id of session state"},
		{"/wEPDwUKMTU5MTA2ODYwOWRkAAAAAAAA", "envelope", "a view state of Web Forms"},
		{`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`, "text",
			"the response of an identity provider"},
		{base64.RawURLEncoding.EncodeToString([]byte("<SecurityContextToken a='~~~???'><Cookie>QUJD</Cookie></SecurityContextToken>")), "text", "in another dress (base64url)"},
		{hex.EncodeToString([]byte("<SecurityContextToken><Cookie>QUJD</Cookie></SecurityContextToken>")), "envelope", "in another dress (hex)"},
		{"a=b; \x1b[31mred=1", "cookie", "-name"},
	}
	for _, tt := range tests {
		var report inspectReport
		tool(t, "", "inspect", "-config", "web.config", tt.text, "-json").want(t,
			exitRefused).decode(t, &report)
		if report.Credentials[0].Refused.Layer != tt.layer {
			t.Errorf("%.20q: refused at %s, want %s", tt.text,
				report.Credentials[0].Refused.Layer, tt.layer)
		}
		people := tool(t, "", "inspect", "-config", "web.config", tt.text).want(t, exitRefused)
		if !strings.Contains(people.out, tt.want) {
			t.Errorf("%.20q: %q is not in\n%s", tt.text, tt.want, people.out)
		}
		if strings.Contains(people.out, "\x1b") {
			t.Errorf("%.20q: a control character reaches the terminal", tt.text)
		}
	}
}

// TestInspectTooMany gives it more chunks than are read.
func TestInspectTooMany(t *testing.T) {
	freshConfig(t)
	header := "FedAuth=A"
	for i := range 80 {
		header += "; FedAuth" + string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10)) + "=A"
	}
	header = strings.ReplaceAll(header, "FedAuth0", "FedAuth")
	var report inspectReport
	tool(t, header, "inspect", "-config", "web.config", "-json").want(t,
		exitRefused).decode(t, &report)
	if report.Credentials[0].Refused.Layer != "cookie" ||
		!strings.Contains(report.Credentials[0].Refused.Meaning, "larger") {
		t.Errorf("refused: %+v", report.Credentials[0].Refused)
	}
}

// TestInspectInsecure needs a word from the operator for 3DES.
func TestInspectInsecure(t *testing.T) {
	f := readVectors(t, "sessiontoken_45.json")
	v := f.named(t, "machinekey-tdes")
	inFolder(t, "web.config", f.config(t, v))
	r := tool(t, v.header(), "inspect", "-config", "web.config").want(t, exitUsage)
	if !strings.Contains(r.err, "-allow-insecure") {
		t.Errorf("standard error does not name the flag: %s", r.err)
	}
	r = tool(t, v.header(), "inspect", "-config", "web.config", "-allow-insecure").want(t, exitOK)
	if !strings.Contains(r.out, "  warning ") || !strings.Contains(r.out, "3DES-192 and HMACSHA1") {
		t.Errorf("output:\n%s", r.out)
	}
}

// TestInspectDPAPI recognises the default handler of WIF.
func TestInspectDPAPI(t *testing.T) {
	freshConfig(t)
	r := tool(t, dpapiCookie, "inspect", "-config", "web.config").want(t, exitRefused)
	for _, part := range []string{"DPAPI", "ID1073", "MachineKeySessionSecurityTokenHandler"} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
}

// TestInspectFieldNames pins the names that programs rely on.
func TestInspectFieldNames(t *testing.T) {
	freshConfig(t)
	issued := tool(t, "", "issue", "-config", "web.config", "-name", "bob").want(t, exitOK)
	r := tool(t, issued.out, "inspect", "-config", "web.config", "-json").want(t, exitOK)
	var m map[string]any
	if err := json.Unmarshal([]byte(r.out), &m); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"ok", "at", "clockSkewSeconds", "configs.0.keyId", "configs.0.mode", "configs.0.modeFrom",
		"configs.0.modeLine",
		"credentials.0.cookie.name", "credentials.0.cookie.chunks.0.size",
		"credentials.0.cookie.chunksJoined", "credentials.0.layers.2.layer",
		"credentials.0.layers.2.keyId", "credentials.0.layers.3.innerSize",
		"credentials.0.token.id", "credentials.0.token.contextId", "credentials.0.token.validFrom",
		"credentials.0.token.validTo", "credentials.0.token.secondsLeft", "credentials.0.token.persistent",
		"credentials.0.token.identities.0.name",
		"credentials.0.token.identities.0.authenticationType",
		"credentials.0.token.identities.0.claims.0.type", "credentials.0.token.identities.0.claims.0.value",
	} {
		var at any = m
		for name := range strings.SplitSeq(path, ".") {
			switch v := at.(type) {
			case map[string]any:
				at = v[name]
			case []any:
				if i := int(name[0] - '0'); i < len(v) {
					at = v[i]
				} else {
					at = nil
				}
			}
		}
		if at == nil {
			t.Errorf("%s is missing in\n%s", path, r.out)
		}
	}
}

// TestMissingCookie names all cookies that the site accepts, and not only the one that is looked for.
func TestMissingCookie(t *testing.T) {
	siteConfig(t, `<authentication mode="Forms"><forms name="SHOP"/></authentication>`,
		wifSite(`<cookieHandler path="/"/>`))
	for command, want := range map[string]string{
		"inspect": "this site accepts FedAuth, SHOP\n",
		"doctor":  "web.config accepts FedAuth and SHOP",
	} {
		r := tool(t, "", command, "-config", "web.config", "theme=dark").want(t, exitRefused)
		if !strings.Contains(r.out, want) && !strings.Contains(unfolded(r.out), want) {
			t.Errorf("%s: %q is not in\n%s", command, want, r.out)
		}
	}
}
