package main

import (
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// curlHeaders returns the Cookie and Authorization headers that a curl command sends, as the tools
// of browsers copy it for bash or cmd. It reports false for other text.
func curlHeaders(text string) (cookies, authorization []string, ok bool) {
	words := shellWords(text)
	if len(words) == 0 || strings.TrimSuffix(words[0], ".exe") != "curl" {
		return nil, nil, false
	}
	flags := pflag.NewFlagSet("curl", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.ParseErrorsAllowlist.UnknownFlags = true
	headers := flags.StringArrayP("header", "H", nil, "")
	pairs := flags.StringArrayP("cookie", "b", nil, "")
	_ = flags.Parse(words[1:]) // the body of a request, which comes last, may look like a flag
	for _, p := range *pairs {
		if strings.Contains(p, "=") { // else it is the name of a file
			*headers = append(*headers, "Cookie: "+p)
		}
	}
	return headerLines(*headers, "Cookie:"), headerLines(*headers, "Authorization:"), true
}

var (
	curlForCmd = regexp.MustCompile(`^\s*curl(\.exe)?\s+\^?"`)
	caret      = regexp.MustCompile(`\^(\r?\n|.)`)
	// shellPiece is a part of a command line: white space, a line that goes on, a quoted part, or one
	// character.
	shellPiece = regexp.MustCompile(
		`(?s)\s+|\\\r?\n|\$'(?:[^'\\]|\\.)*'|'[^']*'|"(?:[^"\\]|\\.)*"|\\?.`)
	backslash = regexp.MustCompile("\\\\([\\\\\"$`])")
)

// shellWords splits a command line as bash does, or, if its first argument is in double quotes, as
// cmd does.
func shellWords(text string) (words []string) {
	if curlForCmd.MatchString(text) {
		text = caret.ReplaceAllString(text, "$1")
	}
	inWord := false
	for _, piece := range shellPiece.FindAllString(text, -1) {
		switch {
		case strings.TrimSpace(piece) == "":
			inWord = false
			continue
		case strings.HasSuffix(piece, "\n") && piece[0] == '\\':
			continue
		case len(piece) > 2 && piece[0] == '$':
			piece = unescaped(piece[2 : len(piece)-1])
		case len(piece) > 1 && piece[0] == '\'':
			piece = piece[1 : len(piece)-1]
		case len(piece) > 1 && piece[0] == '"':
			piece = backslash.ReplaceAllString(piece[1:len(piece)-1], "$1")
		case len(piece) > 1:
			piece = piece[1:]
		}
		if !inWord {
			words = append(words, "")
		}
		words[len(words)-1] += piece
		inWord = true
	}
	return words
}

// unescaped reads what stands in $'…', whose escapes are also those of Go but for the quotes.
func unescaped(text string) string {
	quoted := strings.NewReplacer(`\\`, `\\`, `\'`, `'`, `"`, `\"`).Replace(text)
	if plain, err := strconv.Unquote(`"` + quoted + `"`); err == nil {
		return plain
	}
	return text
}
