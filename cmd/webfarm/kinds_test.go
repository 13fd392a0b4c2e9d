package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestKindRoundTrips reads back what issue prints, whatever it is.
func TestKindRoundTrips(t *testing.T) {
	cfg := freshConfig(t)
	tests := []struct {
		issue, inspect []string
		kind           kind
		name           string
	}{
		{nil, nil, site.FedAuth, "bob"},
		{[]string{"-kind", "wif10"}, []string{"-kind", "wif10"}, site.WIF10, "bob"},
		{[]string{"-kind", "forms", "-user-data", "a,b"}, nil, site.Forms, "bob"},
		{[]string{"-kind", "forms", "-cookie", "Site"}, []string{"-kind", "forms", "-name", "Site"},
			site.Forms, "bob"},
		{[]string{"-kind", "katana", "-role", "admin"}, nil, site.Katana, "bob"},
		{[]string{"-kind", "owin"}, []string{"-kind", "owin", "-auth-type", "ApplicationCookie"},
			site.Katana, "bob"}, // as many call it
		{[]string{"-kind", "katana", "-auth-type", "Cookies"}, nil, site.Katana, "bob"},
		{[]string{"-kind", "katana", "-auth-type", "My Type", "-cookie", "Site"},
			[]string{"-kind", "katana", "-name", "Site", "-auth-type", "My Type"},
			site.Katana, "bob"},
		{[]string{"-kind", "bearer", "-property", "client_id=app"}, nil, site.Bearer, "bob"},
		{[]string{"-kind", "refresh"}, []string{"-kind", "refresh"}, site.Refresh, "bob"},
		{[]string{"-kind", "code"}, []string{"-kind", "code"}, site.AuthCode, "bob"},
		{[]string{"-kind", "anonymous"}, nil, site.Anonymous, "bob"},
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
			if len(seen.Credentials) != 1 || c.Kind != tt.kind || issued.Kind != tt.kind ||
				nameIn(c) != tt.name {
				t.Errorf("%d credentials; kind %s, issued as %s, for %q", len(seen.Credentials),
					c.Kind, issued.Kind, nameIn(c))
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
	case c.Katana != nil:
		return c.Katana.Identity.Name
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
	for _, k := range []string{"fedauth", "forms", "katana", "anonymous"} {
		var r issueReport
		tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", k, "-json").want(t,
			exitOK).decode(t, &r)
		headers = append(headers, r.Header)
	}
	var bearer issueReport
	tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", "bearer",
		"-json").want(t, exitOK).decode(t, &bearer)
	request := "GET / HTTP/1.1\r\nHost: x\r\nCookie: ASP.NET_SessionId=abc; .AspNet.Correlation.Google=1; " + strings.Join(headers, "; ") +
		"\r\nAuthorization: " + bearer.Authorization + "\r\n"
	var report inspectReport
	tool(t, request, "inspect", "-config", "web.config", "-json").want(t, exitOK).decode(t, &report)
	var kinds []kind
	for _, c := range report.Credentials {
		kinds = append(kinds, c.Kind)
	}
	if want := []kind{site.FedAuth, site.Forms, site.Anonymous, site.Katana,
		site.Bearer}; !slices.Equal(kinds, want) {
		t.Errorf("found %q, want %q", kinds, want)
	}
	people := tool(t, request, "inspect", "-config", "web.config").want(t, exitOK)
	if n := strings.Count(people.out, "\nACCEPTED: "); n != 5 ||
		!strings.Contains(people.out, "---- 5 of 5 ") {
		t.Errorf("%d accepted:\n%s", n, people.out)
	}
	// one refused credential makes the exit code
	tool(t, strings.Replace(request, ".ASPXAUTH=", ".ASPXAUTH=00", 1), "inspect", "-config",
		"web.config").want(t, exitRefused)
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
			data := testkit.File(t, "webconfig/"+tt.file)
			inFolder(t, "web.config", string(data))
			var r issueReport
			tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-kind", tt.kind,
				"-allow-known-key", "-json").want(t, exitOK).decode(t, &r)
			if got := int(r.ValidTo.Sub(r.ValidFrom).Minutes()); got != tt.minutes {
				t.Errorf("%d minutes, want %d", got, tt.minutes)
			}
			if line := r.SetCookie[0]; !strings.HasPrefix(line, tt.cookie+"=") ||
				!strings.Contains(line, "; Path="+tt.path+";") {
				t.Errorf("Set-Cookie: %.60s...", line)
			}
			var seen inspectReport
			tool(t, r.Header, "inspect", "-config", "web.config", "-json").want(t,
				exitOK).decode(t, &seen)
			if nameIn(seen.Credentials[0]) != "bob" {
				t.Errorf("read back as %+v", seen.Credentials[0])
			}
		})
	}
}

// TestRoles opens the envelope of a role cookie.
func TestRoles(t *testing.T) {
	cfg := freshConfig(t)
	protector, err := (&codecs{ring: ringOf(t, cfg), site: emptySite(t)}).roles()
	if err != nil {
		t.Fatal(err)
	}
	text, err := rolecookie.Encode(protector, []byte("a stream"))
	if err != nil {
		t.Fatal(err)
	}
	r := tool(t, ".ASPXROLES="+text, "inspect", "-config", "web.config").want(t, exitOK)
	if !strings.Contains(r.out, "8 bytes, a BinaryFormatter stream") ||
		strings.Contains(r.out, "a stream,") {
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
		inFolder(t, "web.config",
			v.MachineKey.config(`    <authentication mode="Forms"><forms protection="None" /></authentication>`+"\n"))
		args := []string{"inspect", "-config", "web.config", "-at", "2000-01-01",
			".ASPXAUTH=" + v.Cookie}
		if r := tool(t, "", args...).want(t, exitRefused); !strings.Contains(r.out,
			"-allow-insecure") {
			t.Errorf("output:\n%s", r.out)
		}
		if r := tool(t, "", append(args, "-allow-insecure")...).want(t,
			exitOK); !strings.Contains(r.out, "anybody may have written it") {
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
	key := keyText{fmt.Sprintf("%X", cfg.ValidationKey.Reveal()),
		fmt.Sprintf("%X", cfg.DecryptionKey.Reveal()), "MD5", "AES", "Framework20SP2"}
	inFolder(t, "web.config", key.config(""))
	forms := tool(t, "", "issue", "-config", "web.config", "-allow-insecure", "-kind", "forms",
		"-name", "bob", "-json").want(t, exitOK)
	var issued issueReport
	forms.decode(t, &issued)
	var report inspectReport
	tool(t, "", "inspect", "-config", "web.config", "-allow-insecure", "-json",
		"FedAuth=QUJD; "+issued.Header).want(t, exitRefused).decode(t, &report)
	if len(report.Credentials) != 2 || report.Credentials[0].Refused.Layer != "configuration" ||
		!report.Credentials[1].OK {
		t.Errorf("%+v", report.Credentials)
	}
	tool(t, "", "inspect", "-config", "web.config", "-allow-insecure",
		"FedAuth=QUJD").want(t, exitUsage)
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
	if err := os.WriteFile("site.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY",
		Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"fedauth", "wif10"} {
		issued := tool(t, "", "issue", "-config", "web.config", "-kind", k, "-cert", "site.pem",
			"-name", "bob").want(t, exitOK)
		seen := tool(t, issued.out, "inspect", "-config", "web.config", "-kind", k, "-cert",
			"site.pem").want(t, exitOK)
		for _, part := range []string{"ok  rsa-signature", "ok  rsa-encryption", "ACCEPTED: bob"} {
			if !strings.Contains(seen.out, part) {
				t.Errorf("%q is not in\n%s", part, seen.out)
			}
		}
		tool(t, issued.out, "inspect", "-config", "web.config", "-kind", k).want(t, exitRefused)
		noSecrets(t, cfg, issued.out+seen.out)
		if k == "fedauth" { // the file has no section of WIF: code sets the certificate up
			if r := tool(t, issued.out, "doctor", "-config", "web.config", "-cert",
				"site.pem").want(t, exitOK); !strings.Contains(r.out, `reads for "bob"`) {
				t.Errorf("the doctor says\n%s", r.out)
			}
			if r := tool(t, issued.out, "doctor", "-config", "web.config").want(t,
				exitRefused); !strings.Contains(r.out, "-cert says whether") {
				t.Errorf("the doctor says\n%s", r.out)
			}
		}
		if d := fmt.Sprintf("%x", key.D); strings.Contains(strings.ToLower(issued.out+seen.out),
			d[:32]) {
			t.Error("the output holds the private key")
		}
	}
}

// TestHiddenValues keeps what is a credential of its own out of the output.
func TestHiddenValues(t *testing.T) {
	freshConfig(t)
	issued := tool(t, "", "issue", "-config", "web.config", "-kind", "katana", "-name", "bob",
		"-claim", "AspNet.Identity.SecurityStamp=s3cr3t", "-claim", "access_token=s3cr3t",
		"-property", ".Token.Refresh_Token=s3cr3t").want(t, exitOK)
	for _, args := range [][]string{nil, {"-json"}} {
		r := tool(t, issued.out, append([]string{"inspect", "-config", "web.config", "-"},
			args...)...).want(t, exitOK)
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
	for _, args := range [][]string{{"-cert", "site.pem"}, {"-cert", "none.pem"},
		{"-key", "site.pem"}} {
		tool(t, "", append([]string{"issue", "-config", "web.config", "-name", "bob"},
			args...)...).want(t, exitUsage)
		tool(t, "FedAuth=QUJD", append([]string{"doctor", "-config", "web.config"},
			args...)...).want(t, exitUsage)
		tool(t, "FedAuth=QUJD", append([]string{"inspect", "-config", "web.config"},
			args...)...).want(t, exitUsage)
	}
}
