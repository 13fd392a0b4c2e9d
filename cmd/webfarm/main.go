// Command webfarm is the operator's tool of an ASP.NET farm with Go nodes. It opens the farm's
// cookies and tokens, issues them, makes machine keys, and has a gateway and a demo. Inspect and
// issue also take the key ring of ASP.NET Core, in place of a web.config or beside it: -keys RING.
//
// "webfarm help" lists the subcommands, and "webfarm help SUBCOMMAND" explains each. docs/webfarm.1
// holds all of it as a manual page ("webfarm help -man"). "webfarm completion" prints a script for
// bash, zsh, fish or PowerShell. All others take -json. The exit code is 0 for success, 1 if the
// cookie was refused or the check failed, and 2 for wrong usage or configuration, before anything is
// checked.
//
// Only keygen prints keys, and no subcommand prints bootstrap tokens. The output of issue is a
// credential like any cookie of the site.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/internal/site"
)

func main() {
	redis.SetLogger(silent{})
	if color.NoColor { // no terminal, NO_COLOR or TERM=dumb
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	painted := &painter{w: color.Output}
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
	json     bool // print for machines
}

// command is one subcommand.
type command struct {
	name    string
	summary string // one line for the overview
	subcommand
	arguments bool // beside flags
}

type subcommand interface {
	// define defines the flags but -json. help/flags.txt has their texts.
	define(*pflag.FlagSet)
	// run runs after they are parsed. Its error decides the exit code, and is printed unless it is
	// errReported.
	run(ctx context.Context, args []string, s streams) error
}

func commands() []command {
	return []command{
		{"inspect", "open the credentials of a request and show what is inside, or what refuses them",
			new(inspect), true},
		{"doctor", "find the layer that refuses a cookie, and the setting that would accept it",
			new(doctorRun), true},
		{"issue", "print cookies or tokens for a user, to test a site", new(issue), false},
		{"check", "show what a web.config or a key ring decides and what is wrong with it",
			new(check), false},
		{"keygen", "print a fresh <machineKey> element", new(keygen), false},
		{"keys", "list, make and revoke the keys of a key ring of ASP.NET Core",
			new(keys), true},
		{"serve", "tell nginx, Traefik or Envoy who the user is, or be the proxy itself",
			new(serve), false},
		{"demo", "sign in on one node and be recognised by the other, without set-up",
			new(demo), false},
		{"version", "print the version and what it was built from", showVersion{}, false},
	}
}

// report writes r for machines, or its text for people. The error is errReported unless ok.
func (s streams) report(r any, text func() []byte, ok bool) (err error) {
	if s.json {
		err = writeJSON(s.out, r)
	} else {
		_, err = s.out.Write(text())
	}
	if err == nil && !ok {
		err = errReported
	}
	return err
}

// errReported means that the output already shows the error.
var errReported = errors.New("webfarm: refused")

// usageError is a mistake in the command line.
type usageError string

func (e usageError) Error() string { return "webfarm: " + string(e) }

// setupError is a configuration that cannot be used.
type setupError struct{ err error }

func (e setupError) Error() string { return e.err.Error() }
func (e setupError) Unwrap() error { return e.err }

// run is the whole tool, apart from the process.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if slices.Equal(args, []string{"help", "-man"}) {
		printMan(out)
		return exitOK
	}
	root := tree(streams{in: in, out: out, err: errOut})
	if len(args) > 1 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return complete(ctx, root, args, out)
	}
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "-h") // "help SUB" is "SUB -h"
	}
	c, _, err := root.Find(args)
	if err != nil {
		fmt.Fprintf(errOut, "webfarm: there is no subcommand %q%s\n\n",
			args[0], didYouMean("", root.SuggestionsFor(args[0])))
		printOverview(errOut)
		return exitUsage
	}
	root.SetArgs(twoDashes(c, args))
	c, err = root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errReported) {
		return exitRefused
	}
	fmt.Fprintf(errOut, "%s: %s\n", c.CommandPath(),
		inFlags(strings.TrimPrefix(err.Error(), "webfarm: ")))
	switch {
	case errors.As(err, new(usageError)):
		fmt.Fprintf(errOut, "Run \"%s\" for the flags and examples.\n",
			strings.Replace(c.CommandPath(), "webfarm", "webfarm help", 1))
		return exitUsage
	case errors.As(err, new(setupError)):
		return exitUsage
	}
	return exitRefused
}

// typos is the number of wrong letters up to which a name is suggested.
const typos = 2

// tree makes the commands of cobra, which also gives them "completion".
func tree(s streams) *cobra.Command {
	root := &cobra.Command{Use: "webfarm", SilenceErrors: true, SilenceUsage: true,
		SuggestionsMinimumDistance: typos}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := strings.ReplaceAll(err.Error(), "--", "-")
		if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
			name := unknown.GetSpecifiedName()
			text = fmt.Sprintf("there is no flag -%s%s", name,
				didYouMean("-", similarFlags(c, name)))
		}
		return usageError(text)
	})
	help := root.HelpFunc()
	for _, c := range commands() {
		sub := &cobra.Command{Use: c.name, Short: c.summary}
		c.flags(sub.Flags())
		sub.RunE = func(sub *cobra.Command, args []string) error {
			if len(args) > 0 && !c.arguments {
				return unexpected(args[0], sub.Flags())
			}
			s.json, _ = sub.Flags().GetBool("json") // one subcommand runs
			return c.run(sub.Context(), args, s)
		}
		sub.SetHelpFunc(func(sub *cobra.Command, _ []string) { c.printHelp(s.out, sub.Flags()) })
		root.AddCommand(sub)
	}
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		if c == root {
			printOverview(s.out)
		} else {
			help(c, args)
		}
	})
	root.InitDefaultCompletionCmd("completion") // before Find
	completion, _, _ := root.Find([]string{"completion"})
	completion.Args = cobra.ArbitraryArgs
	completion.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError(fmt.Sprintf("%q is not bash, zsh, fish or powershell", args[0]))
		}
		return c.Help()
	}
	return root
}

// duration defines a flag for a duration, which may have days and is not negative.
func duration(flags *pflag.FlagSet, to *time.Duration, name string, value time.Duration) {
	*to = value
	flags.Func(name, "", func(text string) (err error) {
		*to, err = site.ParseSpan(text)
		return err
	})
}

// twoDashes doubles the dash of flags for cobra. It leaves the values of flags alone.
func twoDashes(c *cobra.Command, args []string) []string {
	args = slices.Clone(args)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if !strings.HasPrefix(args[i], "-") || args[i] == "-" || args[i] == "-h" {
			continue
		}
		args[i] = "--" + strings.TrimLeft(args[i], "-")
		if f := c.Flags().Lookup(args[i][2:]); f != nil && f.NoOptDefVal == "" {
			i++
		}
	}
	return args
}

// complete answers the scripts of "webfarm completion". Flags get the number of dashes that the
// user typed.
func complete(ctx context.Context, root *cobra.Command, args []string, out io.Writer) int {
	c, _, _ := root.Find(args[1:]) // the root if there is none
	var answer bytes.Buffer
	root.SetOut(&answer)
	root.SetArgs(twoDashes(c, args))
	if err := root.ExecuteContext(ctx); err != nil {
		return exitUsage
	}
	text := strings.ReplaceAll(answer.String(), "`", "") // they mark the name of a value
	if !strings.HasPrefix(args[len(args)-1], "--") {
		text = strings.ReplaceAll("\n"+text, "\n--", "\n-")[1:]
	}
	io.WriteString(out, text)
	return exitOK
}

// similarFlags returns the flags of a command with similar names.
func similarFlags(c *cobra.Command, name string) []string {
	names := cobra.Command{SuggestionsMinimumDistance: typos}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return names.SuggestionsFor(name)
}

// unexpected is the error of an argument that a subcommand does not take.
func unexpected(arg string, flags *pflag.FlagSet) error {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return usageError(fmt.Sprintf("unexpected argument %q%s", arg, flagFor(arg, names...)))
}

// flagFor suggests the flag that a file or a key ring belongs to, among those of that name.
func flagFor(arg string, flags ...string) string {
	name := ""
	info, err := os.Stat(arg)
	switch {
	case strings.HasSuffix(strings.ToLower(arg), ".config"):
		name = "config"
	case err == nil && info.IsDir() || strings.Contains(arg, "://"):
		name = "keys"
	}
	if !slices.Contains(flags, name) {
		return ""
	}
	return didYouMean("-", []string{name + " " + arg})
}

func didYouMean(dash string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + dash + strings.Join(names, " or "+dash) + "?"
}
