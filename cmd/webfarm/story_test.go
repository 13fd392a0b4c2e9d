package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
)

// asTool is set for the copies of this test that are to be the tool itself.
const asTool = "WEBFARM_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		main()
	}
	redis.SetLogger(silent{})
	os.Exit(m.Run())
}

var writeCLI = flag.Bool("write-cli", false,
	"write the outputs of docs/cli.md anew instead of comparing them")

// transcript is the block of a subcommand in docs/cli.md.
var transcript = regexp.MustCompile("(?s)\n## webfarm (\\w+)\n[^`]*(?:`[^`]+`[^`]*)*\n```console\n(.*?)```\n")

// TestTranscripts types what docs/cli.md shows into a shell, one block for each subcommand, and
// wants to see what it shows. A line with "$ " in front is a command; lines up to the next one are
// its output, of both streams, and "exit 1" stands for an exit code that is not 0. What differs from
// run to run is masked.
func TestTranscripts(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this machine")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	doc := filepath.Join(here(t), "..", "..", "docs", "cli.md")
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	shown, blocks := string(text), map[string]string{}
	for _, m := range transcript.FindAllStringSubmatch(shown, -1) {
		blocks[m[1]] = m[2]
	}
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			block := blocks[c.name]
			if !strings.Contains(block, "$ webfarm "+c.name) {
				t.Fatal("docs/cli.md does not show the subcommand")
			}
			work := t.TempDir()
			bin := t.TempDir()
			if err := os.Symlink(self, filepath.Join(bin, "webfarm")); err != nil {
				t.Skip("no symbolic links on this machine: ", err)
			}
			var got strings.Builder
			for line := range strings.Lines(block) {
				command, ok := strings.CutPrefix(line, "$ ")
				if !ok {
					continue
				}
				got.WriteString(line)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				run := exec.CommandContext(ctx, shell, "-c", command)
				run.WaitDelay = time.Second
				run.Dir = work
				run.Env = append(os.Environ(), asTool+"=1",
					"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
				out, err := run.CombinedOutput()
				got.WriteString(masked(string(out)))
				if err != nil {
					fmt.Fprintf(&got, "exit %d\n", run.ProcessState.ExitCode())
				}
			}
			for line := range strings.Lines(block) {
				isProse := slices.Contains([]string{"inspect", "doctor", "check", "demo"},
					c.name) && !strings.HasPrefix(line, "$ ") &&
					!strings.HasPrefix(line, "webfarm ") && !strings.Contains(line, "<machineKey")
				if isProse && utf8.RuneCountInString(line) > width+1 {
					t.Errorf("more than %d columns: %s", width, line)
				}
			}
			if got.String() != block && !*writeCLI {
				t.Errorf("docs/cli.md shows something else; if the change is meant, run with -write-cli:\n%s", got.String())
			}
			shown = strings.Replace(shown, "```console\n"+block+"```",
				"```console\n"+got.String()+"```", 1)
		})
	}
	if *writeCLI {
		if err := os.WriteFile(doc, []byte(shown), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// masks are what differs from run to run, keys first: a transcript holds none.
var masks = []struct {
	what *regexp.Regexp
	mask string
}{
	{regexp.MustCompile(`[0-9A-F]{40,}`), "HEX"},
	{regexp.MustCompile(`[A-Za-z0-9+/_-]{60,}={0,2}`), "BASE64"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}(-[0-9A-F]{32})?`), "GUID"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "KEYID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d+ (bytes|characters)`), "N $1"},
	{regexp.MustCompile(`\((now|in \w+|\w+ ago)\)`), "(WHEN)"},
	{regexp.MustCompile(`expires in \w+`), "expires in SPAN"},
	{regexp.MustCompile(` +\n`), "\n"},
}

func masked(s string) string {
	for _, m := range masks {
		s = m.what.ReplaceAllString(s, m.mask)
	}
	return s
}
