package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// completions are, for each shell, a script that completes a subcommand and a flag, and prints what
// is left on the command line or offered.
var completions = map[string]string{
	"bash": `source /usr/share/bash-completion/bash_completion
source <(webfarm completion bash)
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)) COMP_LINE="$*"; COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
	__start_webfarm 2>/dev/null; printf '%s\n' "${COMPREPLY[@]}"; }
complete_line webfarm ins
complete_line webfarm inspect -conf
complete_line webfarm inspect --conf`,
	"fish": `webfarm completion fish | source
for line in "webfarm ins" "webfarm inspect -conf" "webfarm inspect --conf"
	complete -C $line | string replace -r '\t.*' ''
end`,
	"zsh": `zmodload zsh/zpty
for line in "webfarm ins" "webfarm inspect -conf" "webfarm inspect --conf"; do
	zpty shell zsh -f -i
	zpty -w shell 'PS1=; autoload -U compinit; compinit -u -D; source <(webfarm completion zsh); compdef _webfarm webfarm
		show() { print -r -- "<$BUFFER>"; }; zle -N show; bindkey "^X" show; echo READ''Y'
	zpty -r shell out '*READY*'
	zpty -w -n shell "$line"$'\t\x18'
	zpty -r shell out '*<*>*'
	out=${${out##*<}%%>*}
	print -r -- ${${=out}[-1]}
	zpty -d shell
done`,
}

// TestCompletionInShells completes a subcommand, and a flag with one and with two dashes.
func TestCompletionInShells(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "webfarm")); err != nil {
		t.Skip("no symbolic links on this machine: ", err)
	}
	for shell, script := range completions {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s on this machine", shell)
			}
			if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); err != nil &&
				shell == "bash" {
				t.Skip("no bash-completion on this machine")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			run := exec.CommandContext(ctx, path, "-c", script)
			run.WaitDelay = time.Second
			run.Env = append(os.Environ(), asTool+"=1", "HOME="+bin, "TERM=dumb",
				"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := run.CombinedOutput()
			if got := strings.Join(strings.Fields(string(out)), " "); err != nil ||
				got != "inspect -config --config" {
				t.Errorf("%v: %q", err, out)
			}
		})
	}
}
