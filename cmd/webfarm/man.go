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
	fmt.Fprint(w, `.\" Made by "webfarm help -man". Do not edit.
.TH WEBFARM 1
.SH NAME
webfarm \- read and write the cookies and tokens of an ASP.NET farm
.SH SYNOPSIS
.B webfarm
.I SUBCOMMAND
[flags]
.SH DESCRIPTION
Subcommands that look at a cookie work offline: nothing leaves the machine. No
subcommand prints keys, except
.BR keygen .
Flags may stand before, between and behind the other arguments. A DURATION is
such as 30s, 45m or 10h30m.
.PP
.B webfarm completion
.I SHELL
prints the script with which bash, zsh, fish or powershell completes subcommands
and flags.
`)
	for _, c := range commands() {
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.setup(flags)
		fmt.Fprintf(w, ".SH WEBFARM %s\n.nf\n%s\n.fi\n", strings.ToUpper(c.name), roff(strings.TrimSpace(c.usage)))
		eachFlag(flags, func(flag, text string) { fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(flag), roff(text)) })
	}
	fmt.Fprint(w, `.SH ENVIRONMENT
.TP
.B NO_COLOR
If it is set to anything, output to a terminal has no colours. Other output never has.
.SH EXIT STATUS
.TP
.B 0
success
.TP
.B 1
the cookie was refused, or the check failed
.TP
.B 2
wrong flags, or a configuration that cannot be used; nothing was checked
`)
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
