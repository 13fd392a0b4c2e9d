package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/site"
)

// maxInput is the number of bytes that are read from standard input: more than
// net/http takes for all headers of a request.
const maxInput = 2 << 20

// pasted is what somebody gave to inspect: headers of a request or the bare
// text of one credential.
type pasted struct {
	request *http.Request // with Cookie and Authorization; nil for bare text
	text    string        // the bare text
}

// readInput returns the argument, or standard input for "-" and for no
// argument.
func readInput(args []string, s streams) (string, error) {
	if len(args) > 1 {
		return "", usageError("more than one argument: put the Cookie header in quotes")
	}
	if len(args) == 1 && args[0] != "-" {
		return args[0], nil
	}
	if f, ok := s.in.(*os.File); ok && len(args) == 0 {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return "", usageError("the cookie is missing: give it in quotes, or - to read it from standard input")
		}
	}
	data, err := io.ReadAll(io.LimitReader(s.in, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("webfarm: standard input: %w", err)
	}
	if len(data) > maxInput {
		return "", usageError(fmt.Sprintf("standard input is longer than %d bytes", maxInput))
	}
	return string(data), nil
}

// parseInput makes out what text is: the Cookie and Authorization lines of a
// request, the Set-Cookie lines of a response, a Cookie header without its
// name, or the bare text of a credential. The names are of cookies that
// may begin a line.
func parseInput(text string, names []string) (pasted, error) {
	if strings.TrimSpace(text) == "" {
		return pasted{}, usageError("the cookie is empty")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		line = strings.TrimPrefix(strings.TrimPrefix(line, "> "), "< ") // as curl -v prints them
		lines[i] = line
	}
	cookies, authorization := headerLines(lines, "Cookie:"), headerLines(lines, "Authorization:")
	if cookies != nil || authorization != nil {
		return pasted{request: &http.Request{Header: http.Header{"Cookie": cookies, "Authorization": authorization}}}, nil
	}
	if header := headerLines(lines, "Set-Cookie:"); header != nil {
		return fromHeader(setCookiePairs(header)), nil
	}
	whole := joinLines(lines, names)
	if len(whole) > 7 && strings.EqualFold(whole[:7], "Bearer ") {
		return pasted{request: &http.Request{Header: http.Header{"Authorization": {whole}}}}, nil
	}
	if isBare(whole, names) {
		return pasted{text: whole}, nil
	}
	return fromHeader([]string{whole}), nil
}

// headerLines returns the values of the lines that have this name.
func headerLines(lines []string, name string) []string {
	var values []string
	for _, line := range lines {
		if len(line) >= len(name) && strings.EqualFold(line[:len(name)], name) {
			values = append(values, strings.TrimSpace(line[len(name):]))
		}
	}
	return values
}

// setCookiePairs returns what a browser sends back after these Set-Cookie
// headers, deletions apart.
func setCookiePairs(headers []string) []string {
	var pairs []string
	for _, h := range headers {
		pair, _, _ := strings.Cut(h, ";")
		if _, value, _ := strings.Cut(pair, "="); value != "" {
			pairs = append(pairs, pair)
		}
	}
	return []string{strings.Join(pairs, "; ")}
}

// joinLines undoes the breaking of one long line, as mail programs do it, and
// sets cookies apart that stand on a line each. Lines
// that begin with # are comments, as issue prints them.
func joinLines(lines, names []string) string {
	var b strings.Builder
	for _, line := range lines {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		if b.Len() > 0 && startsPair(line, names) {
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// startsPair reports whether line begins with name=, name1= and so on, for one
// of the names, or with the name of one of Katana's cookies.
func startsPair(line string, names []string) bool {
	if strings.HasPrefix(line, site.KatanaPrefix) {
		return strings.Contains(line, "=")
	}
	for _, name := range names {
		if len(line) < len(name) || !strings.EqualFold(line[:len(name)], name) {
			continue
		}
		rest := line[len(name):]
		rest = strings.TrimPrefix(rest, "C") // a chunk of a cookie of Katana under another name
		if strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), "=") {
			return true
		}
	}
	return false
}

// isBare reports whether text is a value without a name: it has no equals sign
// but for the padding at its end.
func isBare(text string, names []string) bool {
	return !startsPair(text, names) && !strings.Contains(text, ";") &&
		!strings.Contains(strings.TrimRight(text, "="), "=")
}

func fromHeader(lines []string) pasted {
	return pasted{request: &http.Request{Header: http.Header{"Cookie": lines}}}
}

// names returns the names of the cookies in the header, for the case that the
// one looked for is not among them.
func (p pasted) names() []string {
	const enough = 20
	var names []string
	for pair := range doctor.Pairs(p.request) {
		name, _, _ := strings.Cut(pair, "=")
		if name != "" && len(name) <= 100 && len(names) < enough {
			names = append(names, name)
		}
	}
	return names
}
