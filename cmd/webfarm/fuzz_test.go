package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzInspect pastes anything into inspect: it never panics, the exit code is
// one of the three, people get text that is safe for a terminal, and machines
// get JSON that agrees with the exit code.
func FuzzInspect(f *testing.F) {
	vectors := readVectors(f, "sessiontoken_negative.json")
	seeds := 0
	for _, v := range vectors.Vectors {
		if header := v.header(); len(header) < 8000 {
			f.Add(header)
			seeds++
		}
	}
	for _, text := range []string{"", "=", ";", "Cookie:", "Set-Cookie: =", "FedAuth",
		"FedAuth=;FedAuth1", "\x00\xff", "> < > Cookie: \x1b[2J=1", "curl $'\\u0021' -b a=b -H \"Cookie",
		"curl.exe ^\"x^\" ^\r\n -b ^\"FedAuth=^\\^\"^\" --"} {
		f.Add(text)
	}
	var forms struct{ Vectors []formsVector }
	read(f, "formsauth.json", &forms)
	var katana katanaFile
	read(f, "owin.json", &katana)
	for _, v := range forms.Vectors[:min(20, len(forms.Vectors))] {
		f.Add(".ASPXAUTH=" + v.Cookie)
		f.Add(".ASPXROLES=" + v.Cookie + "; .ASPXANONYMOUS=" + v.Cookie)
		seeds += 2
	}
	for _, v := range katana.State {
		f.Add(*v.Text)
		seeds++
	}
	for _, v := range katana.Vectors[:min(20, len(katana.Vectors))] {
		f.Add(".AspNet.ApplicationCookie=chunks:2; .AspNet.ApplicationCookieC1=" + *v.Text +
			"; .AspNet.ApplicationCookieC2=")
		f.Add("Authorization: Bearer " + *v.Text)
		f.Add("GET /(A(x)F(" + *v.Text + "))/ HTTP/1.1")
		seeds += 2
	}
	if seeds < 133 {
		f.Fatalf("%d seeds", seeds)
	}
	path := filepath.Join(f.TempDir(), "web.config")
	if err := os.WriteFile(path, []byte(vectors.config(f, vectors.named(f, "control"))),
		0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, flags := range [][]string{nil, {"-kind", "state", "-class", "google"},
			{"-purpose", "a", "-forms-roles", ","}} {
			fuzzInspect(t, text, append([]string{"-config", path}, flags...)...)
		}
	})
}

// fuzzInspect pastes a text into inspect, for people and for machines.
func fuzzInspect(t *testing.T, text string, flags ...string) {
	inspect := func(args ...string) (int, string) {
		var out, errOut bytes.Buffer
		args = slices.Concat([]string{"inspect", "-at", "2025-01-01"}, flags, args)
		return run(context.Background(), args, strings.NewReader(text), &out, &errOut), out.String()
	}
	code, people := inspect("-")
	again, machines := inspect("-json", "-")
	if code != again || code < exitOK || code > exitUsage {
		t.Fatalf("exit codes %d and %d", code, again)
	}
	if code == exitUsage {
		return
	}
	for _, r := range people {
		if r != '\n' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			t.Fatalf("unprintable %q for the terminal", r)
		}
	}
	var report inspectReport
	if err := json.Unmarshal([]byte(machines), &report); err != nil {
		t.Fatal(err)
	}
	all := true
	for _, c := range report.Credentials {
		if all = all && c.OK; c.OK != (c.Refused == nil) {
			t.Fatalf("ok %v, refused %v", c.OK, c.Refused)
		}
	}
	if report.OK != (code == exitOK) || report.OK != all || len(report.Credentials) == 0 {
		t.Fatalf("exit code %d, ok %v, %d credentials", code, report.OK, len(report.Credentials))
	}
}
