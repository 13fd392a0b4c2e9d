package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/testvectors"
)

// keyText is a machine key as the vector files have it.
type keyText struct {
	ValidationKey, DecryptionKey, Validation, Decryption, CompatibilityMode string
}

// config returns a web.config with this key and the sections given.
func (k keyText) config(sections string) string {
	mode := ""
	if k.CompatibilityMode != "" {
		mode = ` compatibilityMode="` + k.CompatibilityMode + `"`
	}
	return `<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    <machineKey validationKey="` + k.ValidationKey + `" decryptionKey="` + k.DecryptionKey + `"
      validation="` + k.Validation + `" decryption="` + k.Decryption + `"` + mode + ` />
` + sections + `  </system.web>
</configuration>
`
}

// read decodes a vector file.
func read(t testing.TB, name string, v any) {
	t.Helper()
	data, err := testvectors.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// formsVector is a vector of formsauth.json, as far as the tool needs it.
type formsVector struct {
	Name, Op, Layout, Cookie, Protection string
	Valid                                *bool
	MachineKey                           keyText
	UseLegacyEncryption                  bool
	Ticket                               struct{ Name, UserData, CookiePath string }
}

// owinVector is a vector of owin.json, as far as the tool needs it.
type owinVector struct {
	ID, Key, Expect string
	Purposes        []string
	Text            *string
}

// TestKindTranscripts compares what people see of the other credentials. The
// cookies are recorded, so nothing differs from run to run.
func TestKindTranscripts(t *testing.T) {
	folder := here(t)
	show := func(name, config, input string, code int, args ...string) {
		t.Run(name, func(t *testing.T) {
			inFolder(t, "web.config", config)
			r := tool(t, input, append([]string{"inspect", "-config", "web.config", "-"}, args...)...).want(t, code)
			if r.err != "" {
				t.Errorf("standard error: %s", r.err)
			}
			golden(t, folder, "inspect-"+name+".txt", r.out)
		})
	}

	var forms struct{ Vectors []formsVector }
	read(t, "formsauth.json", &forms)
	for _, v := range forms.Vectors {
		sections := `    <authentication mode="Forms"><forms timeout="30" /></authentication>` + "\n"
		switch v.Name {
		case "fa-keyA-45-persistent-userdata":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitOK, "-at", "2029-12-23 09:27")
		case "fa-keyA-20SP2-persistent-userdata":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitRefused, "-at", "2083-12-28 21:56")
		case "nfa-45-flip-first":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitRefused)
		}
	}

	var owin struct {
		Keys    map[string]keyText
		Vectors []owinVector
	}
	read(t, "owin.json", &owin)
	for _, v := range owin.Vectors {
		if v.Text == nil {
			continue
		}
		config, at := owin.Keys[v.Key].config(""), []string{"-at", "2024-07-16"}
		switch v.ID {
		case "pub-001-cookie-ApplicationCookie":
			show(v.ID, config, ".AspNet.ApplicationCookie="+*v.Text, exitOK, at...)
			third := len(*v.Text) / 3
			show("katana-chunks", config, fmt.Sprintf("Cookie: .AspNet.ApplicationCookie=chunks:3; .AspNet.ApplicationCookieC1=%s; .AspNet.ApplicationCookieC2=%s; .AspNet.ApplicationCookieC3=%s",
				(*v.Text)[:third], (*v.Text)[third:2*third], (*v.Text)[2*third:]), exitOK, at...)
		case "pub-006-access-token":
			show(v.ID, config, "Authorization: Bearer "+*v.Text, exitOK, at...)
		case "pub-071-wrong-authtype":
			show(v.ID, config, ".AspNet.ExternalCookie="+*v.Text, exitRefused, at...)
		case "pub-054-session-ref":
			show(v.ID, config, ".AspNet.ApplicationCookie="+*v.Text, exitRefused, at...)
		}
	}

	wif := readVectors(t, "sessiontoken_wif10.json")
	v := wif.named(t, "one-claim-B")
	show("wif10", wif.config(t, v), v.header(), exitOK, "-kind", "wif10", "-at", "2025-01-01")
	show("wif10-as-fedauth", wif.config(t, v), v.header(), exitRefused, "-at", "2025-01-01")
}

// TestFormsVectors opens every recorded forms cookie whose site a web.config
// describes: the verdict and the ticket are those recorded.
func TestFormsVectors(t *testing.T) {
	var file struct{ Vectors []formsVector }
	read(t, "formsauth.json", &file)
	ran := 0
	for _, v := range file.Vectors {
		// Left out: other layouts, what a switch weakens, what Go's texts cannot hold, and cookies that only some readers refuse.
		if v.Op != "formsEncrypt" || v.Layout != "serializer" || v.Cookie == "" || v.UseLegacyEncryption || len(v.Cookie) > 4096 ||
			strings.Contains(v.Name, "legacyencryption") || strings.Contains(v.Name, "nul-in-name") || strings.Contains(v.Name, "lone-surrogate") {
			continue
		}
		ran++
		t.Run(v.Name, func(t *testing.T) {
			config := v.MachineKey.config(`    <authentication mode="Forms"><forms protection="` + protectionName(v) + `" /></authentication>` + "\n")
			inFolder(t, "web.config", config)
			args := []string{"inspect", "-allow-insecure", "-config", "web.config", "-json", "-at", "0001-01-01"}
			var report inspectReport
			r := tool(t, ".ASPXAUTH="+v.Cookie, args...).want(t, exitOK)
			r.decode(t, &report)
			got := report.Credentials[0].Forms
			if got == nil || got.Name != v.Ticket.Name || got.UserData != v.Ticket.UserData || got.CookiePath != v.Ticket.CookiePath {
				t.Errorf("the ticket is %+v, want %+v", got, v.Ticket)
			}
			cfg, err := machinekey.ParseWebConfig(strings.NewReader(config))
			if err != nil {
				t.Fatal(err)
			}
			noSecrets(t, cfg, r.out)
		})
	}
	if ran < 40 {
		t.Fatalf("%d vectors ran", ran)
	}
}

func protectionName(v formsVector) string {
	if v.Protection != "" {
		return v.Protection
	}
	for _, p := range []string{"Encryption", "Validation", "None"} {
		if strings.Contains(v.Name, "-protection-"+p) {
			return p
		}
	}
	return "All"
}

// TestOWINVectors opens every recorded ticket of a purpose that the tool
// knows, and every refused one is refused with an explanation.
func TestOWINVectors(t *testing.T) {
	var file struct {
		Keys    map[string]keyText
		Vectors []owinVector
	}
	read(t, "owin.json", &file)
	accepted, refused := 0, 0
	for _, v := range file.Vectors {
		if v.Text == nil || strings.TrimSpace(*v.Text) == "" || len(v.Purposes) != 3 || v.Purposes[2] != "v1" {
			continue
		}
		// Left out: that a Katana of another version refuses it, and blanks, which pasted text loses.
		if slices.Contains([]string{"pub-080-format1-by-3", "pub-081-format2-by-3", "pub-082-format3-by-2", "pub-087-enc-whitespace"}, v.ID) {
			continue
		}
		args := []string{"inspect", "-allow-insecure", "-config", "web.config", "-at", "2010-01-01", "-json"}
		switch v.Purposes[1] {
		case "Access_Token":
			args = append(args, "-kind", "bearer")
		case "Refresh_Token":
			args = append(args, "-kind", "refresh")
		case "Authentication_Code":
			args = append(args, "-kind", "code")
		default:
			if !strings.HasSuffix(v.Purposes[0], "CookieAuthenticationMiddleware") {
				continue
			}
			args = append(args, "-kind", "owin", "-auth-type", v.Purposes[1])
		}
		t.Run(v.ID, func(t *testing.T) {
			config := file.Keys[v.Key].config("")
			inFolder(t, "web.config", config)
			r := tool(t, *v.Text, args...)
			var report inspectReport
			r.decode(t, &report)
			c := report.Credentials[0]
			if (r.code == exitOK) != c.OK || c.OK != (c.Refused == nil) {
				t.Fatalf("exit code %d, ok %v", r.code, c.OK)
			}
			if c.OK {
				accepted++
				if c.OWIN == nil || v.Expect != "ok" {
					t.Errorf("accepted, expected %s", v.Expect)
				}
			} else {
				refused++
				if c.Refused.Meaning == "" || len(c.Refused.Reasons) == 0 {
					t.Errorf("refusal without explanation: %+v", c.Refused)
				}
			}
			cfg, err := machinekey.ParseWebConfig(strings.NewReader(config))
			if err != nil {
				t.Fatal(err)
			}
			noSecrets(t, cfg, r.out)
		})
	}
	if accepted < 50 || refused < 30 {
		t.Fatalf("%d accepted, %d refused", accepted, refused)
	}
}

// TestKindRoundTrips reads back what issue prints, whatever it is.
func TestKindRoundTrips(t *testing.T) {
	cfg := freshConfig(t)
	tests := []struct {
		issue, inspect []string
		kind           kind
		name           string
	}{
		{nil, nil, kindFedAuth, "bob"},
		{[]string{"-kind", "wif10"}, []string{"-kind", "wif10"}, kindWIF10, "bob"},
		{[]string{"-kind", "forms", "-user-data", "a,b"}, nil, kindForms, "bob"},
		{[]string{"-kind", "forms", "-cookie", "Site"}, []string{"-kind", "forms", "-name", "Site"}, kindForms, "bob"},
		{[]string{"-kind", "owin", "-role", "admin"}, nil, kindOWIN, "bob"},
		{[]string{"-kind", "owin", "-auth-type", "Cookies"}, nil, kindOWIN, "bob"},
		{[]string{"-kind", "owin", "-auth-type", "My Type", "-cookie", "Site"}, []string{"-kind", "owin", "-name", "Site", "-auth-type", "My Type"}, kindOWIN, "bob"},
		{[]string{"-kind", "bearer", "-property", "client_id=app"}, nil, kindBearer, "bob"},
		{[]string{"-kind", "refresh"}, []string{"-kind", "refresh"}, kindRefresh, "bob"},
		{[]string{"-kind", "code"}, []string{"-kind", "code"}, kindCode, "bob"},
		{[]string{"-kind", "anonymous"}, nil, kindAnonymous, "bob"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.issue, " "), func(t *testing.T) {
			args := append([]string{"issue", "-config", "web.config", "-name", "bob"}, tt.issue...)
			text := tool(t, "", args...).want(t, exitOK)
			var issued issueReport
			machines := tool(t, "", append(args, "-json")...).want(t, exitOK)
			machines.decode(t, &issued)
			input := text.out
			if issued.Value != "" {
				input = issued.Value
			}
			inspect := append([]string{"inspect", "-config", "web.config", "-"}, tt.inspect...)
			var seen inspectReport
			people := tool(t, input, inspect...).want(t, exitOK)
			tool(t, input, append(inspect, "-json")...).want(t, exitOK).decode(t, &seen)
			c := seen.Credentials[0]
			if len(seen.Credentials) != 1 || c.Kind != tt.kind || issued.Kind != tt.kind || nameIn(c) != tt.name {
				t.Errorf("%d credentials; kind %s, issued as %s, for %q", len(seen.Credentials), c.Kind, issued.Kind, nameIn(c))
			}
			noSecrets(t, cfg, text.out+text.err+machines.out+people.out)
			wrong := slices.Concat(inspect, []string{"-kind", "roles", "-name", "other"})
			if r := tool(t, input, wrong...); r.code == exitOK {
				t.Error("accepted as another kind")
			}
		})
	}
}

func nameIn(c credentialReport) string {
	switch {
	case c.Token != nil:
		return c.Token.Identities[0].Name
	case c.Forms != nil:
		return c.Forms.Name
	case c.OWIN != nil:
		return c.OWIN.Identity.Name
	case c.Anonymous != nil:
		return c.Anonymous.ID
	}
	return ""
}

// TestInspectFindsAll shows every credential of one request, and no other
// cookie.
func TestInspectFindsAll(t *testing.T) {
	freshConfig(t)
	var headers []string
	for _, k := range []string{"fedauth", "forms", "owin", "anonymous"} {
		var r issueReport
		tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", k, "-json").want(t, exitOK).decode(t, &r)
		headers = append(headers, r.Header)
	}
	var bearer issueReport
	tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", "bearer", "-json").want(t, exitOK).decode(t, &bearer)
	request := "GET / HTTP/1.1\r\nHost: x\r\nCookie: ASP.NET_SessionId=abc; .AspNet.Correlation.Google=1; " + strings.Join(headers, "; ") +
		"\r\nAuthorization: " + bearer.Authorization + "\r\n"
	var report inspectReport
	tool(t, request, "inspect", "-config", "web.config", "-json").want(t, exitOK).decode(t, &report)
	var kinds []kind
	for _, c := range report.Credentials {
		kinds = append(kinds, c.Kind)
	}
	if want := []kind{kindFedAuth, kindForms, kindAnonymous, kindOWIN, kindBearer}; !slices.Equal(kinds, want) {
		t.Errorf("found %q, want %q", kinds, want)
	}
	people := tool(t, request, "inspect", "-config", "web.config").want(t, exitOK)
	if n := strings.Count(people.out, "\nACCEPTED: "); n != 5 || !strings.Contains(people.out, "---- 5 of 5 ") {
		t.Errorf("%d accepted:\n%s", n, people.out)
	}
	// one refused credential makes the exit code
	tool(t, strings.Replace(request, ".ASPXAUTH=", ".ASPXAUTH=00", 1), "inspect", "-config", "web.config").want(t, exitRefused)
}

// TestSiteSettings takes names, paths and times from web.configs as sites have
// them.
func TestSiteSettings(t *testing.T) {
	tests := []struct {
		file, kind, cookie, path string
		minutes                  int
	}{
		{"wif45-fedauth.config", "", "FedAuth", "/", 30},
		{"wif10-thinktecture.config", "", "FedAuth", "/portal/", 8 * 60},
		{"forms-site.config", "forms", ".SHOPAUTH", "/", 45},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			data, err := testvectors.Read("webconfig/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			inFolder(t, "web.config", string(data))
			var r issueReport
			tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", tt.kind, "-json").want(t, exitOK).decode(t, &r)
			if got := int(r.ValidTo.Sub(r.ValidFrom).Minutes()); got != tt.minutes {
				t.Errorf("%d minutes, want %d", got, tt.minutes)
			}
			if line := r.SetCookie[0]; !strings.HasPrefix(line, tt.cookie+"=") || !strings.Contains(line, "; Path="+tt.path+";") {
				t.Errorf("Set-Cookie: %.60s...", line)
			}
			var seen inspectReport
			tool(t, r.Header, "inspect", "-config", "web.config", "-json").want(t, exitOK).decode(t, &seen)
			if nameIn(seen.Credentials[0]) != "bob" {
				t.Errorf("read back as %+v", seen.Credentials[0])
			}
		})
	}
}

// TestRoles opens the envelope of a role cookie.
func TestRoles(t *testing.T) {
	cfg := freshConfig(t)
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := (&codecs{ring: ring, site: &site{legacySigning: true}}).roles()
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.Encode(t.Context(), []byte("a stream"))
	if err != nil {
		t.Fatal(err)
	}
	r := tool(t, ".ASPXROLES="+text, "inspect", "-config", "web.config").want(t, exitOK)
	if !strings.Contains(r.out, "8 bytes, a BinaryFormatter stream") || strings.Contains(r.out, "a stream,") {
		t.Errorf("output:\n%s", r.out)
	}
	tool(t, ".ASPXROLES=A"+text, "inspect", "-config", "web.config").want(t, exitRefused)
}

// TestInsecureForms reads what is weak only when told to.
func TestInsecureForms(t *testing.T) {
	var file struct{ Vectors []formsVector }
	read(t, "formsauth.json", &file)
	for _, v := range file.Vectors {
		if v.Name != "fa-20SP2-protection-None" {
			continue
		}
		inFolder(t, "web.config", v.MachineKey.config(`    <authentication mode="Forms"><forms protection="None" /></authentication>`+"\n"))
		args := []string{"inspect", "-config", "web.config", "-at", "2000-01-01", ".ASPXAUTH=" + v.Cookie}
		if r := tool(t, "", args...).want(t, exitRefused); !strings.Contains(r.out, "-allow-insecure") {
			t.Errorf("output:\n%s", r.out)
		}
		if r := tool(t, "", append(args, "-allow-insecure")...).want(t, exitOK); !strings.Contains(r.out, "anybody may have written it") {
			t.Errorf("output:\n%s", r.out)
		}
		return
	}
	t.Fatal("the vector is missing")
}

// TestInspectUnservedKind shows the other credentials of a request if the key
// cannot serve one of them.
func TestInspectUnservedKind(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key := keyText{fmt.Sprintf("%X", cfg.ValidationKey), fmt.Sprintf("%X", cfg.DecryptionKey), "MD5", "AES", "Framework20SP2"}
	inFolder(t, "web.config", key.config(""))
	forms := tool(t, "", "issue", "-config", "web.config", "-allow-insecure", "-kind", "forms", "-name", "bob", "-json").want(t, exitOK)
	var issued issueReport
	forms.decode(t, &issued)
	var report inspectReport
	tool(t, "", "inspect", "-config", "web.config", "-allow-insecure", "-json", "FedAuth=QUJD; "+issued.Header).want(t, exitRefused).decode(t, &report)
	if len(report.Credentials) != 2 || report.Credentials[0].Refused.Layer != "configuration" || !report.Credentials[1].OK {
		t.Errorf("%+v", report.Credentials)
	}
	tool(t, "", "inspect", "-config", "web.config", "-allow-insecure", "FedAuth=QUJD").want(t, exitUsage)
}

// TestCertificate signs in with a certificate in place of the machine key.
func TestCertificate(t *testing.T) {
	cfg := freshConfig(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("site.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"fedauth", "wif10"} {
		issued := tool(t, "", "issue", "-config", "web.config", "-kind", k, "-cert", "site.pem", "-name", "bob").want(t, exitOK)
		seen := tool(t, issued.out, "inspect", "-config", "web.config", "-kind", k, "-cert", "site.pem").want(t, exitOK)
		for _, part := range []string{"ok  rsa-signature", "ok  rsa-encryption", "ACCEPTED: bob"} {
			if !strings.Contains(seen.out, part) {
				t.Errorf("%q is not in\n%s", part, seen.out)
			}
		}
		tool(t, issued.out, "inspect", "-config", "web.config", "-kind", k).want(t, exitRefused)
		noSecrets(t, cfg, issued.out+seen.out)
		if d := fmt.Sprintf("%x", key.D); strings.Contains(strings.ToLower(issued.out+seen.out), d[:32]) {
			t.Error("the output holds the private key")
		}
	}
}

// TestHiddenValues keeps what is a credential of its own out of the output.
func TestHiddenValues(t *testing.T) {
	freshConfig(t)
	issued := tool(t, "", "issue", "-config", "web.config", "-kind", "owin", "-name", "bob", "-claim", "AspNet.Identity.SecurityStamp=s3cr3t",
		"-claim", "access_token=s3cr3t", "-property", ".Token.Refresh_Token=s3cr3t").want(t, exitOK)
	for _, args := range [][]string{nil, {"-json"}} {
		r := tool(t, issued.out, append([]string{"inspect", "-config", "web.config", "-"}, args...)...).want(t, exitOK)
		if strings.Contains(r.out, "s3cr3t") || !strings.Contains(r.out, "SecurityStamp") {
			t.Errorf("output:\n%s", r.out)
		}
	}
}

// TestCertificateFlags refuses what is no certificate.
func TestCertificateFlags(t *testing.T) {
	freshConfig(t)
	if err := os.WriteFile("site.pem", []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-cert", "site.pem"}, {"-cert", "none.pem"}, {"-key", "site.pem"}} {
		tool(t, "", append([]string{"issue", "-config", "web.config", "-name", "bob"}, args...)...).want(t, exitUsage)
		tool(t, "FedAuth=QUJD", append([]string{"inspect", "-config", "web.config"}, args...)...).want(t, exitUsage)
	}
}
