package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestDoctorRing examines a cookie with the flags for key rings.
func TestDoctorRing(t *testing.T) {
	t.Chdir(t.TempDir())
	for i, folder := range []string{"a", "b"} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, "key.xml"),
			testkit.CoreKey(i+1, time.Now().Add(-time.Hour), seed.Of(t).Bytes(64)))
	}
	issue := func(args ...string) string {
		return strings.TrimSpace(tool(t, "", append([]string{"issue", "-name", "zoe"},
			args...)...).want(t, exitOK).out)
	}
	shop := issue("-keys", "a", "-app", "Shop")
	acme := issue("-keys", "a", "-app", "Shop", "-scheme", "Acme")
	pair := regexp.MustCompile(`\.AspNetCore\.Cookies=[^;\s]+`).FindString(shop)
	for _, tt := range []struct {
		name, cookie string
		args         string
		exit         int
		shows        []string // of what people see
	}{
		{"ok", shop, "-keys a -app Shop", exitOK,
			[]string{"OK  The", `for "zoe"`, "application Shop, scheme Cookies",
				"Key ring of a", "protecting"}},
		{"a curl command", "curl 'https://a.example/' -b 'theme=dark; " + pair + "'",
			"-keys a -app Shop", exitOK, []string{`for "zoe"`}},
		{"application", shop, "-keys a -app Other -other-app Shop", exitRefused,
			[]string{"core_application", "SetApplicationName", "(The payload was invalid)"}},
		{"no application", shop, "-keys a", exitRefused, []string{"core_unknown", "-other-app",
			"tried         816 openings\n"}},
		{"ring", shop, "-keys b -app Shop -other-keys a", exitRefused,
			[]string{"core_key_missing", "no key in common", "was not found in the key ring"}},
		{"scheme", acme, "-keys a -app Shop -other-scheme Acme", exitRefused,
			[]string{"core_scheme", `"Acme", and a reads "Cookies"`}},
		{"own scheme", acme, "-keys a -app Shop -scheme Acme", exitOK, []string{"OK  The"}},
		{"rings that differ", "", "-keys a -other-keys b", exitRefused,
			[]string{"DIFFERENT", "configs_differ", "key ring", "1 key, 0 of them in both"}},
		{"rings that agree", "", "-keys a -other-keys a", exitOK, []string{"OK  ", "configs_agree"}},
		{"no ring", shop, "-scheme Acme", exitUsage, nil},
		{"no such ring", shop, "-keys a -other-keys c", exitUsage, nil},
	} {
		args := append([]string{"doctor"}, strings.Fields(tt.args)...)
		if tt.cookie != "" {
			args = append(args, "-")
		}
		r := tool(t, tt.cookie, args...).want(t, tt.exit)
		for _, text := range tt.shows {
			if !strings.Contains(unfolded(r.out), unfolded(text)) {
				t.Errorf("%s: no %q in\n%s", tt.name, text, r.out)
			}
		}
		if tt.exit == exitUsage {
			continue
		}
		var report doctorReport
		tool(t, tt.cookie, append(args, "-json")...).want(t, tt.exit).decode(t, &report)
		if report.OK != (tt.exit == exitOK) || len(report.KeyRings) == 0 ||
			!strings.Contains(unfolded(r.out), report.Finding.Sentence) {
			t.Errorf("%s: -json says ok %v, %d rings, %q", tt.name, report.OK, len(report.KeyRings),
				report.Finding.Sentence)
		}
	}
}
