package doctor_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

func TestNamesTellKinds(t *testing.T) {
	n := doctor.Names{SessionKind: doctor.WIF10, Session: "Fed", Forms: ".F", Roles: ".R", Anonymous: ".A"}
	for name, want := range map[string]doctor.Kind{
		"Fed": doctor.WIF10, "fED": doctor.WIF10, ".f": doctor.Forms, ".R": doctor.Roles, ".a": doctor.Anonymous,
		".AspNet.X": doctor.Katana, ".aspnet.X": "", "Fed1": "", "": "",
	} {
		if got := n.KindOf(name); got != want {
			t.Errorf("%q is %q, want %q", name, string(got), string(want))
		}
	}
	for _, k := range []doctor.Kind{doctor.WIF10, doctor.Forms, doctor.Roles, doctor.Anonymous, doctor.Katana} {
		if name := n.Of(k, ""); n.KindOf(name) != k {
			t.Errorf("%s is called %q", k, name)
		}
	}
	if got := n.Of(doctor.Katana, "My Type"); got != ".AspNet.My Type" {
		t.Errorf("%q", got)
	}
}

func TestKatanaName(t *testing.T) {
	for name, want := range map[string]string{
		".AspNet.ApplicationCookie":     ".AspNet.ApplicationCookie",
		".AspNet.ApplicationCookieC12":  ".AspNet.ApplicationCookie",
		".AspNet.Type2":                 ".AspNet.Type2",
		".AspNet.C1":                    "", // a chunk of nothing
		".AspNet.":                      "",
		".AspNet.Correlation.Google":    "",
		".aspnet.ApplicationCookie":     "",
		".AspNetCore.Cookies":           "",
		"ASP.NET_SessionId":             "",
		".AspNet.Microsoft.C":           ".AspNet.Microsoft.C",
		".AspNet.ExternalCookieC1C1":    ".AspNet.ExternalCookieC1",
		".AspNet.TwoFactorCookie;other": ".AspNet.TwoFactorCookie;other",
	} {
		if got, ok := doctor.KatanaName(name); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %t", name, got, ok)
		}
	}
}

func TestAuthTypeOf(t *testing.T) {
	for _, tt := range [][3]string{
		{".AspNet.Cookies", "", "Cookies"},
		{".AspNet.Cookies", "Mine", "Mine"},
		{".AspNet. ", "", "ApplicationCookie"},
		{"Site", "", "ApplicationCookie"},
	} {
		if got := doctor.AuthTypeOf(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%q, %q: %q", tt[0], tt[1], got)
		}
	}
}

func TestPairs(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"a=1; b=2;", " c=3"}}}
	if got := slices.Collect(doctor.Pairs(r)); !slices.Equal(got, []string{"a=1", "b=2", "", "c=3"}) {
		t.Errorf("%q", got)
	}
	for pair := range doctor.Pairs(r) {
		if pair == "b=2" {
			break
		}
	}
}
