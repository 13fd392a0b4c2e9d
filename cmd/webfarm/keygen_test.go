package main

import (
	"os"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestKeygen(t *testing.T) {
	r := tool(t, "", "keygen").want(t, exitOK)
	comment, element, ok := strings.Cut(r.out, "\n")
	if !ok || !strings.HasPrefix(comment, "<!-- ") || !strings.HasSuffix(comment, " -->") ||
		strings.Count(r.out, "\n") != 2 {
		t.Fatalf("not a comment and an element on a line each:\n%s", r.out)
	}
	cfg, err := machinekey.ParseWebConfig(strings.NewReader("<configuration><system.web>" + r.out +
		"</system.web></configuration>"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Validation != machinekey.HMACSHA256 || cfg.Decryption != machinekey.AES ||
		cfg.Mode != machinekey.Framework45 {
		t.Errorf("the element says %v", cfg)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(comment, key.ID()) {
		t.Errorf("the comment does not name key %s: %s", key.ID(), comment)
	}
	if again := tool(t, "", "keygen").want(t, exitOK); strings.Contains(again.out, element) {
		t.Error("the same key twice")
	}
}

// TestKeygenFile uses the output as the file of a configSource, as the usage
// text proposes.
func TestKeygenFile(t *testing.T) {
	inFolder(t, "web.config",
		`<configuration><system.web><machineKey configSource="machineKey.config" /></system.web></configuration>`)
	if err := os.WriteFile("machineKey.config", []byte(tool(t, "", "keygen").want(t, exitOK).out),
		0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "", "issue", "-config", "web.config", "-name", "bob").want(t, exitOK)
}

func TestKeygenJSON(t *testing.T) {
	for _, v := range []string{"SHA1", "hmacsha256", "HMACSHA384", "HMACSHA512"} {
		for _, d := range []string{"AES", "auto"} {
			var report keygenReport
			tool(t, "", "keygen", "-json", "-validation", v, "-decryption", d).want(t,
				exitOK).decode(t, &report)
			if !strings.EqualFold(report.Validation, v) ||
				!strings.EqualFold(report.Decryption, d) {
				t.Errorf("asked for %s and %s, got %s and %s", v, d, report.Validation,
					report.Decryption)
			}
			for _, part := range []string{report.ValidationKey, report.DecryptionKey, report.Mode} {
				if part == "" || !strings.Contains(report.Element, part) {
					t.Errorf("the element does not hold %d characters of it", len(part))
				}
			}
		}
	}
}
