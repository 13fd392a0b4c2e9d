package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHelp(t *testing.T) {
	overview := tool(t, "").want(t, exitOK)
	for _, c := range commands() {
		if !strings.Contains(overview.out, "  "+c.name+" ") {
			t.Errorf("the overview does not list %s", c.name)
		}
		help := tool(t, "", "help", c.name).want(t, exitOK)
		for _, part := range []string{"Usage: webfarm " + c.name, "Examples\n  webfarm " + c.name,
			"Flags\n", "-json"} {
			if !strings.Contains(help.out, part) {
				t.Errorf("help %s does not hold %q:\n%s", c.name, part, help.out)
			}
		}
		for _, args := range [][]string{{c.name, "-h"}, {c.name, "--help"},
			{c.name, "-json", "-h"}} {
			if r := tool(t, "", args...).want(t, exitOK); r.out != help.out || r.err != "" {
				t.Errorf("%q prints something else than help %s", args, c.name)
			}
		}
		for line := range strings.Lines(help.out) {
			if utf8.RuneCountInString(line) > width+1 && !strings.Contains(line, "webfarm ") ||
				strings.Contains(line, "\t") {
				t.Errorf("help %s has a long line or a tab: %q", c.name, line)
			}
		}
	}
	for _, args := range [][]string{{"-h"}, {"--help"}, {"help"}} {
		if r := tool(t, "", args...).want(t, exitOK); r.out != overview.out {
			t.Errorf("%q does not print the overview", args)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	freshConfig(t)
	const config = "-config=web.config"
	tests := []struct {
		args []string
		want string // part of standard error
	}{
		{[]string{"dig"}, `there is no subcommand "dig"`},
		{[]string{"help", "dig"}, `there is no subcommand "dig"`},
		{[]string{"inspct", "-config", "web.config"}, `there is no subcommand "inspct"; did you mean inspect?`},
		{[]string{"inspect", "-cnfig", "web.config"}, "there is no flag -cnfig; did you mean -config?"},
		{[]string{"inspect", "x", "-config"}, "-config"},
		{[]string{"-json"}, "there is no flag -json\nRun \"webfarm help\" for"},
		{[]string{"inspect", "-verbose"}, "-verbose"},
		{[]string{"inspect", "x"}, "-config is missing"},
		{[]string{"inspect", "-config", "none.config", "x"}, "none.config"},
		{[]string{"inspect", config, "-at", "soon", "x"}, `"soon" is not a time`},
		{[]string{"inspect", config, "-skew", "-1s", "x"}, "-skew"},
		{[]string{"inspect", config, "-skew", "5", "x"}, "-skew"},
		{[]string{"inspect", config, "x", "y"}, "more than one argument"},
		{[]string{"inspect", config}, "the cookie is empty"},
		{[]string{"inspect", config, " \n "}, "the cookie is empty"},
		{[]string{"issue", config}, "-name is missing"},
		{[]string{"issue", "-name", "bob"}, "-config is missing"},
		{[]string{"issue", config, config, "-name", "bob"}, "more than once"},
		{[]string{"issue", config, "-name", "bob", "carol"}, `unexpected argument "carol"`},
		{[]string{"issue", config, "-name", "bob", "-claim", "email"}, "TYPE=VALUE"},
		{[]string{"issue", config, "-name", "bob", "-claim", "=x"}, "TYPE=VALUE"},
		{[]string{"issue", config, "-name", "bob", "-lifetime", "0s"}, "-lifetime"},
		{[]string{"issue", config, "-name", "bob", "-lifetime", "2w"}, "such as 14d, 36h or 90m"},
		{[]string{"issue", config, "-name", "bob", "-auth-type", ""}, "-auth-type"},
		{[]string{"issue", config, "-name", "bob", "-path", "shop"}, "-path"},
		{[]string{"issue", config, "-name", "bob", "-path", "/a;b"}, "-path"},
		{[]string{"issue", config, "-name", "bob", "-path", "/a'b"}, "-path"},
		{[]string{"issue", config, "-name", "bob", "-cookie", "Fed Auth"}, "-cookie"},
		{[]string{"issue", config, "-name", "bob", "-cookie", "Fed'Auth"}, "-cookie"},
		{[]string{"issue", config, "-name", "bob", "-domain", "a..b"}, "-domain"},
		{[]string{"issue", config, "-name", "bob", "-chunk-size", "999"}, "-chunk-size"},
		{[]string{"issue", config, "-name", "bob", "-chunk-size", "5000"}, "-chunk-size"},
		{[]string{"inspect", config, "-kind", "magic", "x"}, "-kind"},
		{[]string{"inspect", config, "-kind", "refresh", "Cookie: a=b"}, "bare value"},
		{[]string{"issue", config, "-name", "bob", "-kind", "roles"}, "-kind"},
		{[]string{"issue", config, "-name", "bob", "-kind", "forms", "-role", "admin"},
			"not for -kind forms, whose tickets have no claims; put roles into -user-data"},
		{[]string{"issue", config, "-kind", "anonymous", "-role", "admin"},
			"not for -kind anonymous, which only names a visitor\n"},
		{[]string{"issue", config, "-name", "bob", "-kind", "bearer", "-same-site", "lax"},
			"not for -kind bearer\n"},
		{[]string{"issue", config, "-name", "bob", "-kind", "katana", "-auth-type", ".AspNet.X"},
			`-auth-type: ".AspNet.X" is the name of a cookie; the type is "X"`},
		{[]string{"inspect", config, "-auth-type", ".AspNet.X", "x"}, `the type is "X"`},
		{[]string{"doctor", config, "-auth-type", ".AspNet.X", "x"}, `the type is "X"`},
		{[]string{"check", "web.config"},
			`unexpected argument "web.config"; did you mean -config web.config?`},
		{[]string{"check", "."}, `unexpected argument "."; did you mean -keys .?`},
		{[]string{"keygen", "web.config"}, "unexpected argument \"web.config\"\n"},
		{[]string{"keys", "list", "redis://h"}, "did you mean -keys redis://h?"},
		{[]string{"inspect", config, "web.config"}, `"web.config" is no cookie; did you mean -config`},
		{[]string{"doctor", config, "web.config"}, `"web.config" is no cookie; did you mean -config`},
		{[]string{"inspect", "-config", "", "x"}, "-config is empty"},
		{[]string{"check", "-config", ""}, "-config is empty"},
		{[]string{"completion", "tcsh"}, `"tcsh" is not bash, zsh, fish or powershell`},
		{[]string{"keys", "lst"}, `"lst" is not list, new or revoke`},
		{[]string{"inspect", config, "fetch(\"https://app.example/\", {});"}, `take "Copy as cURL"`},
		{[]string{"doctor", config, "await fetch(\"https://app.example/\")"}, `take "Copy as cURL"`},
		{[]string{"inspect", config, "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession" +
			"\n$session.Cookies.Add((New-Object System.Net.Cookie(\"FedAuth\", \"77u/\", \"/\", \"a.example\")))" +
			"\nInvoke-WebRequest -Uri \"https://a.example/\""}, `take "Copy as cURL"`},
		{[]string{"issue", config, "-name", "bob", "-kind", "forms", "-property", "a=b"}, "-property"},
		{[]string{"issue", config, "-name", "bob", "-user-data", "x"}, "-kind forms"},
		{[]string{"issue", config, "-name", "bob", "-kind", "katana", "-property", "ab"}, "KEY=VALUE"},
		{[]string{"issue", config, "-name", "bob", "-kind", "katana", "-chunk-size", "9"}, "-chunk-size"},
		{[]string{"issue", config, "-name", "bob", "-kind", "katana", "-cert", "x.pem"}, "-cert"},
		{[]string{"keygen", "now"}, `unexpected argument "now"`},
		{[]string{"keygen", "-validation", "MD5"}, "-validation"},
		{[]string{"keygen", "-decryption", "3DES"}, "-decryption"},
		{[]string{"demo", "now"}, `unexpected argument "now"`},
	}
	for _, tt := range tests {
		r := tool(t, "", tt.args...)
		if r.code != exitUsage {
			t.Errorf("%q: exit code %d, want %d", tt.args, r.code, exitUsage)
		}
		if !strings.Contains(r.err, tt.want) {
			t.Errorf("%q: standard error is %q, want %q in it", tt.args, r.err, tt.want)
		}
		if r.out != "" {
			t.Errorf("%q: standard output is %q", tt.args, r.out)
		}
		if strings.Contains(r.err, "webfarm: webfarm") {
			t.Errorf("%q: standard error is untidy: %q", tt.args, r.err)
		}
	}
}

// TestFlagsAnywhere takes flags behind the cookie too.
func TestFlagsAnywhere(t *testing.T) {
	freshConfig(t)
	issued := tool(t, "", "issue", "-name", "bob", "-config", "web.config").want(t, exitOK)
	tool(t, issued.out, "inspect", "-", "-config", "web.config", "-json").want(t, exitOK)
}

// TestDashes takes flags with one dash and with two, and leaves values alone
// that look like flags.
func TestDashes(t *testing.T) {
	freshConfig(t)
	one := tool(t, "", "issue", "-config", "web.config", "-name", "-json", "-claim=email=-b",
		"-role", "--x", "-json").want(t, exitOK)
	two := tool(t, "", "issue", "--config", "web.config", "--name", "-json", "--claim=email=-b",
		"--role", "--x", "--json").want(t, exitOK)
	for _, r := range []result{one, two} {
		var issued struct {
			CookieHeader string `json:"cookieHeader"`
		}
		if err := json.Unmarshal([]byte(r.out), &issued); err != nil || issued.CookieHeader == "" {
			t.Fatal(err, r.out)
		}
		shown := tool(t, "", "inspect", "-config=web.config", "--",
			issued.CookieHeader).want(t, exitOK)
		for _, value := range []string{" -json\n", " -b\n", " --x\n"} {
			if !strings.Contains(shown.out, value) {
				t.Errorf("%q is not in %s", value, shown.out)
			}
		}
	}
}

// TestCompletion has a script for each shell, and completes flags with the
// dashes that the user types.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := tool(t, "", "completion", shell).want(t,
			exitOK); !strings.Contains(r.out, "webfarm") {
			t.Errorf("the script for %s: %q", shell, r.out)
		}
	}
	for _, test := range []struct {
		args []string
		want string // a line of the answer begins with it
	}{
		{[]string{"ins"}, "inspect\topen the credentials"},
		{[]string{"inspect", "-conf"}, "-config\tweb.config"},
		{[]string{"inspect", "--conf"}, "--config\tweb.config"},
		{[]string{"inspect", "-config", "web.config", "-"}, "-kind\t"},
	} {
		r := tool(t, "", append([]string{"__complete"}, test.args...)...).want(t, exitOK)
		if !strings.HasPrefix(r.out, test.want) && !strings.Contains(r.out, "\n"+test.want) {
			t.Errorf("%q: no line begins with %q:\n%s", test.args, test.want, r.out)
		}
	}
}
