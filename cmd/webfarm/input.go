package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/site"
)

// maxInput bounds standard input, in bytes. net/http takes less for all headers of a request.
const maxInput = 2 << 20

// pasted is the input of inspect: headers of a request, or the bare text of one credential.
type pasted struct {
	request *http.Request // with Cookie and Authorization; nil for bare text
	text    string        // the bare text
}

// readInput returns the argument, or standard input for "-" and without an argument.
func (c *configFlags) readInput(args []string, s streams) (string, error) {
	if len(args) > 1 {
		return "", usageError("more than one argument: put the Cookie header in quotes")
	}
	if len(args) == 1 && args[0] != "-" {
		if named := flagFor(args[0], "config"); named != "" {
			return "", usageError(fmt.Sprintf("%q is no cookie%s", args[0], named))
		}
		return args[0], nil
	}
	if c.texts[standardInput] != nil {
		return "",
			usageError("standard input is the web.config of -config: give the cookie in quotes")
	}
	if len(args) == 0 && isTerminal(s.in) {
		return "",
			usageError("the cookie is missing: give it in quotes, or - to read it from standard input")
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

// parseInput recognises the input: the Cookie and Authorization lines of a request or of a curl
// command, the Set-Cookie lines of a response, a URL with cookieless tickets, a Cookie header
// without its name, or the bare text of a credential. A line may begin with one of the cookie names.
func parseInput(text string, names []string) (pasted, error) {
	if strings.TrimSpace(text) == "" {
		return pasted{}, usageError("the cookie is empty")
	}
	script := strings.TrimPrefix(strings.TrimSpace(text), "await ")
	if strings.Contains(script, "Invoke-WebRequest") || strings.HasPrefix(script, "fetch(") {
		return pasted{}, usageError("this is \"Copy as PowerShell\" or \"Copy as fetch\": " +
			"take \"Copy as cURL\", or the Cookie line of the request")
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimPrefix(strings.TrimSpace(line), "> ") // as curl -v prints them
		lines[i] = strings.TrimPrefix(line, "< ")
	}
	cookies, authorization := headerLines(lines, "Cookie:"), headerLines(lines, "Authorization:")
	isCurl := false
	if strings.HasPrefix(strings.TrimSpace(text), "curl") {
		cookies, authorization, isCurl = curlHeaders(text)
	}
	if address := doctor.Cookieless(text); cookies != nil || authorization != nil ||
		address != "" || isCurl {
		p := fromHeaders(cookies, authorization)
		p.request.RequestURI = address
		return p, nil
	}
	if header := headerLines(lines, "Set-Cookie:"); header != nil {
		return fromHeaders(setCookiePairs(header), nil), nil
	}
	whole := joinLines(lines, names)
	if len(whole) > 7 && strings.EqualFold(whole[:7], "Bearer ") {
		return fromHeaders(nil, []string{whole}), nil
	}
	if isBare(whole, names) || strings.HasPrefix(whole, "<") {
		return pasted{text: whole}, nil
	}
	return fromHeaders([]string{whole}, nil), nil
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

// setCookiePairs returns the Cookie header that answers these Set-Cookie headers, without deleted
// cookies.
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

// joinLines joins a long line that a mail program broke, and separates cookies that stand on lines
// of their own. Of the output of issue it leaves out the comments and the curl command.
func joinLines(lines, names []string) string {
	var b strings.Builder
	for _, line := range lines {
		if strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "curl ") {
			continue
		}
		if b.Len() > 0 && startsPair(line, names) {
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// startsPair reports whether line begins with name= or a numbered name1=, for one of the names, or
// with the name of a cookie of Katana or ASP.NET Core.
func startsPair(line string, names []string) bool {
	if strings.HasPrefix(line, site.KatanaPrefix) || strings.HasPrefix(line, site.CorePrefix) {
		return strings.Contains(line, "=")
	}
	for _, name := range names {
		if len(line) < len(name) || !strings.EqualFold(line[:len(name)], name) {
			continue
		}
		rest := strings.TrimPrefix(line[len(name):], "C") // a chunk of Katana under another name
		if strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), "=") {
			return true
		}
	}
	return false
}

// isBare reports whether text is a value without a name: it has equals signs only at its end.
func isBare(text string, names []string) bool {
	return !startsPair(text, names) && !strings.Contains(text, ";") &&
		!strings.Contains(strings.TrimRight(text, "="), "=")
}

func fromHeaders(cookies, authorization []string) pasted {
	header := http.Header{"Cookie": cookies, "Authorization": authorization}
	return pasted{request: &http.Request{Header: header}}
}
