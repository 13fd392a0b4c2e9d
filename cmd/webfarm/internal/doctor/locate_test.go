package doctor_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestWholeRequest examines a header as browsers send it: every credential in
// it is found, in the order of what signs in, and one that is refused counts.
func TestWholeRequest(t *testing.T) {
	a := fresh(t)
	cookies := []string{
		"theme=dark", "ASP.NET_SessionId=" + strings.Repeat("a", 24),
		"__RequestVerificationToken=" + strings.Repeat("Ab3_", 30),
		".AspNet.Correlation.Google=" + strings.Repeat("x", 43),
		".AspNet.ExternalCookie=" + a.katana(t, "ExternalCookie"),
		".AspNet.ApplicationCookie=" + a.katana(t, "ApplicationCookie"),
		".ASPXANONYMOUS=" + a.anonymousID(t, machinekey.Framework45, machinekey.ProtectionAll),
		"fedauth=" + a.session(t, nil, 0), // System.Web finds names in any case
		".ASPXAUTH=" + a.forms(t),
	}
	in := header(strings.Join(cookies, "; "))
	in.Request.Header.Set("Authorization", "Bearer "+fresh(t).katana(t, "Bearer"))
	r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")}, in, doctor.Options{Now: now})
	want := []string{"fedauth FedAuth true", "forms .ASPXAUTH true",
		"anonymous .ASPXANONYMOUS true", "katana .AspNet.ExternalCookie true",
		"katana .AspNet.ApplicationCookie true", "bearer  false"}
	var got []string
	for _, c := range r.Credentials {
		got = append(got, string(c.Kind)+" "+
			c.Name+map[bool]string{true: " true", false: " false"}[c.OK])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.OK || r.Code != "unknown_key" {
		t.Errorf("ok %v, code %q", r.OK, r.Code)
	}
	noSecrets(t, r, a, in)
}

// TestUnknownNames examines cookies whose names say nothing, and bare values.
func TestUnknownNames(t *testing.T) {
	a := fresh(t)
	tests := []struct {
		name string
		in   doctor.Input
		kind doctor.Kind
		code string
		o    doctor.Options
	}{
		{"a ticket under a name that code sets", header(".SITE=" + a.forms(t)), doctor.Forms,
			doctor.CodeOK, doctor.Options{Name: ".SITE"}},
		{"a session under a name that code sets", header("SiteAuth=" + a.session(t, nil, 0)),
			doctor.FedAuth, doctor.CodeOK, doctor.Options{Name: "SiteAuth", Kind: doctor.FedAuth}},
		{"a role cookie by its kind", header("FedAuth=x"), doctor.Roles, "no_cookie",
			doctor.Options{Kind: doctor.Roles}},
		{"a Katana cookie by its AuthenticationType", header(".AspNet.Acme=" + a.katana(t, "Acme")),
			doctor.Katana, doctor.CodeOK, doctor.Options{Kind: doctor.Katana, AuthType: "Acme"}},
		{"one cookie by its name", header(".ASPXAUTH=x; FedAuth=" + a.session(t, nil, 0)),
			doctor.FedAuth, doctor.CodeOK, doctor.Options{Name: "fedauth"}},
		{"a bare value and a name", doctor.Input{Text: a.katana(t, "Acme")}, doctor.Katana,
			doctor.CodeOK, doctor.Options{Name: ".AspNet.Acme"}},
		{"a Katana cookie with CookieName", header("Acme=" + a.katana(t, "Cookies")), doctor.Katana,
			doctor.CodeOK, doctor.Options{}},
		{"a bare session", doctor.Input{Text: a.session(t, nil, 0)}, doctor.FedAuth, doctor.CodeOK,
			doctor.Options{}},
		{"a bare ticket", doctor.Input{Text: a.forms(t) + "\n"}, doctor.Forms, doctor.CodeOK, doctor.Options{}},
		{"a bare Katana cookie", doctor.Input{Text: a.katana(t, "ExternalCookie")}, doctor.Katana,
			doctor.CodeOK, doctor.Options{}},
		{"a bare ticket of another key", doctor.Input{Text: fresh(t).forms(t)}, doctor.Forms,
			"unknown_key", doctor.Options{}},
		{"a bare session of another key", doctor.Input{Text: fresh(t).session(t, nil, 0)},
			doctor.FedAuth, "unknown_key", doctor.Options{}},
		{"nothing", doctor.Input{Request: new(http.Request)}, doctor.FedAuth, "no_cookie", doctor.Options{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.Now = now
			r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")}, test.in, test.o)
			if r.Code != test.code || r.Credentials[0].Kind != test.kind {
				t.Errorf("%s, %s: %s", r.Credentials[0].Kind, r.Code, r.Finding.Sentence)
			}
		})
	}
}

// TestNodesPrintNoKeys prints a node in every usual form.
func TestNodesPrintNoKeys(t *testing.T) {
	a := fresh(t)
	n := a.node(t, "web.config")
	for _, text := range []string{fmt.Sprint(n), fmt.Sprintf("%+v", n), fmt.Sprintf("%#v", n),
		fmt.Sprintf("%x", n)} {
		if text != "node of web.config" {
			t.Errorf("printed as %q", text)
		}
	}
	if n.File() != "web.config" {
		t.Errorf("file %q", n.File())
	}
}

func TestPairs(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"a=1; b=2;", " c=3"}}}
	if got := slices.Collect(doctor.Pairs(r)); !slices.Equal(got,
		[]string{"a=1", "b=2", "", "c=3"}) {
		t.Errorf("%q", got)
	}
	for pair := range doctor.Pairs(r) {
		if pair == "b=2" {
			break
		}
	}
}
