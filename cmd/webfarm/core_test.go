package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/testvectors"
)

// ringVector is a key ring of dataprotection_keyring.json.
type ringVector struct {
	Name         string
	Elements     []string
	Certificates []struct{ CertificatePEM, PrivateKeyPEM string }
	Keys         []struct{ MasterKey []byte }
}

// coreRings are the rings by name.
func coreRings(t testing.TB) map[string]*ringVector {
	t.Helper()
	var file struct {
		Rings []struct {
			ringVector
			Keys []struct{ MasterKey *string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	rings := map[string]*ringVector{}
	for i := range file.Rings {
		r := &file.Rings[i]
		for _, k := range r.Keys {
			if k.MasterKey != nil {
				master, err := base64.StdEncoding.DecodeString(*k.MasterKey)
				if err != nil {
					t.Fatal(err)
				}
				r.ringVector.Keys = append(r.ringVector.Keys, struct{ MasterKey []byte }{master})
			}
		}
		rings[r.Name] = &r.ringVector
	}
	if len(rings) < 80 {
		t.Fatalf("%d rings", len(rings))
	}
	return rings
}

// flags writes the ring and its certificates to the working directory, and returns the flags for
// them.
func (r *ringVector) flags(t testing.TB, application string) []string {
	t.Helper()
	var doc strings.Builder
	doc.WriteString("<repository>")
	for _, e := range r.Elements {
		if _, rest, ok := strings.Cut(e, "?>"); ok && strings.HasPrefix(e, "<?xml") {
			e = rest
		}
		doc.WriteString(e)
	}
	doc.WriteString("</repository>")
	writeFile(t, "ring.xml", doc.String())
	args := []string{"-keys", "ring.xml"}
	if application != "" {
		args = append(args, "-app", application)
	}
	for i, c := range r.Certificates {
		if c.PrivateKeyPEM != "" {
			name := fmt.Sprintf("ring%d.pem", i)
			writeFile(t, name, c.CertificatePEM+"\n"+c.PrivateKeyPEM)
			args = append(args, "-certificate", name)
		}
	}
	return args
}

// secret fails the test if text holds a part of a master key.
func (r *ringVector) secret(t testing.TB, text string) {
	t.Helper()
	if len(r.Keys) == 0 {
		t.Fatal("no master key")
	}
	text = strings.ToLower(text)
	for _, k := range r.Keys {
		part := k.MasterKey[:min(15, len(k.MasterKey))]
		for _, s := range []string{hex.EncodeToString(part), base64.StdEncoding.EncodeToString(part), string(part)} {
			if strings.Contains(text, strings.ToLower(s)) {
				t.Error("the output holds a master key")
			}
		}
	}
}

// inspectCore runs inspect for people and for machines, and returns what machines get.
func inspectCore(t testing.TB, r *ringVector, text string, args ...string) (int, *credentialReport) {
	t.Helper()
	args = append([]string{"inspect"}, append(args, "-")...)
	people, machines := tool(t, text, args...), tool(t, text, append(args, "-json")...)
	if people.code != machines.code || people.err != "" {
		t.Fatalf("exit codes %d and %d: %s", people.code, machines.code, people.err)
	}
	var report inspectReport
	machines.decode(t, &report)
	if r != nil {
		r.secret(t, people.out+machines.out)
	}
	if len(report.Credentials) != 1 {
		t.Fatalf("%d credentials", len(report.Credentials))
	}
	c := &report.Credentials[0]
	if c.OK != (people.code == exitOK) || c.OK != (c.Refused == nil) {
		t.Errorf("exit code %d, ok %v", people.code, c.OK)
	}
	return people.code, c
}

// coreIdentity is an identity of a recorded ticket.
type coreIdentity struct {
	AuthenticationType, NameType, RoleType string
	Claims                                 []struct {
		Type, Value, ValueType, Issuer, OriginalIssuer string
		Properties                                     map[string]string
	}
	Actor *coreIdentity
}

type recordedTicket struct {
	Scheme     string
	Identities []coreIdentity
	Properties map[string]*string
}

// same compares a report with what .NET read.
func (want *coreIdentity) same(t *testing.T, got *identityReport) {
	t.Helper()
	if got.AuthenticationType != want.AuthenticationType || got.NameClaimType != want.NameType ||
		got.RoleClaimType != want.RoleType || len(got.Claims) != len(want.Claims) || (got.Actor == nil) != (want.Actor == nil) {
		t.Fatalf("identity %+v, want %+v", got, want)
	}
	for i, c := range want.Claims {
		g := got.Claims[i]
		if g.Type != c.Type || g.Value != c.Value && !g.Hidden || g.ValueType != c.ValueType ||
			g.Issuer != c.Issuer || g.OriginalIssuer != c.OriginalIssuer || len(g.Properties) != len(c.Properties) {
			t.Errorf("claim %+v, want %+v", g, c)
		}
	}
	if want.Actor != nil {
		want.Actor.same(t, got.Actor)
	}
}

// TestCoreTickets shows of every recorded ticket what .NET read.
func TestCoreTickets(t *testing.T) {
	var file struct {
		Tickets []struct {
			Name, Ring, ApplicationName, Text string
			Purposes                          []string
			Ticket                            recordedTicket
		}
		Texts []struct {
			Name, Ring, ApplicationName, Text, Result string
			Purposes                                  []string
		}
	}
	testkit.JSON(t, "aspnetcore_tickets.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	for _, v := range file.Tickets {
		ring := rings[v.Ring]
		args := append(ring.flags(t, v.ApplicationName), "-scheme", v.Purposes[1], "-at", "0001-01-01", "-allow-insecure")
		_, c := inspectCore(t, ring, v.Text, args...)
		if c.Kind != kindCore || c.Scheme != v.Purposes[1] || c.Core == nil {
			t.Fatalf("%s: %s, scheme %q, refused: %+v", v.Name, c.Kind, c.Scheme, c.Refused)
		}
		if c.Core.Scheme != v.Ticket.Scheme || len(c.Core.Identities) != len(v.Ticket.Identities) || len(c.Core.Properties) != len(v.Ticket.Properties) {
			t.Errorf("%s: %+v, want %+v", v.Name, c.Core, v.Ticket)
			continue
		}
		for i := range v.Ticket.Identities {
			v.Ticket.Identities[i].same(t, &c.Core.Identities[i])
		}
		for _, p := range c.Core.Properties {
			if want := v.Ticket.Properties[p.Name]; want == nil || *want != p.Value && !p.Hidden {
				t.Errorf("%s: property %q is %q", v.Name, p.Name, p.Value)
			}
		}
	}
	for _, v := range file.Texts {
		if v.Text == "" {
			continue // nothing was pasted
		}
		ring := rings[v.Ring]
		args := append(ring.flags(t, v.ApplicationName), "-kind", "core", "-scheme", v.Purposes[1],
			"-at", "2026-06-01", "-allow-insecure")
		code, c := inspectCore(t, ring, v.Text, args...)
		if (code == exitOK) != (v.Result == "ticket") {
			t.Errorf("%s: exit code %d, in .NET %s: %+v", v.Name, code, v.Result, c.Refused)
		}
	}
	if len(file.Tickets) < 80 || len(file.Texts) < 15 {
		t.Fatalf("%d tickets, %d texts", len(file.Tickets), len(file.Texts))
	}
}

// TestCoreSites judges every recorded request as the site's handler did, chunks and clock included.
func TestCoreSites(t *testing.T) {
	var file struct {
		Sites []struct {
			Name, Scheme, ApplicationName, Ring string
			Settings                            struct{ CookieName string }
			Steps                               []struct {
				Name, Op, Now string
				Cookie        *string
				Authenticated bool
			}
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	accepted, refused := 0, 0
	for _, site := range file.Sites {
		if site.Name == "odd-name" { // .NET itself cannot write it
			continue
		}
		args := append(rings[site.Ring].flags(t, site.ApplicationName), "-scheme", site.Scheme)
		if site.Settings.CookieName != "" {
			args = append(args, "-cookie", site.Settings.CookieName)
		}
		for _, step := range site.Steps {
			if step.Op != "whoami" || step.Cookie == nil {
				continue
			}
			code, c := inspectCore(t, nil, "Cookie: "+*step.Cookie, append(args, "-at", step.Now)...)
			want := step.Authenticated
			if site.Name == "store" { // the claims are elsewhere
				want = false
			}
			if (code == exitOK) != want {
				t.Errorf("%s, %s: exit code %d, in .NET %v: %+v", site.Name, step.Name, code, step.Authenticated, c.Refused)
			}
			if code == exitOK {
				accepted++
			} else if refused++; c.Refused.Meaning == "" || len(c.Refused.Reasons) == 0 {
				t.Errorf("%s, %s: no explanation", site.Name, step.Name)
			}
		}
	}
	if accepted < 100 || refused < 40 {
		t.Fatalf("%d accepted, %d refused", accepted, refused)
	}
}

// TestCoreOthers opens what else ASP.NET Core protects, under its name and without one.
func TestCoreOthers(t *testing.T) {
	type protected struct{ SetCookie, RequestToken, Ring, ApplicationName, PlaintextUTF8, Plaintext string }
	var file struct {
		Others struct {
			Bearer []struct {
				Field, Ring, ApplicationName, Text, Now string
				Ticket                                  recordedTicket
			}
			Session, Antiforgery protected
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	for _, v := range file.Others.Bearer {
		ring := rings[v.Ring]
		args := append(ring.flags(t, v.ApplicationName), "-at", v.Now)
		want, header := kindCoreBearer, "Authorization: Bearer "
		if v.Field == "refreshToken" {
			want, header = kindCoreRefresh, ""
		}
		for _, text := range []string{header + v.Text, v.Text} {
			code, c := inspectCore(t, ring, text, args...)
			if code != exitOK || c.Kind != want || c.Scheme != "Identity.Bearer" || c.Core.Scheme != v.Ticket.Scheme {
				t.Fatalf("%s: %+v", v.Field, c)
			}
			v.Ticket.Identities[0].same(t, &c.Core.Identities[0])
		}
		// A refresh token in place of an access token, and the other way round.
		other := map[kind]string{kindCoreBearer: "refresh", kindCoreRefresh: "bearer"}[want]
		if code, c := inspectCore(t, ring, v.Text, append(args, "-kind", other)...); code != exitRefused || c.Refused.Layer != "key-ring" {
			t.Errorf("%s as %s: %+v", v.Field, other, c)
		}
	}

	pair := func(line string) (whole, value string) {
		whole, _, _ = strings.Cut(line, ";")
		_, value, _ = strings.Cut(whole, "=")
		return whole, value
	}
	s := file.Others.Session
	whole, value := pair(s.SetCookie)
	for _, text := range []string{whole, "Set-Cookie: " + s.SetCookie, value} {
		code, c := inspectCore(t, rings[s.Ring], text, rings[s.Ring].flags(t, s.ApplicationName)...)
		if code != exitOK || c.Kind != kindCoreSession || c.Protected.Text != s.PlaintextUTF8 {
			t.Errorf("session: %+v", c)
		}
	}
	a := file.Others.Antiforgery
	whole, value = pair(a.SetCookie)
	for _, text := range []string{whole, value, a.RequestToken, "__RequestVerificationToken=" + a.RequestToken} {
		code, c := inspectCore(t, rings[a.Ring], text, rings[a.Ring].flags(t, a.ApplicationName)...)
		if code != exitOK || c.Kind != kindAntiforgery {
			t.Fatalf("antiforgery: %+v", c)
		}
		got := c.Protected.Antiforgery
		if ofCookie := strings.HasSuffix(text, value); got.Cookie != ofCookie || got.SecurityToken != a.Plaintext[2:34] || got.User != "" {
			t.Errorf("antiforgery: %+v", got)
		}
	}
}

// payloadVector is a payload of dataprotection.json.
type payloadVector struct {
	Name, Ring, ApplicationName, Protected string
	Purposes                               []string
	Plaintext                              *string
	Expires                                string
	TimeLimited, Valid                     bool
}

// TestCorePayloads opens every recorded payload with its purposes, and refuses every damaged one.
func TestCorePayloads(t *testing.T) {
	var file struct {
		Vectors, Refused []payloadVector
		SeveralKeys      []payloadVector `json:"several_keys"`
		TimeLimited      []payloadVector `json:"time_limited"`
	}
	testkit.JSON(t, "dataprotection.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	opened := 0
	list := slices.Concat(file.Vectors, file.SeveralKeys, file.TimeLimited)
	for i := 0; i < len(file.Refused); i += 9 {
		list = append(list, file.Refused[i])
	}
	for _, v := range list {
		args := append(rings[v.Ring].flags(t, v.ApplicationName), "-kind", "protected", "-at", "2026-06-01")
		for _, p := range v.Purposes {
			args = append(args, "-purpose="+p)
		}
		if v.Protected == "" {
			continue // nothing was pasted
		}
		code, c := inspectCore(t, nil, v.Protected, args...)
		if v.TimeLimited && c.Protected != nil && c.Protected.Expires == nil {
			t.Errorf("%s: no end", v.Name)
		}
		if (code == exitOK) != v.Valid {
			t.Errorf("%s: exit code %d, valid %v: %+v", v.Name, code, v.Valid, c.Refused)
			continue
		}
		if !v.Valid {
			continue
		}
		opened++
		got := c.Protected.Hex
		if got == "" {
			got = hex.EncodeToString([]byte(c.Protected.Text))
		}
		if got != *v.Plaintext || c.Protected.Size != len(got)/2 {
			t.Errorf("%s: %s, want %s", v.Name, got, *v.Plaintext)
		}
		if v.Expires != "" {
			if at, err := time.Parse(time.RFC3339, v.Expires); err != nil || !at.Equal(*c.Protected.Expires) {
				t.Errorf("%s: expires %v, want %s", v.Name, c.Protected.Expires, v.Expires)
			}
		}
	}
	if opened < 150 || len(list) < 240 {
		t.Fatalf("%d opened of %d", opened, len(list))
	}
}

// TestCoreSystemWeb opens the cookies of a site on System.Web whose web.config names
// CompatibilityDataProtector.
func TestCoreSystemWeb(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name, Kind, Ring, Cookie, Protected string
			ApplicationName                     *string
			Purposes                            []string
			Ticket                              struct{ Name, AuthenticationType string }
		}
	}
	testkit.JSON(t, "dataprotection_systemweb.json", &file)
	rings := coreRings(t)
	t.Chdir(t.TempDir())
	const config = `<configuration><system.web>
  <machineKey compatibilityMode="Framework45" applicationName="%s"
    dataProtectorType="Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb" />
  <authentication mode="Forms"><forms /></authentication>
</system.web></configuration>
`
	ran := map[string]int{}
	for _, v := range file.Vectors {
		application := ""
		if v.ApplicationName != nil {
			application = *v.ApplicationName
		}
		ring := rings[v.Ring]
		writeFile(t, "web.config", fmt.Sprintf(config, application))
		args := append(ring.flags(t, "overruled by the web.config"), "-config", "web.config", "-at", "0001-01-01", "-allow-insecure")
		text := v.Cookie
		switch v.Kind {
		case "forms":
			if strings.HasSuffix(v.Name, "nul-in-name") || strings.HasSuffix(v.Name, "too-long-to-decrypt") {
				continue // what Go's texts cannot hold, and what .NET does not read
			}
			text = ".ASPXAUTH=" + text
		case "fedauth":
			text = "FedAuth=" + text
		case "owin":
			args = append(args, "-kind", "katana")
			for _, p := range v.Purposes[1:] {
				args = append(args, "-purpose", p)
			}
		case "machinekey":
			args = append(ring.flags(t, application), "-kind", "protected")
			for _, p := range v.Purposes {
				args = append(args, "-purpose", p)
			}
			text = v.Protected
		}
		ran[v.Kind]++
		_, c := inspectCore(t, ring, text, args...)
		var got bool
		switch v.Kind {
		case "forms":
			got = c.Forms != nil && c.Forms.Name == v.Ticket.Name
		case "fedauth":
			got = c.Token != nil
		case "owin":
			got = c.Katana != nil && c.Katana.Identity.AuthenticationType == v.Ticket.AuthenticationType
		case "machinekey":
			got = c.Protected != nil
		}
		opened := slices.ContainsFunc(c.Layers, func(l layerReport) bool { return l.KeyID != "" && l.Config == "the key ring" })
		if !got && v.Kind != "owin" || !opened { // some tickets of Katana are refused inside
			t.Errorf("%s: %+v, refused %+v", v.Name, c, c.Refused)
		}
	}
	if ran["forms"] < 24 || ran["fedauth"] < 27 || ran["owin"] < 20 || ran["machinekey"] < 12 {
		t.Fatalf("ran %v", ran)
	}
	r := tool(t, ".ASPXAUTH=00", "inspect", "-config", "web.config", "-").want(t, exitUsage)
	if !strings.Contains(r.err, "-keys") {
		t.Errorf("without a ring: %s", r.err)
	}
}

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
		{whole, kindCoreSession, "", nil},
		{text, kindProtected, "", []string{"a ticket in a cookie"}},
		{"MyApp=" + text, kindProtected, "", []string{"a ticket in a cookie"}},
		{".AspNetCore.Identity.Application=" + text, kindCore, "Identity.Application", nil},
		{"Authorization: Bearer " + text, kindCoreBearer, "BearerToken", nil},
		{".AspNet.SharedCookie=" + text, kindProtected, "", []string{"a ticket in a cookie"}},
		{".AspNetCore.Mvc.CookieTempDataProvider=" + text, kindProtected, "", []string{"data of an application"}},
	} {
		code, c := inspectCore(t, nil, tt.text)
		if code != exitRefused || c.Kind != tt.kind || c.Scheme != tt.scheme || c.Refused.Layer != "key-ring" {
			t.Fatalf("%.30s: %s, scheme %q, %+v", tt.text, c.Kind, c.Scheme, c.Refused)
		}
		facts := fmt.Sprint(c.Layers[1].Facts)
		for _, want := range append(tt.facts, "8dc0a8b0-b7f6-4617-8418-a3eb1ceccd1a", "magic number 4") {
			if !strings.Contains(facts, want) {
				t.Errorf("%.30s: %q is not in %s", tt.text, want, facts)
			}
		}
	}
	for _, text := range []string{"FedAuth=77u/PD94bWwg", "hello", ".AspNetCore.Correlation.x=N"} {
		if r := tool(t, text, "inspect", "-").want(t, exitUsage); !strings.Contains(r.err, "-config is missing") {
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
	revoked.Elements = append(slices.Clip(revoked.Elements), `<revocation version="1"><revocationDate>2026-01-01T00:00:00Z</revocationDate>`+
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
		{rings["AES_256_GCM"], "09f0c9f1" + strings.Repeat("00", 60), "A version of Data Protection"},
		{rings["AES_256_GCM"], at("AES_256_GCM"), "for this use"},
	} {
		code, c := inspectCore(t, nil, tt.text, append(tt.ring.flags(t, "other"), "-purpose", "x")...)
		if code != exitRefused || !strings.Contains(c.Refused.Meaning, tt.want) || len(c.Refused.Reasons) == 0 {
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
		_, c := inspectCore(t, ring, text, append(ring.flags(t, v.ApplicationName), "-allow-insecure")...)
		if c.Cookie.Announced != 3 || c.Cookie.Joined != 4 || c.Core == nil ||
			strings.Contains(fmt.Sprint(c.Cookie.Problems), "chunks:N") != shared {
			t.Errorf("%s: %+v, refused %+v", marker, c.Cookie, c.Refused)
		}
	}
	// On a cookie that is not shared, the marker is a text like any other.
	text := ".AspNetCore.Cookies=chunks:1; .AspNetCore.CookiesC1=" + v.Text
	if code, c := inspectCore(t, ring, text, ring.flags(t, v.ApplicationName)...); code != exitRefused ||
		c.Refused.Layer != "text" || !strings.Contains(c.Refused.Reasons[1], "Katana") {
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
		golden(t, folder, "inspect-core-"+name+".txt", tool(t, text, append([]string{"inspect", "-"}, args...)...).want(t, code).out)
	}
	ring := rings["AES_256_CBC-HMACSHA256"]
	show("cookie", exitOK, step.Cookie, append(ring.flags(t, "SharedCookieApp"), "-at", step.Now)...)
	show("application", exitRefused, step.Cookie, append(ring.flags(t, "Other"), "-at", step.Now)...)
	show("named", exitRefused, file.Others.Bearer[0].Text)
	show("antiforgery", exitOK, file.Others.Antiforgery.RequestToken,
		append(rings["AES_256_GCM"].flags(t, "SharedCookieApp"), "-at", step.Now)...)
}

// TestIssueCore issues for a key ring alone what inspect opens.
func TestIssueCore(t *testing.T) {
	ring := coreRings(t)["AES_256_CBC-HMACSHA256"]
	t.Chdir(t.TempDir())
	flags := ring.flags(t, "Shop")
	issue := func(args ...string) *issueReport {
		t.Helper()
		r := new(issueReport)
		tool(t, "", append(append([]string{"issue", "-json", "-name", "zoe", "-role", "admin"}, flags...), args...)...).want(t, exitOK).decode(t, r)
		return r
	}
	for _, tt := range []struct {
		args           []string
		kind           kind
		scheme, cookie string
	}{
		{nil, kindCore, "Cookies", ".AspNetCore.Cookies"},
		{[]string{"-kind", "core", "-scheme", "Identity.Application"}, kindCore, "Identity.Application", ".AspNetCore.Identity.Application"},
		{[]string{"-scheme", "Identity.Application", "-cookie", ".AspNet.SharedCookie", "-domain", ".example.com", "-persistent"}, kindCore, "Identity.Application", ".AspNet.SharedCookie"},
		{[]string{"-chunk-size", "300"}, kindCore, "Cookies", ".AspNetCore.Cookies"},
		{[]string{"-kind", "bearer"}, kindCoreBearer, "BearerToken", ""},
		{[]string{"-kind", "corerefresh", "-scheme", "Identity.Bearer"}, kindCoreRefresh, "Identity.Bearer", ""},
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
		if c.Core.Persistent != persistent || persistent && !strings.Contains(made.SetCookie[0], "Expires=") {
			t.Errorf("%q: persistent %v, %s", tt.args, c.Core.Persistent, made.SetCookie)
		}
	}
	if made := issue("-chunk-size", "300"); !strings.HasPrefix(made.Header, ".AspNetCore.Cookies=chunks-") {
		t.Errorf("chunks: %s", made.Header)
	}
	for want, args := range map[string][]string{
		"-kind core needs -keys": {"-kind", "core"},
		"-config is missing":     {},
		"go with -keys":          {"-config", "web.config", "-app", "x"},
		"-scheme goes with":      append([]string{"-kind", "forms", "-scheme", "x"}, flags...),
		"ASP.NET Core, 200":      append([]string{"-chunk-size", "100"}, flags...),
	} {
		if r := tool(t, "", append([]string{"issue", "-name", "zoe"}, args...)...).want(t, exitUsage); !strings.Contains(r.err, want) {
			t.Errorf("%q: %s", args, r.err)
		}
	}
}

// FuzzProtected reads any authentic bytes as what they may hold.
func FuzzProtected(f *testing.F) {
	var file struct {
		Vectors []payloadVector
		Limited []struct{ Inner string } `json:"time_limited"`
	}
	testkit.JSON(f, "dataprotection.json", &file)
	var others struct {
		Others struct {
			Session     struct{ PlaintextUTF8 string }
			Antiforgery struct{ Plaintext string }
		}
	}
	testkit.JSON(f, "aspnetcore_cookies.json", &others)
	token := testkit.Unhex(f, others.Others.Antiforgery.Plaintext)
	f.Add([]byte(others.Others.Session.PlaintextUTF8))
	f.Add(token)
	f.Add(append(token[:17:17], "\x00\x00\x03zoe\x00"...))
	f.Add(append(token[:17:17], "\x00\x01"+strings.Repeat("h", 32)+"\x01d"...))
	for _, v := range file.Limited {
		f.Add(testkit.Unhex(f, v.Inner))
	}
	for _, v := range file.Vectors[:20] {
		f.Add(testkit.Unhex(f, *v.Plaintext))
	}
	if len(file.Limited) < 4 {
		f.Fatalf("%d time-limited payloads", len(file.Limited))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		for _, k := range []kind{kindCoreSession, kindAntiforgery, kindProtected} {
			r := new(protectedReport)
			inner, err := r.limit(plain)
			if (err == nil) != (r.Expires != nil) || err == nil && !bytes.Equal(inner, plain[8:]) {
				t.Fatalf("limit: %v", err)
			}
			layer, err := r.read(k, plain)
			if layer == "" || r.Size != len(plain) {
				t.Fatalf("%q, size %d", layer, r.Size)
			}
			if k == kindAntiforgery && (err == nil) != (r.Antiforgery != nil) || k == kindProtected && err != nil {
				t.Fatalf("%s: %+v, %v", k, r.Antiforgery, err)
			}
			if err == nil {
				r.print(new(bytes.Buffer), time.Time{})
				if _, err := json.Marshal(r); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// FuzzInspectCore pastes anything into inspect with a key ring and without: see FuzzInspect.
func FuzzInspectCore(f *testing.F) {
	rings := coreRings(f)
	data, err := testvectors.Read("aspnetcore_cookies.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Sites []struct {
			Steps []struct{ Cookie *string }
		}
		Others struct {
			Session, Antiforgery struct{ SetCookie, RequestToken string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, s := range file.Sites {
		for _, step := range s.Steps {
			if step.Cookie != nil && len(*step.Cookie) < 1000 {
				f.Add(*step.Cookie)
				seeds++
			}
		}
	}
	f.Add("Set-Cookie: " + file.Others.Session.SetCookie + "\nSet-Cookie: " + file.Others.Antiforgery.SetCookie)
	f.Add(file.Others.Antiforgery.RequestToken)
	if seeds < 100 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Chdir(f.TempDir())
	flags := rings["AES_256_GCM"].flags(f, "SharedCookieApp")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzInspect(t, text, flags...)
		fuzzInspect(t, text)
		fuzzInspect(t, text, slices.Concat(flags, []string{"-purpose", "SessionMiddleware"})...)
	})
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
	farm, files, err := c.farm(t.Context(), time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC))
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
	for _, want := range []string{".AspNetCore.Session", ".AspNetCore.Antiforgery", "Key ring", "Session key", "Antiforgery token",
		"36 bytes, not shown", "nonce 12", "Identity.Bearer", "bob", "It ends in 30m."} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, secret := range []string{o.Session.PlaintextUTF8, o.Antiforgery.Plaintext[2:34], o.Bearer[0].Text[:40]} {
		if strings.Contains(page, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	ring.secret(t, page)
}
