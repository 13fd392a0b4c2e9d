package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPaint(t *testing.T) {
	for line, want := range map[string]string{
		"  ok  text   1668 bytes":     "  \x1b[32mok \x1b[0m text   1668 bytes",
		"  NO  machine-key":           "  \x1b[1;31mNO \x1b[0m machine-key",
		"REFUSED at layer envelope":   "\x1b[1;31mREFUSED at layer envelope\x1b[0m",
		"  warning     line 4: x":     "  \x1b[33mwarning\x1b[0m     line 4: x",
		"Layers, from the outside":    "\x1b[1mLayers, from the outside\x1b[0m",
		"Set-Cookie: FedAuth=77u":     "Set-Cookie: FedAuth=77u",
		"  \"ok\": true,":             "  \"ok\": true,",
		"{":                           "{",
		"":                            "",
		"    okapi":                   "    okapi",
		"Nothing leaves the machine.": "Nothing leaves the machine.",
	} {
		if got := paint(line); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

// What is painted holds the plain text and nothing else, however it is cut into
// writes.
func TestPainterKeepsTheText(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "inspect-tamper-17.txt"))
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "and no end"...)
	for _, step := range []int{1, 7, len(text)} {
		var out bytes.Buffer
		p := &painter{w: &out}
		for i := 0; i < len(text); i += step {
			part := text[i:min(i+step, len(text))]
			if n, err := p.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		p.flush()
		plain := out.String()
		for _, esc := range []string{escBold, escGreen, escRed, escYellow, escReset} {
			plain = strings.ReplaceAll(plain, esc, "")
		}
		if plain != string(text) {
			t.Errorf("in steps of %d the text changed", step)
		}
		if !strings.Contains(out.String(), escRed+"REFUSED") {
			t.Error("nothing is painted")
		}
	}
}

// Only a terminal gets colours, and not if its user does not want any.
func TestWantsColor(t *testing.T) {
	env := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if wantsColor(file, env("", "")) || wantsColor(new(bytes.Buffer), env("", "")) {
		t.Error("colours for a file or a buffer")
	}
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to try: %v", err)
	}
	defer tty.Close()
	if !wantsColor(tty, env("", "")) || wantsColor(tty, env("NO_COLOR", "1")) || wantsColor(tty, env("TERM", "dumb")) {
		t.Error("a terminal")
	}
}

// docs/webfarm.1 is made from the flags: "go run ./cmd/webfarm help -man".
func TestManualPage(t *testing.T) {
	want := tool(t, "", "help", "-man").want(t, exitOK).out
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "webfarm.1"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error(`docs/webfarm.1 is not what "webfarm help -man" prints; make it anew`)
	}
	for _, c := range commands() {
		if !strings.Contains(want, ".SH WEBFARM "+strings.ToUpper(c.name)+"\n") {
			t.Errorf("%s is not in it", c.name)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("no groff on this machine: the page is not formatted")
		return
	}
	format := exec.Command(groff, "-man", "-Tascii", "-ww", "-z")
	format.Stdin = strings.NewReader(want)
	if out, err := format.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}
