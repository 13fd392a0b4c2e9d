package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestMessagesNameFlags reads the texts of the packages, and wants a flag in place of each Go name
// that the flags of the command set.
func TestMessagesNameFlags(t *testing.T) {
	fields := regexp.MustCompile(`SiteOptions\.\w+|RingOptions\.(Certificates|ApplicationName|Decrypt)|` +
		`\bAllow(Insecure|KnownKey|WeakKey)\b|SessionsOptions\.MaxLifetime|MaxNoteBytes|SessionOptions\.WIF10|LoadSiteFS of`)
	// The command cannot cause these: it never sets the fields, or the text is no message.
	never := regexp.MustCompile(`SiteOptions\.(Sessions\.)?%s|without a Kind|a site of LoadSite|RingOptions.Decrypt: $`)
	found := 0
	for _, folder := range []string{"cookie", "machinekey", "sessiontoken", "dataprotection",
		"internal/site", "internal/webconfig"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatal(folder, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil,
				parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, _ := strconv.Unquote(literal.Value)
				if !fields.MatchString(text) || never.MatchString(text) {
					return true
				}
				found++
				if left := fields.FindString(inFlags(text)); left != "" {
					t.Errorf("%s: %s is left in %q", path, left, inFlags(text))
				}
				return true
			})
		}
	}
	if found < 12 {
		t.Errorf("%d texts found", found)
	}
}

// TestLogNamesFlags has the log of serve name flags too.
func TestLogNamesFlags(t *testing.T) {
	var b strings.Builder
	for _, format := range []string{"text", "json"} {
		logger, err := (&serve{format: format}).logger(streams{err: &b})
		if err != nil {
			t.Fatal(err)
		}
		logger.Error("or AllowWeakKey", slog.Any("error",
			usageError("see SiteOptions.Credentials")))
	}
	if text := b.String(); strings.Contains(text, "Allow") ||
		strings.Count(text, "or -allow-weak-key") != 2 ||
		strings.Count(text, "see -credential") != 2 {
		t.Error(text)
	}
}

// TestFlagTexts has help/flags.txt explain each flag, and nothing else.
func TestFlagTexts(t *testing.T) {
	used := map[string]bool{}
	for _, c := range commands() {
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.flags(flags)
		flags.VisitAll(func(f *pflag.Flag) {
			used[f.Usage] = true
			if f.Usage == "" {
				t.Errorf("%s: -%s has no text", c.name, f.Name)
			}
		})
		for name := range flagTexts["flags/"+c.name] {
			if flagTexts["flags"][name] == nil && flags.Lookup(name) == nil {
				t.Errorf("%s has a text for -%s, which is no flag", c.name, name)
			}
		}
	}
	for name := range flagTexts["flags"] {
		if !used[flagTexts["flags"].Text(name)] {
			t.Errorf("no subcommand uses the text for -%s", name)
		}
	}
}
