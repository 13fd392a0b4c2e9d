package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
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
		for _, s := range []string{
			hex.EncodeToString(part), base64.StdEncoding.EncodeToString(part), string(part),
		} {
			if strings.Contains(text, strings.ToLower(s)) {
				t.Error("the output holds a master key")
			}
		}
	}
}

// inspectCore runs inspect for people and for machines, and returns what machines get.
func inspectCore(
	t testing.TB, r *ringVector, text string, args ...string,
) (int, *credentialReport) {
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
		got.RoleClaimType != want.RoleType || len(got.Claims) != len(want.Claims) ||
		(got.Actor == nil) != (want.Actor == nil) {
		t.Fatalf("identity %+v, want %+v", got, want)
	}
	for i, c := range want.Claims {
		g := got.Claims[i]
		if g.Type != c.Type || g.Value != c.Value && !g.Hidden || g.ValueType != c.ValueType ||
			g.Issuer != c.Issuer || g.OriginalIssuer != c.OriginalIssuer ||
			len(g.Properties) != len(c.Properties) {
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
		args := append(ring.flags(t, v.ApplicationName), "-scheme", v.Purposes[1],
			"-at", "0001-01-01", "-allow-insecure")
		_, c := inspectCore(t, ring, v.Text, args...)
		if c.Kind != site.Core || c.Scheme != v.Purposes[1] || c.Core == nil {
			t.Fatalf("%s: %s, scheme %q, refused: %+v", v.Name, c.Kind, c.Scheme, c.Refused)
		}
		if c.Core.Scheme != v.Ticket.Scheme || len(c.Core.Identities) != len(v.Ticket.Identities) ||
			len(c.Core.Properties) != len(v.Ticket.Properties) {
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
			now := append(args, "-at", step.Now)
			code, c := inspectCore(t, nil, "Cookie: "+*step.Cookie, now...)
			want := step.Authenticated
			if site.Name == "store" { // the claims are elsewhere
				want = false
			}
			if (code == exitOK) != want {
				t.Errorf("%s, %s: exit code %d, in .NET %v: %+v", site.Name, step.Name, code,
					step.Authenticated, c.Refused)
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
