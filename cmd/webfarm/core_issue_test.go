package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/site"
)

// TestIssueCore issues for a key ring alone what inspect opens.
func TestIssueCore(t *testing.T) {
	ring := coreRings(t)["AES_256_CBC-HMACSHA256"]
	t.Chdir(t.TempDir())
	flags := ring.flags(t, "Shop")
	issue := func(args ...string) *issueReport {
		t.Helper()
		r := new(issueReport)
		who := []string{"issue", "-json", "-name", "zoe", "-role", "admin"}
		tool(t, "", slices.Concat(who, flags, args)...).want(t, exitOK).decode(t, r)
		return r
	}
	for _, tt := range []struct {
		args           []string
		kind           kind
		scheme, cookie string
	}{
		{nil, site.Core, "Cookies", ".AspNetCore.Cookies"},
		{[]string{"-kind", "core", "-scheme", "Identity.Application"}, site.Core,
			"Identity.Application", ".AspNetCore.Identity.Application"},
		{[]string{"-scheme", "Identity.Application", "-cookie", ".AspNet.SharedCookie",
			"-domain", ".example.com", "-persistent"}, site.Core,
			"Identity.Application", ".AspNet.SharedCookie"},
		{[]string{"-chunk-size", "300"}, site.Core, "Cookies", ".AspNetCore.Cookies"},
		{[]string{"-kind", "bearer"}, site.CoreBearer, "BearerToken", ""},
		{[]string{"-kind", "corerefresh", "-scheme", "Identity.Bearer"}, site.CoreRefresh,
			"Identity.Bearer", ""},
	} {
		made := issue(tt.args...)
		if made.Kind != tt.kind || made.KeyID != "b8f447c4-52ec-45d4-8336-721cbd3a4c7a" {
			t.Errorf("%q: %s by key %s", tt.args, made.Kind, made.KeyID)
		}
		text := made.Header + made.Value
		if made.Authorization != "" {
			text = "Authorization: " + made.Authorization
		}
		code, c := inspectCore(t, ring, text, append(flags, "-scheme", tt.scheme)...)
		if code != exitOK || c.Kind != tt.kind || c.Scheme != tt.scheme {
			t.Fatalf("%q: %+v", tt.args, c)
		}
		if tt.cookie != "" && c.Cookie.Name != tt.cookie {
			t.Errorf("%q: cookie %s", tt.args, c.Cookie.Name)
		}
		id := c.Core.Identities[0]
		if id.Name != "zoe" || id.AuthenticationType != tt.scheme || id.Claims[1].Value != "admin" {
			t.Errorf("%q: %+v", tt.args, id)
		}
		persistent := slices.Contains(tt.args, "-persistent")
		if c.Core.Persistent != persistent ||
			persistent && !strings.Contains(made.SetCookie[0], "Expires=") {
			t.Errorf("%q: persistent %v, %s", tt.args, c.Core.Persistent, made.SetCookie)
		}
	}
	made := issue("-credential", "core,MaxAge=90m")
	if !strings.Contains(made.SetCookie[0], "Max-Age=5400") {
		t.Errorf("%s, want the MaxAge of the credential", made.SetCookie)
	}
	made = issue("-chunk-size", "300")
	if !strings.HasPrefix(made.Header, ".AspNetCore.Cookies=chunks-") {
		t.Errorf("chunks: %s", made.Header)
	}
	for want, args := range map[string][]string{
		"-kind core needs -keys": {"-kind", "core"},
		"-config is missing":     {},
		"go with -keys":          {"-config", "web.config", "-app", "x"},
		"-scheme goes with":      append([]string{"-kind", "forms", "-scheme", "x"}, flags...),
		"ASP.NET Core, 200":      append([]string{"-chunk-size", "100"}, flags...),
	} {
		args = append([]string{"issue", "-name", "zoe"}, args...)
		if r := tool(t, "", args...).want(t, exitUsage); !strings.Contains(r.err, want) {
			t.Errorf("%q: %s", args, r.err)
		}
	}
}
