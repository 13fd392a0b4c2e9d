package main

import (
	"strings"
	"testing"
)

// TestWeakKey wants inspect and doctor to speak of a key that can be guessed
// before anything else, and issue and serve to take it only when told to.
func TestWeakKey(t *testing.T) {
	site := func(validationKey string) string {
		return `<configuration>
  <system.web>
    <machineKey validationKey="` + validationKey + `" decryptionKey="6E0B93F1C7245DA8B03E917F4AD2681C5FE3B7094D86A21CF5387E60D94BC21A" compatibilityMode="Framework45"/>
    <authentication mode="Forms"/>
  </system.web>
</configuration>`
	}
	inFolder(t, "web.config", site("C0DE"))
	issue := []string{"issue", "-config", "web.config", "-kind", "forms", "-name", "bob", "-json"}
	serve := []string{"serve", "-config", "web.config", "-listen", "127.0.0.1:0"}
	for _, command := range [][]string{issue, serve} {
		refused := tool(t, "", command...).want(t, exitUsage)
		if refused.out != "" || !strings.Contains(refused.err,
			"validationKey: weak key: found a key of 2 bytes") ||
			!strings.Contains(refused.err, "-allow-weak-key") ||
			strings.Contains(strings.ToUpper(refused.err), "C0DE") {
			t.Errorf("%s: stdout %q, stderr %q", command[0], refused.out, refused.err)
		}
	}
	var issued issueReport
	tool(t, "", append(issue, "-allow-weak-key")...).want(t, exitOK).decode(t, &issued)
	if notes := strings.Join(issued.Notes, "\n"); !strings.Contains(notes,
		"whoever guesses the key can sign in") {
		t.Errorf("notes %q", notes)
	}

	var seen inspectReport
	tool(t, issued.Header, "inspect", "-config", "web.config", "-json").want(t,
		exitOK).decode(t, &seen)
	if w := seen.Configs[0].Warnings; len(w) == 0 || w[0].Code != "weak_key" || w[0].Line != 3 ||
		!strings.Contains(w[0].Text, "2 bytes") {
		t.Errorf("%+v", w)
	}
	shown := tool(t, issued.Header, "inspect", "-config", "web.config").want(t, exitOK).out
	if w, id := strings.Index(shown, "whoever guesses the key"), strings.Index(shown,
		"key id"); w < 0 || w > id {
		t.Errorf("the weak key is not the first thing that inspect says of it:\n%s", shown)
	}
	compared := tool(t, "", "doctor", "-config", "web.config", "-config",
		"web.config").want(t, exitRefused)
	if !strings.Contains(strings.SplitN(compared.out, "\n\n", 2)[0], "is a key of 2 bytes") {
		t.Error(compared.out)
	}
	examined := tool(t, "", "doctor", "-config", "web.config", issued.Header)
	if !strings.Contains(strings.SplitN(examined.out, "\n\n", 2)[0], "is a key of 2 bytes") ||
		!strings.Contains(examined.out, "code  weak_key") {
		t.Error(examined.out)
	}
	tool(t, "", "doctor", "-config", "web.config", "-allow-weak-key", issued.Header).want(t, exitOK)

	inFolder(t, "web.config", site("9D1F0C5B7A28463E1504F3C2D1A0BF8E"))
	tool(t, "", issue...).want(t, exitOK).decode(t, &issued)
	tool(t, issued.Header, "inspect", "-config", "web.config", "-json").want(t,
		exitOK).decode(t, &seen)
	if w := seen.Configs[0].Warnings; len(w) == 0 || w[0].Code != "short_key" ||
		!strings.Contains(w[0].Text, "16 bytes") {
		t.Errorf("%+v", w)
	}
	if examined := tool(t, "", "doctor", "-config", "web.config", issued.Header).want(t,
		exitOK); !strings.Contains(examined.out, "validationKey of 16 bytes") {
		t.Error(examined.out)
	}
}
