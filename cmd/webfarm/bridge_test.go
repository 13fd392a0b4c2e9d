package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestServeBridge carries a user of ASP.NET Core to forms authentication, with
// roles, and back; and one way only.
func TestServeBridge(t *testing.T) {
	formsConfig(t, `timeout="30"`)
	ring := t.TempDir()
	if err := os.WriteFile(filepath.Join(ring, "key-1.xml"),
		[]byte(testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64))), 0o600); err != nil {
		t.Fatal(err)
	}
	var made struct {
		CookieHeader string `json:"cookieHeader"`
	}
	r := tool(t, "", "issue", "-kind", "core", "-name", "zoe", "-role", "Sales", "-role", "Staff",
		"-json", "-keys", ring, "-app", "Shop").want(t, exitOK)
	if err := json.Unmarshal([]byte(r.out), &made); err != nil {
		t.Fatal(err)
	}
	flags := []string{"-keys", ring, "-app", "Shop", "-scheme", "Cookies", "-forms-roles", "|"}
	s := startServe(t, append(flags, "-bridge", "both")...)
	resp, _ := s.get(s.public+"/auth?role=Staff", "Cookie", made.CookieHeader)
	cookies := resp.Header.Get("Cookie")
	if resp.StatusCode != 200 || !strings.Contains(cookies, ".ASPXAUTH=") ||
		len(resp.Cookies()) != 2 {
		t.Fatalf("%s, cookies %d, %d set", resp.Status, len(cookies), len(resp.Cookies()))
	}
	for pair := range strings.SplitSeq(cookies, "; ") {
		if !strings.HasPrefix(pair, ".ASPXAUTH=") {
			continue
		}
		resp, _ := s.get(s.public+"/auth?role=Staff", "Cookie", pair)
		if resp.StatusCode != 200 || resp.Header.Get("X-Webfarm-User") != "zoe" ||
			resp.Header.Get("X-Webfarm-Roles") != "Sales,Staff" {
			t.Errorf("by the forms ticket: %s, %v", resp.Status, resp.Header)
		}
	}
	one := startServe(t, append(flags, "-bridge", ".ASPXAUTH")...)
	if resp, _ := one.get(one.public+"/auth", "Cookie",
		made.CookieHeader); resp.StatusCode != 200 || len(resp.Cookies()) != 0 {
		t.Errorf("one way: %s, %d set", resp.Status, len(resp.Cookies()))
	}
	tool(t, "", "serve", "-config=web.config", "-bridge", "both").want(t, exitUsage)
	tool(t, "", append([]string{"serve", "-config=web.config", "-bridge", "FedAuth"},
		flags...)...).want(t, exitUsage)
}
