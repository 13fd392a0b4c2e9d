package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/machinekey"
)

// inDoctorFolder goes to the files of the transcripts, whose names are then
// short in the output, and returns the folder of the package. The cookies were
// issued at 2026-11-21 14:11 with node-a.config.
func inDoctorFolder(t *testing.T) string {
	t.Helper()
	folder := here(t)
	t.Chdir(filepath.Join(folder, "testdata", "doctor"))
	return folder
}

func fileText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDoctorTranscripts compares what people see in typical cases.
func TestDoctorTranscripts(t *testing.T) {
	folder := inDoctorFolder(t)
	session := strings.TrimSpace(fileText(t, "session.txt"))
	first, _, _ := strings.Cut(session, "; ")
	at := []string{"-at", "2026-11-21 14:30"}
	tests := []struct {
		name  string // of the transcript
		code  int
		stdin string
		args  []string
	}{
		{"mode", exitRefused, fileText(t, "forms.txt"), []string{"-config", "node-b.config", "-"}},
		{"chunk", exitRefused, first, []string{"-config", "node-a.config", "-"}},
		{"ok", exitOK, session, []string{"-config", "node-a.config"}},
		{"which", exitRefused, fileText(t, "forms.txt"),
			[]string{"-config", "node-a.config", "-config", "node-b.config", "-"}},
		{"compare", exitRefused, "", []string{"-config", "node-a.config", "-config", "node-b.config"}},
		{"same", exitOK, "", []string{"-config", "node-a.config", "-config", "node-a.config"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := append(append([]string{"doctor"}, at...), tt.args...)
			r := tool(t, tt.stdin, args...).want(t, tt.code)
			golden(t, folder, "doctor/"+tt.name+".golden", r.out)
			if r.err != "" {
				t.Errorf("standard error %q", r.err)
			}
			cfg, err := machinekey.LoadWebConfig("node-a.config")
			if err != nil {
				t.Fatal(err)
			}
			noSecrets(t, cfg, r.out)
			var report doctor.Report
			machines := tool(t, tt.stdin, append(args, "-json")...).want(t, tt.code)
			machines.decode(t, &report)
			noSecrets(t, cfg, machines.out)
			if report.OK != (tt.code == exitOK) ||
				!strings.Contains(unfolded(r.out), unfolded(report.Finding.Sentence)) {
				t.Errorf("-json says ok %v, %q", report.OK, report.Finding.Sentence)
			}
		})
	}
}

// TestDoctorCodes reads the codes as a script does.
func TestDoctorCodes(t *testing.T) {
	inDoctorFolder(t)
	forms, session := fileText(t, "forms.txt"), fileText(t, "session.txt")
	bare := strings.TrimSpace(strings.TrimPrefix(forms, "Cookie: .ASPXAUTH="))
	tests := []struct {
		stdin string
		args  []string
		code  string
	}{
		{forms, []string{"-config", "node-a.config"}, doctor.CodeOK},
		{bare, []string{"-config", "node-a.config"}, doctor.CodeOK},
		{bare, []string{"-config", "node-b.config"}, "compatibility_mode"},
		{forms, []string{"-config", "node-a.config", "-kind", "fedauth", "-name", ".ASPXAUTH"},
			"other_credential"},
		{session, []string{"-config", "node-b.config"}, doctor.CodeOK}, // sessions ignore the mode
		{session, []string{"-config", "node-a.config", "-at", "2026-11-23"}, "expired"},
		{session, []string{"-config", "node-a.config", "-at", "2026-11-20"}, "not_yet_valid"},
		{session, []string{"-config", "node-a.config", "-path", "/shop/"}, "endpoint"},
		{"GET / HTTP/1.1\nHost: a.example\n" + session, []string{"-config", "node-a.config"}, doctor.CodeOK},
		{"Authorization: Bearer x", []string{"-config", "node-a.config", "-kind", "bearer"}, "foreign"},
		{session, []string{"-config", "node-a.config", "-kind", "bearer"}, "no_cookie"},
		{"GET /(X(1)F(" + bare + "))/a.aspx?b=c HTTP/1.1\nHost: a.example",
			[]string{"-config", "node-a.config"}, doctor.CodeOK},
		{"https://a.example/(F(" + bare + "))/a.aspx", []string{"-config", "node-b.config"},
			"compatibility_mode"},
		{"__VIEWSTATE=%2FwEPDwUK&__EVENTVALIDATION=x", []string{"-config", "node-a.config"}, "foreign"},
		{`<input type="hidden" name="__VIEWSTATE" value="/wEPDwUK" />`,
			[]string{"-config", "node-a.config"}, "foreign"},
		{"SAMLResponse=PHNhbWxwOlJlc3BvbnNl&RelayState=x", []string{"-config", "node-a.config"}, "foreign"},
		{strings.Replace(session, "FedAuth", "SQSession", 1),
			[]string{"-config", "node-a.config", "-name", "SQSession"}, "missing_chunk"},
	}
	for _, tt := range tests {
		args := append([]string{"doctor", "-json"}, tt.args...)
		if !slices.Contains(tt.args, "-at") {
			args = append(args, "-at", "2026-11-21T14:30:00Z")
		}
		code := exitRefused
		if tt.code == doctor.CodeOK {
			code = exitOK
		}
		var report struct{ Code string }
		r := tool(t, tt.stdin, args...).want(t, code)
		if err := json.Unmarshal([]byte(r.out), &report); err != nil {
			t.Fatal(err)
		}
		if report.Code != tt.code {
			t.Errorf("%q: code %q, want %q", tt.args, report.Code, tt.code)
		}
	}
}

// TestDoctorKnownKeys gives a list of publicly known keys, with the key of the
// site on it.
func TestDoctorKnownKeys(t *testing.T) {
	inDoctorFolder(t)
	cfg, err := machinekey.LoadWebConfig("node-a.config")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.ToUpper(hex.EncodeToString(cfg.ValidationKey.Reveal()))))
	list := filepath.Join(t.TempDir(), "known.csv")
	text := fmt.Sprintf("validationKey,decryptionKey\n%x,%x\n", sum,
		sha256.Sum256([]byte("another")))
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"doctor", "-at", "2026-11-21 14:30", "-config", "node-a.config", "-known-keys",
		list, strings.TrimSpace(fileText(t, "forms.txt"))}
	r := tool(t, "", args...).want(t, exitRefused)
	if !strings.Contains(r.out, "code  known_key") ||
		!strings.Contains(r.out, "on line 2 of the list") {
		t.Errorf("output:\n%s", r.out)
	}
	noSecrets(t, cfg, r.out)
	tool(t, "", append(args, "-allow-known-key")...).want(t, exitOK)
}

func TestDoctorUsage(t *testing.T) {
	inDoctorFolder(t)
	const config = "-config=node-a.config"
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"x"}, "-config is missing"},
		{[]string{config, config, config, "x"}, "more than twice"},
		{[]string{"-config", "none.config", "x"}, "none.config"},
		{[]string{"-config", "forms.txt", "x"}, "forms.txt"},
		{[]string{config}, "the cookie is empty"},
		{[]string{config, "x", "y"}, "more than one argument"},
		{[]string{config, "-at", "soon", "x"}, "is not a time"},
		{[]string{config, "-kind", "magic", "x"}, "-kind"},
		{[]string{config, "-kind", "refresh", "Cookie: a=b"}, "bare value"},
		{[]string{config, "-app-path-hash", "0x12", "x"}, "-app-path-hash"},
		{[]string{config, "-app-id-hash", "99999999999", "x"}, "-app-id-hash"},
		{[]string{config, "-known-keys", "none.csv", "x"}, "none.csv"},
		{[]string{config, "-known-keys", "forms.txt", "x"}, "forms.txt"},
	}
	for _, tt := range tests {
		r := tool(t, "", append([]string{"doctor"}, tt.args...)...)
		if r.code != exitUsage || !strings.Contains(r.err, tt.want) || r.out != "" {
			t.Errorf("%q: exit code %d, standard error %q, want %q in it", tt.args,
				r.code, r.err, tt.want)
		}
	}
}
