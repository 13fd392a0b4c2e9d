package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/fatih/color"
)

// colors has the tests of this process painted, although they do not write to
// a terminal.
func colors(t *testing.T) {
	color.NoColor = false
	t.Cleanup(func() { color.NoColor = true })
}

func TestPaint(t *testing.T) {
	colors(t)
	for line, want := range map[string]string{
		"  ok  text   1668 bytes":     "  \x1b[32mok \x1b[0m text   1668 bytes",
		"  NO  machine-key":           "  \x1b[31;1mNO \x1b[0;22m machine-key",
		"REFUSED at layer envelope":   "\x1b[31;1mREFUSED\x1b[0;22m at layer envelope",
		"  warning     line 4: x":     "  \x1b[33mwarning\x1b[0m     line 4: x",
		"Layers, from the outside":    "\x1b[1mLayers, from the outside\x1b[22m",
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
	colors(t)
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
		plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(out.String(), "")
		if plain != string(text) {
			t.Errorf("in steps of %d the text changed", step)
		}
		if !strings.Contains(out.String(), "\x1b[31;1mREFUSED") {
			t.Error("nothing is painted")
		}
	}
}

// Only a terminal gets colours, and not if its user does not want any.
func TestColorsForATerminalOnly(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func(env string) *exec.Cmd {
		cmd := exec.Command(self, "help")
		cmd.Env = append(os.Environ(), asTool+"=1", "TERM=xterm", "NO_COLOR=", env)
		return cmd
	}
	for env, want := range map[string]bool{"X=": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		terminal, err := pty.Start(start(env))
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(terminal) // ends with an error where the other side is gone
		terminal.Close()
		if !bytes.Contains(out, []byte("inspect")) || bytes.Contains(out, []byte("\x1b[")) != want {
			t.Errorf("%s, colours want %v: %q", env, want, out)
		}
	}
	if out, err := start("X=").Output(); err != nil || bytes.Contains(out, []byte("\x1b")) {
		t.Errorf("a pipe: %v %q", err, out)
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
