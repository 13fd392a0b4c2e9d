package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/machinekey"
)

// katanaFile is owin.json, as far as the tool needs it.
type katanaFile struct {
	Keys    map[string]keyText
	Vectors []katanaVector
	State   []struct {
		katanaVector
		Properties [][2]string
	}
}

// TestStateVectors opens every recorded state string: by the short name of its
// middleware, by its class, and by the AuthenticationType alone.
func TestStateVectors(t *testing.T) {
	folder := here(t)
	var file katanaFile
	read(t, "owin.json", &file)
	if len(file.State) != 3 {
		t.Fatalf("%d states", len(file.State))
	}
	short := map[string]string{"Google": "google", "OpenIdConnect": "OpenIdConnect",
		"Federation": "wsfederation"}
	for _, v := range file.State {
		inFolder(t, "web.config", file.Keys[v.Key].config(""))
		class, authType := v.Purposes[0], v.Purposes[1]
		inspect := func(code int, args ...string) (result, inspectReport) {
			t.Helper()
			args = append([]string{"inspect", "-config", "web.config", "-kind", "state", *v.Text},
				args...)
			var seen inspectReport
			people := tool(t, "", args...).want(t, code)
			tool(t, "", append(args, "-json")...).want(t, code).decode(t, &seen)
			return people, seen
		}
		for _, args := range [][]string{{"-class", short[authType]}, {"-class", class},
			{"-auth-type", authType}, {"-class", class, "-auth-type", authType}} {
			people, seen := inspect(exitOK, args...)
			c := seen.Credentials[0]
			if c.State == nil || c.State.Class != class || c.AuthType != authType ||
				c.Layers[1].KeyID != seen.Configs[0].KeyID {
				t.Fatalf("%s %q: %+v", v.ID, args, c)
			}
			var got [][2]string
			for _, p := range c.State.Properties {
				got = append(got, [2]string{p.Name, p.Value})
			}
			if !slices.Equal(got, v.Properties) {
				t.Errorf("%s: properties %q, want %q", v.ID, got, v.Properties)
			}
			if authType == "Google" {
				golden(t, folder, "inspect-state-google.txt", people.out)
			}
		}
		for _, args := range [][]string{{"-class", "facebook"},
			{"-class", class, "-auth-type", "Other"}} {
			if people, seen := inspect(exitRefused,
				args...); seen.Credentials[0].Refused.Layer != "machine-key" ||
				!strings.Contains(people.out, "-class") {
				t.Errorf("%s %q: %+v", v.ID, args, seen.Credentials[0].Refused)
			}
		}
	}
}

// TestStateOfOtherClass opens a state string of a middleware that is not in
// the list.
func TestStateOfOtherClass(t *testing.T) {
	cfg := freshConfig(t)
	protector, err := ringOf(t, cfg).Protector(machinekey.UserPurpose,
		"Owin.Security.Providers.GitHub.GitHubAuthenticationMiddleware", "GitHub", "v1")
	if err != nil {
		t.Fatal(err)
	}
	state, err := katana.AppendState(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	protected, err := protector.Protect(nil, state)
	if err != nil {
		t.Fatal(err)
	}
	text := string(katana.AppendText(nil, protected))
	r := tool(t, text, "inspect", "-config", "web.config", "-kind", "state", "-class",
		"Owin.Security.Providers.GitHub.GitHubAuthenticationMiddleware", "-auth-type",
		"GitHub").want(t, exitOK)
	if !strings.Contains(r.out, "No properties") ||
		!strings.Contains(r.out, "ACCEPTED: the state is authentic") {
		t.Errorf("output:\n%s", r.out)
	}
	noSecrets(t, cfg, r.out)
	tool(t, text[1:], "inspect", "-config", "web.config", "-kind", "state", "-class",
		"google").want(t, exitRefused)
}

func TestStateFlags(t *testing.T) {
	freshConfig(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-kind", "state"}, "needs -class"},
		{[]string{"-kind", "state", "-auth-type", "Other"}, "needs -class"},
		{[]string{"-kind", "state", "-class", "github"}, "one of google"},
		{[]string{"-kind", "state", "-class", "My.Middleware"}, "-auth-type"},
		{[]string{"-class", "google"}, "-kind state"},
		{[]string{"-kind", "state", "-class", "google", "-purpose", "a"}, "-purpose goes with"},
		{[]string{"-kind", "forms", "-purpose", "a"}, "-purpose goes with"},
		{[]string{"-purpose", " "}, "purpose"},
		{[]string{"-insecure-sha1"}, "-cert"},
	} {
		r := tool(t, "QUJD", append([]string{"inspect", "-config", "web.config"},
			tt.args...)...).want(t, exitUsage)
		if !strings.Contains(r.err, tt.want) {
			t.Errorf("%q: %q", tt.args, r.err)
		}
	}
	header := "Cookie: state=QUJD"
	tool(t, header, "inspect", "-config", "web.config", "-kind", "state", "-class",
		"google").want(t, exitUsage)
	tool(t, "QUJD", "doctor", "-config", "web.config", "-kind", "state").want(t, exitUsage)
}

// TestPurposeVectors opens the recorded tickets of sites with purposes of
// their own, as a bare value and as a cookie of any name.
func TestPurposeVectors(t *testing.T) {
	var file katanaFile
	read(t, "owin.json", &file)
	ran := 0
	for _, v := range file.Vectors {
		if v.Expect != "ok" || v.Text == nil ||
			strings.HasPrefix(v.Purposes[0], "Microsoft.Owin.Security.") {
			continue
		}
		ran++
		inFolder(t, "web.config", file.Keys[v.Key].config(""))
		args := []string{"inspect", "-config", "web.config", "-at", "2000-01-01", "-json"}
		for _, p := range v.Purposes {
			args = append(args, "-purpose", p)
		}
		for _, more := range [][]string{{*v.Text}, {"-name", "Mine", "Mine=" + *v.Text},
			{".AspNet.Mine=" + *v.Text}, {"-kind", "bearer", "Authorization: Bearer " + *v.Text}} {
			var seen inspectReport
			tool(t, "", append(args, more...)...).want(t, exitOK).decode(t, &seen)
			c := seen.Credentials[0]
			if len(seen.Credentials) != 1 || c.Katana == nil ||
				!slices.Equal(c.Purposes, v.Purposes) || c.AuthType != "" {
				t.Errorf("%s: %+v", v.ID, seen.Credentials)
			}
		}
		var seen inspectReport
		tool(t, "", append(args, "-purpose", "more", *v.Text)...).want(t,
			exitRefused).decode(t, &seen)
		if seen.Credentials[0].Refused.Layer != "machine-key" {
			t.Errorf("%s under other purposes: %+v", v.ID, seen.Credentials[0].Refused)
		}
	}
	if ran != 3 {
		t.Errorf("%d vectors ran", ran)
	}
}

// TestSHA1Vector opens the recorded session of a site whose transforms have
// HashName "SHA1", and writes such a one.
func TestSHA1Vector(t *testing.T) {
	var file struct {
		vectorFile
		RSAKeys map[string]struct{ PEM string }
	}
	read(t, "sessiontoken_rsa.json", &file)
	v := file.named(t, "rsa-sha1")
	freshConfig(t)
	writeFile(t, "site.pem", file.RSAKeys["rsa2048"].PEM)
	args := []string{"inspect", "-config", "web.config", "-cert", "site.pem", "-at",
		"2025-01-01", v.header()}
	if r := tool(t, "", args...).want(t, exitRefused); !strings.Contains(r.out,
		"REFUSED at layer rsa-signature") || !strings.Contains(r.out, "-insecure-sha1") {
		t.Errorf("without the flag:\n%s", r.out)
	}
	if r := tool(t, "", append(args, "-insecure-sha1")...); !strings.Contains(r.out,
		"ok  rsa-signature") || !strings.Contains(r.out, "ok  validity") {
		t.Errorf("with the flag:\n%s", r.out)
	}
	issued := tool(t, "", "issue", "-config", "web.config", "-cert", "site.pem", "-insecure-sha1",
		"-name", "bob").want(t, exitOK)
	tool(t, issued.out, "inspect", "-config", "web.config", "-cert", "site.pem",
		"-insecure-sha1").want(t, exitOK)
	tool(t, issued.out, "inspect", "-config", "web.config", "-cert",
		"site.pem").want(t, exitRefused)
}
