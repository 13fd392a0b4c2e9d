// Command webfarm is the operator's tool of an ASP.NET farm with Go nodes: it
// opens the farm's cookies and tokens, issues them, makes machine keys and
// shows the whole working.
//
//	webfarm inspect -config web.config COOKIE     what is in this cookie, or why is it refused?
//	webfarm doctor  -config web.config COOKIE     which setting would make it read?
//	webfarm issue   -config web.config -name bob  cookies to try a site with
//	webfarm check   -config web.config            what does the file decide, and what is wrong with it?
//	webfarm keygen                                a fresh <machineKey> element
//	webfarm serve   -config web.config            a gateway: tells nginx, Traefik or Envoy who the user is
//	webfarm demo                                  two nodes, one signs in, the other recognises the user
//
// "webfarm help SUBCOMMAND" explains each, and docs/webfarm.1 has all of it as a
// manual page ("webfarm help -man"). All of them take -json. The exit
// code is 0 for success, 1 if the cookie was refused or the check failed, and
// 2 for usage and configuration: nothing was checked then.
//
// No subcommand prints keys or bootstrap tokens, except keygen, whose purpose
// it is. What issue prints is a credential like any cookie of the site.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if !wantsColor(os.Stdout, os.Getenv) {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	painted := &painter{w: os.Stdout}
	code := run(context.Background(), os.Args[1:], os.Stdin, painted, os.Stderr)
	painted.flush()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK      = 0
	exitRefused = 1 // the cookie was refused, the check failed or nothing could be issued
	exitUsage   = 2 // wrong flags or a configuration that cannot be used
)

// streams is where a subcommand reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand.
type command struct {
	name    string
	summary string // one line for the overview
	usage   string // synopsis, explanation and examples
	// setup defines the flags and returns what runs after they are parsed.
	setup func(*flag.FlagSet) action
}

// action runs a subcommand with its remaining arguments. Its error is printed,
// unless it is errReported, and decides the exit code.
type action func(ctx context.Context, args []string, s streams) error

// errReported means that the output says already what is wrong.
var errReported = errors.New("webfarm: refused")

// usageError is an error of whoever typed the command.
type usageError string

func (e usageError) Error() string { return "webfarm: " + string(e) }

// setupError is a configuration that cannot be used.
type setupError struct{ err error }

func (e setupError) Error() string { return e.err.Error() }
func (e setupError) Unwrap() error { return e.err }

func commands() []command {
	return []command{inspectCommand(), doctorCommand(), issueCommand(), checkCommand(), keygenCommand(), serveCommand(), demoCommand()}
}

// run is the whole tool, apart from the process.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 2 && args[0] == "help" && args[1] == "-man" {
		printMan(out)
		return exitOK
	}
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "-h") // "help SUB" is "SUB -h"
	}
	if len(args) == 0 || isHelp(args[0]) {
		printOverview(out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], streams{in, out, errOut})
		}
	}
	fmt.Fprintf(errOut, "webfarm: there is no subcommand %q\n\n", args[0])
	printOverview(errOut)
	return exitUsage
}

func (c command) run(ctx context.Context, args []string, s streams) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	act := c.setup(flags)
	rest, err := parseFlags(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printUsage(s.out, flags)
		return exitOK
	}
	if err == nil {
		err = act(ctx, rest, s)
	}
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errReported) {
		return exitRefused
	}
	fmt.Fprintf(s.err, "webfarm %s: %s\n", c.name, strings.TrimPrefix(err.Error(), "webfarm: "))
	var usage usageError
	var setup setupError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "Run \"webfarm help %s\" for the flags and examples.\n", c.name)
		return exitUsage
	case errors.As(err, &setup):
		return exitUsage
	}
	return exitRefused
}

// parseFlags parses flags before, between and behind the other arguments,
// which it returns.
func parseFlags(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usageError(err.Error())
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

func printOverview(w io.Writer) {
	fmt.Fprint(w, "webfarm reads and writes the cookies and tokens of an ASP.NET (.NET Framework) farm.\n\n"+
		"Usage: webfarm SUBCOMMAND [flags]\n\n")
	var rows [][]string
	for _, c := range commands() {
		rows = append(rows, []string{c.name, c.summary})
	}
	writeTable(w, "  ", rows)
	fmt.Fprint(w, "\nExamples\n"+
		"  webfarm demo\n"+
		"  webfarm inspect -config web.config 'FedAuth=77u/PD94bWwg...'\n"+
		"  webfarm help inspect\n\n"+
		"\"webfarm help SUBCOMMAND\" has its flags and examples. A DURATION is such as 30s, 45m or 10h30m.\n"+
		"Every subcommand takes -json. Exit code: 0 success, 1 refused or failed, 2 usage or configuration.\n")
}

func (c command) printUsage(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nFlags\n", strings.TrimSpace(c.usage))
	var rows [][]string
	flags.VisitAll(func(f *flag.Flag) {
		name, text := flag.UnquoteUsage(f)
		rows = append(rows, []string{strings.TrimSpace("-" + f.Name + " " + name), text})
	})
	writeTable(w, "  ", rows)
}

// texts is the value of a flag that can be repeated.
type texts []string

func (t *texts) String() string { return strings.Join(*t, ", ") }

func (t *texts) Set(s string) error {
	*t = append(*t, s)
	return nil
}
