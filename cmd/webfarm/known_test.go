package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// TestKnownKey wants inspect to warn of a publicly known key, and issue to
// refuse it unless a flag allows it.
func TestKnownKey(t *testing.T) {
	site, err := testvectors.Read("webconfig/forms-site.config")
	if err != nil {
		t.Fatal(err)
	}
	inFolder(t, "web.config", string(site))
	const source = "test vectors of webfarm, key A"

	issue := []string{"issue", "-config", "web.config", "-kind", "forms", "-name", "bob", "-json"}
	refused := tool(t, "", issue...).want(t, exitUsage)
	if refused.out != "" || !strings.Contains(refused.err, source) ||
		!strings.Contains(refused.err, "-allow-known-key") {
		t.Errorf("stdout %q, stderr %q", refused.out, refused.err)
	}
	var issued issueReport
	tool(t, "", append(issue, "-allow-known-key")...).want(t, exitOK).decode(t, &issued)
	if notes := strings.Join(issued.Notes, "\n"); !strings.Contains(notes, source) {
		t.Errorf("notes %q", notes)
	}
	shown := tool(t, issued.Header, "inspect", "-config", "web.config").want(t, exitOK)
	if !strings.Contains(unfolded(shown.out),
		"line 13: anybody can sign in: the validationKey is a key published in the "+source) {
		t.Error(shown.out)
	}
	var seen inspectReport
	tool(t, issued.Header, "inspect", "-config", "web.config", "-json").want(t,
		exitOK).decode(t, &seen)
	if w := seen.Configs[0].Warnings; len(w) == 0 || w[0].Code != "known_key" || w[0].Line != 13 {
		t.Errorf("%+v", w)
	}
}

// TestKnownKeysFile wants the keys of the file refused and warned of as well,
// and a file that is no list refused by both subcommands.
func TestKnownKeysFile(t *testing.T) {
	cfg := freshConfig(t)
	list := fmt.Sprintf("validationKey,decryptionKey\n%x,%x\n", sha256.Sum256(nil),
		sha256.Sum256(fmt.Appendf(nil, "%X", cfg.DecryptionKey.Reveal())))
	if err := os.WriteFile("known.csv", []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	issue := []string{"issue", "-config", "web.config", "-kind", "forms", "-name", "bob", "-json"}
	var issued issueReport
	tool(t, "", issue...).want(t, exitOK).decode(t, &issued)
	if len(issued.Notes) != 0 {
		t.Errorf("notes %q", issued.Notes)
	}
	refused := tool(t, "", append(issue, "-known-keys", "known.csv")...).want(t, exitUsage)
	if !strings.Contains(refused.err,
		"decryptionKey: known key: found a key on line 2 of the list") {
		t.Error(refused.err)
	}
	shown := tool(t, issued.Header, "inspect", "-config", "web.config", "-known-keys",
		"known.csv").want(t, exitOK)
	if !strings.Contains(shown.out, "anybody can sign in: the decryptionKey is a key on line 2") {
		t.Error(shown.out)
	}
	noSecrets(t, cfg, refused.err+shown.out)

	for name, data := range map[string][]byte{"missing.csv": nil,
		"page.csv": []byte("<!DOCTYPE html>"), "large.csv": bytes.Repeat([]byte("x"), 1<<20)} {
		if data != nil {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]string{issue,
			{"inspect", "-config", "web.config", issued.Header}} {
			r := tool(t, "", append([]string{command[0], "-known-keys", name},
				command[1:]...)...).want(t, exitUsage)
			if r.out != "" || !strings.Contains(r.err, name) {
				t.Errorf("%s: stdout %q, stderr %q", name, r.out, r.err)
			}
		}
	}
}
