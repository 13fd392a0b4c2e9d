package main

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestCoreNamed names payloads without a key ring and without a web.config.
func TestCoreNamed(t *testing.T) {
	var file struct {
		Others struct {
			Session struct{ SetCookie string }
			Bearer  []struct{ Text string }
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	text := file.Others.Bearer[0].Text
	whole, _, _ := strings.Cut(file.Others.Session.SetCookie, ";")
	for _, tt := range []struct {
		text   string
		kind   kind
		scheme string
		facts  []string
	}{
		{whole, site.CoreSession, "", nil},
		{text, site.Protected, "", []string{"a ticket in a cookie"}},
		{"MyApp=" + text, site.Protected, "", []string{"a ticket in a cookie"}},
		{".AspNetCore.Identity.Application=" + text, site.Core, "Identity.Application", nil},
		{"Authorization: Bearer " + text, site.CoreBearer, "BearerToken", nil},
		{".AspNet.SharedCookie=" + text, site.Protected, "", []string{"a ticket in a cookie"}},
		{".AspNetCore.Mvc.CookieTempDataProvider=" + text, site.Protected, "",
			[]string{"data of an application"}},
	} {
		code, c := inspectCore(t, nil, tt.text)
		if code != exitRefused || c.Kind != tt.kind || c.Scheme != tt.scheme ||
			c.Refused.Layer != "key-ring" {
			t.Fatalf("%.30s: %s, scheme %q, %+v", tt.text, c.Kind, c.Scheme, c.Refused)
		}
		facts := fmt.Sprint(c.Layers[1].Facts)
		const key = "8dc0a8b0-b7f6-4617-8418-a3eb1ceccd1a"
		for _, want := range append(tt.facts, key, "magic number 4") {
			if !strings.Contains(facts, want) {
				t.Errorf("%.30s: %q is not in %s", tt.text, want, facts)
			}
		}
	}
	for _, text := range []string{"FedAuth=77u/PD94bWwg", "hello", ".AspNetCore.Correlation.x=N"} {
		r := tool(t, text, "inspect", "-").want(t, exitUsage)
		if !strings.Contains(r.err, "-config is missing") {
			t.Errorf("%s: %s", text, r.err)
		}
	}
}

// TestCoreRefused names the fault of a key: it is not in the ring, revoked, encrypted.
func TestCoreRefused(t *testing.T) {
	rings := coreRings(t)
	var file struct{ Vectors []payloadVector }
	testkit.JSON(t, "dataprotection.json", &file)
	at := func(ring string) string {
		i := slices.IndexFunc(file.Vectors, func(v payloadVector) bool { return v.Ring == ring })
		return file.Vectors[i].Protected
	}
	t.Chdir(t.TempDir())
	revoked := *rings["AES_256_GCM"]
	revoked.Elements = append(slices.Clip(revoked.Elements),
		`<revocation version="1"><revocationDate>2026-01-01T00:00:00Z</revocationDate>`+
			`<key id="8dc0a8b0-b7f6-4617-8418-a3eb1ceccd1a"/></revocation>`)
	encrypted := *rings["x509-gcm"]
	encrypted.Certificates = nil
	for _, tt := range []struct {
		ring       *ringVector
		text, want string
	}{
		{rings["AES_256_GCM"], at("AES_128_GCM"), "not in this ring"},
		{&revoked, at("AES_256_GCM"), "was revoked"},
		{&encrypted, at("x509-gcm"), "cannot be used here"},
		{rings["AES_256_GCM"], "09f0c9f1" + strings.Repeat("00", 60), "A version of Data"},
		{rings["AES_256_GCM"], at("AES_256_GCM"), "for this use"},
	} {
		args := append(tt.ring.flags(t, "other"), "-purpose", "x")
		code, c := inspectCore(t, nil, tt.text, args...)
		if code != exitRefused || !strings.Contains(c.Refused.Meaning, tt.want) ||
			len(c.Refused.Reasons) == 0 {
			t.Errorf("want %q: %+v", tt.want, c.Refused)
		}
	}
}

// TestCoreChunks joins both forms of a cookie in chunks, and says which is Katana's.
func TestCoreChunks(t *testing.T) {
	var file struct {
		Tickets []struct{ Ring, ApplicationName, Text string }
	}
	testkit.JSON(t, "aspnetcore_tickets.json", &file)
	v := file.Tickets[0]
	ring := coreRings(t)[v.Ring]
	t.Chdir(t.TempDir())
	third := len(v.Text) / 3
	for marker, shared := range map[string]bool{"chunks-3": false, "chunks:3": true} {
		const name = ".AspNet.SharedCookie"
		text := fmt.Sprintf("a=b; %s=%s; %[1]sC1=%[3]s; %[1]sC2=%[4]s; %[1]sC3=%[5]s", name, marker,
			v.Text[:third], v.Text[third:2*third], v.Text[2*third:])
		args := append(ring.flags(t, v.ApplicationName), "-allow-insecure")
		_, c := inspectCore(t, ring, text, args...)
		if c.Cookie.Announced != 3 || c.Cookie.Joined != 4 || c.Core == nil ||
			strings.Contains(fmt.Sprint(c.Cookie.Problems), "chunks:N") != shared {
			t.Errorf("%s: %+v, refused %+v", marker, c.Cookie, c.Refused)
		}
	}
	// On a cookie that is not shared, the marker is a text like any other.
	text := ".AspNetCore.Cookies=chunks:1; .AspNetCore.CookiesC1=" + v.Text
	code, c := inspectCore(t, ring, text, ring.flags(t, v.ApplicationName)...)
	if code != exitRefused || c.Refused.Layer != "text" ||
		!strings.Contains(c.Refused.Reasons[1], "Katana") {
		t.Errorf("%+v", c.Refused)
	}
}

// TestCoreTranscripts compares what people see.
func TestCoreTranscripts(t *testing.T) {
	folder := here(t)
	rings := coreRings(t)
	var file struct {
		Sites []struct {
			Steps []struct{ Name, Now, Cookie string }
		}
		Others struct {
			Antiforgery struct{ RequestToken string }
			Bearer      []struct{ Text string }
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	step := file.Sites[0].Steps[1]
	t.Chdir(t.TempDir())
	show := func(name string, code int, text string, args ...string) {
		t.Helper()
		r := tool(t, text, append([]string{"inspect", "-"}, args...)...).want(t, code)
		golden(t, folder, "inspect-core-"+name+".txt", r.out)
	}
	ring := rings["AES_256_CBC-HMACSHA256"]
	at := []string{"-at", step.Now}
	show("cookie", exitOK, step.Cookie, append(ring.flags(t, "SharedCookieApp"), at...)...)
	show("application", exitRefused, step.Cookie, append(ring.flags(t, "Other"), at...)...)
	show("named", exitRefused, file.Others.Bearer[0].Text)
	show("antiforgery", exitOK, file.Others.Antiforgery.RequestToken,
		append(rings["AES_256_GCM"].flags(t, "SharedCookieApp"), "-at", step.Now)...)
}

// TestCorePage shows users the parts of their cookies, and neither the key of their session nor
// what an application has protected.
func TestCorePage(t *testing.T) {
	var file struct {
		Others struct {
			Bearer               []struct{ Text string }
			Session, Antiforgery struct{ SetCookie, PlaintextUTF8, Plaintext string }
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	ring := coreRings(t)["AES_256_GCM"]
	t.Chdir(t.TempDir())
	ring.flags(t, "")
	var c inspect
	c.keys.keys, c.keys.app = "ring.xml", "SharedCookieApp"
	c.given = func(string) bool { return false }
	farm, files, err := c.farm(t.Context(), nil, time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	o := file.Others
	r := httptest.NewRequest("GET", "/inspect", nil)
	r.Header.Set("Authorization", "Bearer "+o.Bearer[0].Text)
	for _, line := range []string{o.Session.SetCookie, o.Antiforgery.SetCookie} {
		pair, _, _ := strings.Cut(line, ";")
		r.Header["Cookie"] = append(r.Header["Cookie"], pair)
	}
	list, err := farm.inspectRequest(r, files)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d credentials, %v", len(list), err)
	}
	w := httptest.NewRecorder()
	if err := writeAnatomy(w, anatomyData{Where: "test", Credentials: list}); err != nil {
		t.Fatal(err)
	}
	page := w.Body.String()
	for _, want := range []string{
		".AspNetCore.Session", ".AspNetCore.Antiforgery", "Key ring", "Session key", "Antiforgery token",
		"36 bytes, not shown", "nonce 12", "Identity.Bearer", "bob", "It ends in 30m.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, secret := range []string{
		o.Session.PlaintextUTF8, o.Antiforgery.Plaintext[2:34], o.Bearer[0].Text[:40],
	} {
		if strings.Contains(page, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	ring.secret(t, page)
}
