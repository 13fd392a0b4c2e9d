package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// printMan prints the reference of all subcommands as a manual page, in the man
// macros of roff. docs/webfarm.1 is what it prints; a test compares the two.
func printMan(w io.Writer) {
	var b strings.Builder
	for _, c := range commands() {
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.flags(flags)
		fmt.Fprintf(&b, ".SH WEBFARM %s\n.nf\n%s\n.fi\n", strings.ToUpper(c.name), roff(c.usage()))
		eachFlag(flags,
			func(flag, text string) { fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(flag), roff(text)) })
	}
	fmt.Fprintln(w, helpText("man", "subcommands", strings.TrimSpace(b.String())))
}

// roff returns text that roff prints as it stands.
func roff(text string) string {
	text = strings.ReplaceAll(text, `\`, `\e`)
	text = strings.ReplaceAll(text, "-", `\-`)
	text = strings.ReplaceAll(text, "'", `\(aq`)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
