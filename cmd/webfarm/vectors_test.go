package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
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
	testkit.JSON(t, name, v)
}

// formsVector is a vector of formsauth.json, as far as the tool needs it.
type formsVector struct {
	Name, Op, Layout, Cookie, Protection string
	Valid                                *bool
	MachineKey                           keyText
	UseLegacyEncryption                  bool
	Ticket                               struct{ Name, UserData, CookiePath string }
}

// katanaVector is a vector of owin.json, as far as the tool needs it.
type katanaVector struct {
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
			r := tool(t, input, append([]string{"inspect", "-config", "web.config", "-"},
				args...)...).want(t, code)
			if r.err != "" {
				t.Errorf("standard error: %s", r.err)
			}
			golden(t, folder, "inspect-"+name+".txt", r.out)
		})
	}

	var forms struct{ Vectors []formsVector }
	read(t, "formsauth.json", &forms)
	for _, v := range forms.Vectors {
		sections := `    <authentication mode="Forms"><forms timeout="30" /></authentication>` +
			"\n"
		switch v.Name {
		case "fa-keyA-45-persistent-userdata":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitOK, "-at",
				"2029-12-23 09:27")
		case "fa-keyA-20SP2-persistent-userdata":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitRefused, "-at",
				"2083-12-28 21:56")
		case "nfa-45-flip-first":
			show(v.Name, v.MachineKey.config(sections), ".ASPXAUTH="+v.Cookie, exitRefused)
		}
	}

	var katana katanaFile
	read(t, "owin.json", &katana)
	for _, v := range katana.Vectors {
		if v.Text == nil {
			continue
		}
		config, at := katana.Keys[v.Key].config(""), []string{"-at", "2024-07-16"}
		switch v.ID {
		case "pub-001-cookie-ApplicationCookie":
			show(v.ID, config, ".AspNet.ApplicationCookie="+*v.Text, exitOK, at...)
			third := len(*v.Text) / 3
			show("katana-chunks", config,
				fmt.Sprintf("Cookie: .AspNet.ApplicationCookie=chunks:3; .AspNet.ApplicationCookieC1=%s; .AspNet.ApplicationCookieC2=%s; .AspNet.ApplicationCookieC3=%s",
					(*v.Text)[:third], (*v.Text)[third:2*third], (*v.Text)[2*third:]), exitOK,
				at...)
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
		if v.Op != "formsEncrypt" || v.Layout != "serializer" || v.Cookie == "" ||
			v.UseLegacyEncryption || len(v.Cookie) > 4096 ||
			strings.Contains(v.Name, "legacyencryption") ||
			strings.Contains(v.Name, "nul-in-name") || strings.Contains(v.Name, "lone-surrogate") {
			continue
		}
		ran++
		t.Run(v.Name, func(t *testing.T) {
			config := v.MachineKey.config(`    <authentication mode="Forms"><forms protection="` +
				protectionName(v) + `" /></authentication>` + "\n")
			inFolder(t, "web.config", config)
			args := []string{"inspect", "-allow-insecure", "-config", "web.config", "-json",
				"-at", "0001-01-01"}
			var report inspectReport
			r := tool(t, ".ASPXAUTH="+v.Cookie, args...).want(t, exitOK)
			r.decode(t, &report)
			got := report.Credentials[0].Forms
			if got == nil || got.Name != v.Ticket.Name || got.UserData != v.Ticket.UserData ||
				got.CookiePath != v.Ticket.CookiePath {
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

// TestKatanaVectors opens every recorded ticket of a purpose that the tool
// knows, and every refused one is refused with an explanation.
func TestKatanaVectors(t *testing.T) {
	var file struct {
		Keys    map[string]keyText
		Vectors []katanaVector
	}
	read(t, "owin.json", &file)
	accepted, refused := 0, 0
	for _, v := range file.Vectors {
		if v.Text == nil || strings.TrimSpace(*v.Text) == "" || len(v.Purposes) != 3 ||
			v.Purposes[2] != "v1" {
			continue
		}
		// Left out: that a Katana of another version refuses it, and blanks, which pasted text loses.
		if slices.Contains([]string{"pub-080-format1-by-3", "pub-081-format2-by-3",
			"pub-082-format3-by-2", "pub-087-enc-whitespace"}, v.ID) {
			continue
		}
		args := []string{"inspect", "-allow-insecure", "-config", "web.config", "-at",
			"2010-01-01", "-json"}
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
			args = append(args, "-kind", "katana", "-auth-type", v.Purposes[1])
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
				if c.Katana == nil || v.Expect != "ok" {
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
