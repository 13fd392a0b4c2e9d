package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

func TestIssueTranscript(t *testing.T) {
	folder := here(t)
	cfg := freshConfig(t)
	r := tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-role", "admin", "-domain",
		"app.example", "-claim", "tenant=7").want(t, exitOK)
	golden(t, folder, "issue.txt", normalised(r.out))
	if want := "note: the claim type \"tenant\" is neither a URI nor a short name"; !strings.Contains(r.err, want) {
		t.Errorf("standard error %q, want %q in it", r.err, want)
	}
	noSecrets(t, cfg, r.out+r.err)
}

// TestIssueInspect reads back what was issued.
func TestIssueInspect(t *testing.T) {
	cfg := freshConfig(t)
	args := []string{"issue", "-config", "web.config", "-name", "bob", "-role", "admin",
		"-role", "sales", "-claim", "Email=bob@app.example", "-claim", "urn:x:y=a=b", "-auth-type",
		"Test", "-lifetime", "14d", "-path", "/shop/",
		"-cookie", "Site", "-persistent"}
	var issued issueReport
	r := tool(t, "", append(args, "-json")...).want(t, exitOK)
	r.decode(t, &issued)
	noSecrets(t, cfg, r.out+r.err)
	if life := issued.ValidTo.Sub(issued.ValidFrom); life != 14*day {
		t.Errorf("lifetime %v", life)
	}
	for _, line := range issued.SetCookie {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if c.Path != "/shop/" || !c.Secure || !c.HttpOnly ||
			c.Expires.Unix() != issued.ValidTo.Unix() {
			t.Errorf("Set-Cookie: %s", line)
		}
	}
	if want := "curl -H 'Cookie: " + issued.Header +
		"' 'https://your-site.example/shop/'"; issued.Curl != want {
		t.Errorf("curl command %q", issued.Curl)
	}

	var seen inspectReport
	tool(t, "", "inspect", "-config", "web.config", "-name", "Site", "-path", "/shop/", "-json",
		issued.Header).want(t, exitOK).decode(t, &seen)
	id := seen.Credentials[0].Token.Identities[0]
	if id.Name != "bob" || id.AuthenticationType != "Test" ||
		!seen.Credentials[0].Token.Persistent || seen.Credentials[0].Token.EndpointID != "/shop/" ||
		seen.Configs[0].KeyID != issued.KeyID {
		t.Errorf("the token says %+v", seen.Credentials[0].Token)
	}
	var claims []string
	for _, c := range id.Claims {
		claims = append(claims, c.Type+"="+c.Value)
	}
	want := []string{
		sessiontoken.ClaimTypeName + "=bob", sessiontoken.ClaimTypeRole + "=admin",
		sessiontoken.ClaimTypeRole + "=sales",
		sessiontoken.ClaimTypeEmail + "=bob@app.example", "urn:x:y=a=b",
	}
	if !slices.Equal(claims, want) {
		t.Errorf("claims %q, want %q", claims, want)
	}
	tool(t, "", "inspect", "-config", "web.config", "-name", "Site", "-path", "/",
		issued.Header).want(t, exitRefused)
}

// TestIssueChunks cuts a large session, and prints nothing if it is too large.
func TestIssueChunks(t *testing.T) {
	freshConfig(t)
	var roles []string
	for _, u := range demoUsers() {
		for i := range 300 {
			roles = append(roles, "-role", fmt.Sprintf("%s %x", u.ID, i*i*i*7919))
		}
	}
	args := append([]string{"issue", "-config", "web.config", "-name", "bob"}, roles...)
	for _, size := range []int{1000, 2000, 4000} {
		var issued issueReport
		tool(t, "", append(args, "-json", "-chunk-size", fmt.Sprint(size))...).want(t,
			exitOK).decode(t, &issued)
		for i, c := range issued.Cookies {
			if last := i == len(issued.Cookies)-1; c.Size > size || !last && c.Size != size {
				t.Errorf("chunk %d of %d has %d characters, not %d", i,
					len(issued.Cookies), c.Size, size)
			}
		}
		if len(issued.Cookies) < 2 || len(issued.SetCookie) != len(issued.Cookies) {
			t.Errorf("%d cookies, %d lines", len(issued.Cookies), len(issued.SetCookie))
		}
		if len(issued.Header) > largeHeader && len(issued.Notes) == 0 {
			t.Error("nothing is said about the size")
		}
		tool(t, "", "inspect", "-config", "web.config", issued.Header).want(t, exitOK)
	}
	long := tool(t, "", append(args, "-claim", "urn:long="+hardToCompress(120_000))...).want(t,
		exitRefused)
	if long.out != "" || !strings.Contains(long.err, "nothing was issued") {
		t.Errorf("stdout %.100q, stderr %q", long.out, long.err)
	}
	name := tool(t, "", append(args, "-chunk-size", "4096")...).want(t, exitRefused) // the name no longer fits
	if name.out != "" {
		t.Errorf("stdout %.100q", name.out)
	}
}

// hardToCompress returns n letters without much order.
func hardToCompress(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>24)%26
	}
	return string(b)
}

func TestShortClaims(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range shortClaims {
		uri, known := claimURI(strings.ToUpper(c.short))
		if uri != c.uri || !known || claimName(c.uri) != c.short || seen[c.short] || seen[c.uri] {
			t.Errorf("%s: %s, %v, %s", c.short, uri, known, claimName(c.uri))
		}
		seen[c.short], seen[c.uri] = true, true
	}
}

// TestIssuePipe wants inspect to read what issue prints, for every kind.
func TestIssuePipe(t *testing.T) {
	freshConfig(t)
	ring := coreRings(t)["AES_256_CBC-HMACSHA256"].flags(t, "Shop")
	for _, k := range issueKinds {
		from := []string{"-config", "web.config"}
		if k.IsCore() {
			from = ring
		}
		from = append(slices.Clone(from), "-kind", string(k))
		issued := tool(t, "", append([]string{"issue", "-name", "bob"}, from...)...).want(t, exitOK)
		r := tool(t, issued.out, append(append([]string{"inspect"}, from...), "-")...)
		if r.code != exitOK || !strings.Contains(r.out, "bob") {
			t.Errorf("%s: exit code %d, %s%s", string(k), r.code, r.out, r.err)
		}
	}
}
