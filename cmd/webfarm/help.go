package main

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/site"
)

//go:embed help/*.txt
var helpFiles embed.FS

//go:embed help/flags.txt
var flagsFile string

// flagTexts explain the flags.
var flagTexts = texts.Parse(flagsFile)

// flags defines the flags, with their texts.
func (c command) flags(flags *pflag.FlagSet) {
	c.define(flags)
	flags.Bool("json", false, "")
	flags.VisitAll(func(f *pflag.Flag) { f.Usage = flagTexts["flags/"+c.name].Text(f.Name) })
}

// helpText returns a text of the folder help.
func helpText(name string, words ...any) string {
	text, _ := helpFiles.ReadFile("help/" + name + ".txt") // a test reads all
	return texts.Fill(strings.TrimSpace(string(text)), words...)
}

func printOverview(w io.Writer) {
	var rows bytes.Buffer
	var list [][]string
	for _, c := range commands() {
		list = append(list, []string{c.name, c.summary})
	}
	writeTable(&rows, "  ", append(list, []string{"completion",
		"print a script for completion in the shell"}))
	fmt.Fprintln(w, helpText("overview", "subcommands", strings.TrimSpace(rows.String())))
}

// usage is the synopsis, explanation and examples of a subcommand.
func (c command) usage() string {
	return helpText(c.name, "claims", folded(claimNames(), "  "), "options",
		folded(site.OptionNames(""), "  "))
}

func (c command) printHelp(w io.Writer, flags *pflag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nFlags\n", c.usage())
	writeTable(w, "  ", flagRows(flags))
}

// flagRows are the flags, as they are typed, and their texts.
func flagRows(flags *pflag.FlagSet) (rows [][]string) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" { // of cobra
			name, text := pflag.UnquoteUsage(flag)
			rows = append(rows, []string{strings.TrimSpace("-" + flag.Name + " " + name), text})
		}
	})
	return rows
}

// printMan prints the reference of all subcommands as a manual page, in the man
// macros of roff. docs/webfarm.1 is what it prints; a test compares the two.
func printMan(w io.Writer) {
	var b strings.Builder
	for _, c := range commands() {
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.flags(flags)
		fmt.Fprintf(&b, ".SH WEBFARM %s\n.nf\n%s\n.fi\n", strings.ToUpper(c.name), roff(c.usage()))
		for _, row := range flagRows(flags) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(row[0]), roff(row[1]))
		}
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
