package cookie_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// systemWebVector is what a site with CompatibilityDataProtector wrote.
type systemWebVector struct {
	Name, Kind, Ring             string
	ApplicationName              *string
	Purposes                     []string
	Plaintext, Cookie, Protected string
	Ticket                       struct{ Name, IssueDate string }
}

const compatibility = "Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb"

// systemWeb returns a web.config that puts its cookies on a key ring.
func systemWeb(attributes string) string {
	return `<configuration><system.web><httpRuntime targetFramework="4.8"/>
<machineKey dataProtectorType="` + compatibility + `" ` + attributes + `/>
<authentication mode="Forms"/></system.web>
<system.identityModel><identityConfiguration><securityTokenHandlers>
<remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel, Version=4.0.0.0, Culture=neutral, PublicKeyToken=B77A5C561934E089"/>
<add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services, Version=4.0.0.0, Culture=neutral, PublicKeyToken=B77A5C561934E089"/>
</securityTokenHandlers></identityConfiguration></system.identityModel></configuration>`
}

// recordedRings returns the elements of the rings of the vectors.
func recordedRings(t testing.TB) func(name, application string) *dataprotection.Ring {
	var f struct {
		Rings []struct {
			Name         string
			Elements     []string
			Certificates []struct{ CertificatePEM, PrivateKeyPEM string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &f)
	return func(name, application string) *dataprotection.Ring {
		for _, r := range f.Rings {
			if r.Name == name {
				o := &dataprotection.RingOptions{ApplicationName: application, Interval: -1}
				for _, c := range r.Certificates {
					pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
					if err != nil {
						t.Fatal(err)
					}
					o.Certificates = append(o.Certificates, pair)
				}
				document := "<repository>" + strings.Join(r.Elements, "") + "</repository>"
				ring, err := dataprotection.Open(t.Context(),
					dataprotection.Document([]byte(document)), o)
				if err != nil {
					t.Fatal(err)
				}
				return ring
			}
		}
		t.Fatalf("no ring %q", name)
		return nil
	}
}

// TestSystemWebSite opens everything that a .NET site with CompatibilityDataProtector
// wrote through a Site of its web.config, with the application name in the file
// or by the code of the application.
func TestSystemWebSite(t *testing.T) {
	var f struct{ Vectors []systemWebVector }
	testkit.JSON(t, "dataprotection_systemweb.json", &f)
	if len(f.Vectors) < 80 {
		t.Fatalf("%d vectors", len(f.Vectors))
	}
	ring := recordedRings(t)
	signedIn := 0
	for _, v := range f.Vectors {
		type naming struct{ attributes, opened string }
		names := []naming{{`applicationName=""`, "another"}}
		if v.ApplicationName != nil {
			names = []naming{{fmt.Sprintf("applicationName=%q", *v.ApplicationName), "another"},
				{"", *v.ApplicationName}}
		}
		for _, n := range names {
			t.Run(v.Name+" "+n.attributes, func(t *testing.T) {
				o := &cookie.SiteOptions{DataProtection: ring(v.Ring, n.opened), Now: v.now(t),
					Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
						AuthenticationType: "any"}}}
				if v.Kind == "owin" {
					o.Credentials[0].AuthenticationType = v.Purposes[2]
				}
				site, err := cookie.ParseSite(strings.NewReader(systemWeb(n.attributes)), o)
				if err != nil {
					t.Fatal(err)
				}
				p, err := cookie.KeysOf(site).Protector(v.Purposes...)
				if err != nil {
					t.Fatal(err)
				}
				plain, _, err := p.Unprotect(t.Context(), nil, v.bytes(t))
				if want := testkit.Unhex(t, v.Plaintext); err != nil || !bytes.Equal(plain, want) {
					t.Fatalf("%d bytes, %v, want %d", len(plain), err, len(want))
				}
				if v.Kind == "machinekey" || v.Kind == "owin" && v.Purposes[1] != katanaClass {
					return
				}
				name := map[string]string{"forms": ".ASPXAUTH", "fedauth": "FedAuth",
					"owin": ".AspNet." + o.Credentials[0].AuthenticationType}[v.Kind]
				got, err := site.Check(request(name + "=" + v.Cookie))
				want, wantErr := v.direct(t, ring(v.Ring, orEmpty(v.ApplicationName)), o.Now)
				switch {
				case wantErr != nil || !want.IsAuthenticated():
					if err == nil || wantErr != nil && err.Error() != wantErr.Error() {
						t.Errorf("error %v, want %v", err, wantErr)
					}
				case err != nil || got.Name() != want.Name():
					t.Errorf("%q, %v, want %q", got.Name(), err, want.Name())
				case v.Ticket.Name != "" && got.Name() != v.Ticket.Name:
					t.Errorf("%q, want %q", got.Name(), v.Ticket.Name)
				default:
					signedIn++
				}
			})
		}
	}
	if signedIn < 70 {
		t.Errorf("%d cookies signed somebody in", signedIn)
	}
}

const katanaClass = "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware"

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// now is a clock at which the ticket is good.
func (v *systemWebVector) now(t *testing.T) func() time.Time {
	at := time.Date(2024, 7, 16, 4, 6, 37, 0, time.UTC)
	if v.Ticket.IssueDate != "" {
		var err error
		if at, err = time.Parse(time.RFC3339Nano, v.Ticket.IssueDate); err != nil {
			t.Fatal(err)
		}
	}
	return func() time.Time { return at }
}

// bytes are what was protected.
func (v *systemWebVector) bytes(t *testing.T) []byte {
	t.Helper()
	var data []byte
	var err error
	switch v.Kind {
	case "machinekey":
		data, err = hex.DecodeString(v.Protected)
	case "forms":
		data, err = hex.DecodeString(v.Cookie)
	case "owin":
		data, err = base64.RawURLEncoding.DecodeString(v.Cookie)
	case "fedauth":
		if data, err = base64.StdEncoding.DecodeString(v.Cookie); err == nil {
			_, rest, _ := strings.Cut(string(data), "Cookie xmlns")
			_, rest, _ = strings.Cut(rest, ">")
			rest, _, _ = strings.Cut(rest, "<")
			data, err = base64.StdEncoding.DecodeString(rest)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// direct opens the cookie with a codec over a ring of the right name.
func (v *systemWebVector) direct(t *testing.T, ring *dataprotection.Ring, now func() time.Time) (*sessiontoken.Principal, error) {
	t.Helper()
	var codec sessiontoken.Reader
	var err error
	switch v.Kind {
	case "forms":
		codec, err = sessiontoken.NewFormsCodec(ring, &sessiontoken.FormsOptions{Now: now})
	case "fedauth":
		codec, err = sessiontoken.NewSessionCodec(ring,
			&sessiontoken.SessionOptions{ClockSkew: 5 * time.Minute, Now: now})
	case "owin":
		codec, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie(v.Purposes[2]),
			&sessiontoken.KatanaOptions{Now: now})
	}
	if err != nil {
		t.Fatal(err)
	}
	return codec.ReadPrincipal(t.Context(), v.Cookie)
}

// TestSystemWebKeys wants each cookie of such a site on the keys that .NET
// takes: in the older modes those of <machineKey> for forms tickets.
func TestSystemWebKeys(t *testing.T) {
	random := seed.Of(t)
	validation, decryption := random.Bytes(64), random.Bytes(32)
	keys := fmt.Sprintf(`validationKey="%x" decryptionKey="%x" `, validation, decryption)
	named := freshCoreRing(t, on2026())
	nameless := recordedRings(t)("AES_256_GCM", "")
	tests := []struct {
		name, attributes string
		ring             *dataprotection.Ring
		forms            string // ring, machine key or refused
		code, want       string // of a fault, and what it says
	}{
		{"Framework45", "", named, "ring", "", ""},
		{"keys that nothing uses", `validationKey="zz" decryptionKey="00" validation="MD5"`, named,
			"ring", "", ""},
		{"an older mode", keys + `compatibilityMode="Framework20SP1"`, named, "machine key", "", ""},
		{"an older mode, other cookies", `compatibilityMode="Framework20SP2"`, named, "refused", "", ""},
		{"no ring", keys, nil, "", "data_protection_key_ring", "SiteOptions.DataProtection"},
		{"no application name", keys, nameless, "", "data_protection_key_ring",
			"IIS path such as /LM/W3SVC/1/ROOT"},
		{"no such mode", `compatibilityMode="Framework46"`, named, "", "invalid_enum", "compatibilityMode"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &cookie.SiteOptions{DataProtection: tt.ring, Now: on2026}
			site, err := cookie.LoadSite(writeSite(t, systemWeb(tt.attributes)), o)
			if tt.code != "" {
				var e *machinekey.ConfigError
				if !errors.As(err, &e) || e.Code != tt.code ||
					!strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %s and %q", err, tt.code, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if fedAuth := site.Sessions(); fedAuth.CookieName() != "FedAuth" {
				t.Errorf("signs in with %v", fedAuth)
			}
			forms, ok := site.SessionsOf(".ASPXAUTH")
			if ok != (tt.forms != "refused") {
				t.Fatalf("forms tickets %v:\n%s", ok, site)
			}
			if !ok {
				return
			}
			if (site.Ring() != nil) != (tt.forms == "machine key") {
				t.Errorf("machine keys %v", site.Ring())
			}
			var ring sessiontoken.Keys = tt.ring
			if tt.forms == "machine key" {
				key, err := machinekey.New(machinekey.Config{ValidationKey: machinekey.NewSecret(validation), DecryptionKey: machinekey.NewSecret(decryption),
					Validation: machinekey.HMACSHA256, Mode: machinekey.Framework20SP1})
				if err != nil {
					t.Fatal(err)
				}
				if ring, err = machinekey.NewRing(key); err != nil {
					t.Fatal(err)
				}
			}
			codec, err := sessiontoken.NewFormsCodec(ring, &sessiontoken.FormsOptions{Now: on2026})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if err := forms.SignIn(w, request(), user("zoe"), nil); err != nil {
				t.Fatal(err)
			}
			p, err := codec.ReadPrincipal(t.Context(), w.Result().Cookies()[0].Value)
			if err != nil || p.Name() != "zoe" {
				t.Errorf("%q, %v", p.Name(), err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := site.Watch(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Watch: %v", err)
			}
		})
	}
}

// TestSystemWebOlder wants forms tickets of an older mode read with the keys of
// an earlier web.config, which names the class as well.
func TestSystemWebOlder(t *testing.T) {
	random, ring := seed.Of(t), freshCoreRing(t, on2026())
	config := func() string {
		return writeSite(t,
			systemWeb(fmt.Sprintf(`validationKey="%x" decryptionKey="%x" compatibilityMode="Framework20SP1"`,
				random.Bytes(64), random.Bytes(32))))
	}
	load := func(path string, older ...string) *cookie.Site {
		site, err := cookie.LoadSite(path, &cookie.SiteOptions{DataProtection: ring,
			Now: on2026, Older: older})
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	before := config()
	forms, _ := load(before).SessionsOf(".ASPXAUTH")
	w := httptest.NewRecorder()
	if err := forms.SignIn(w, request(), user("zoe"), nil); err != nil {
		t.Fatal(err)
	}
	r := request(".ASPXAUTH=" + w.Result().Cookies()[0].Value)
	now := config()
	if status, user := answer(load(now, before), r); status != 200 || user != "zoe" {
		t.Errorf("%d %q", status, user)
	}
	if status, _ := answer(load(now), r); status != 401 {
		t.Errorf("%d without the older file", status)
	}
}

// TestSystemWebAlone has the cookies of .NET Framework on a key ring alone, as
// the codecs over that ring write them.
func TestSystemWebAlone(t *testing.T) {
	ring := freshCoreRing(t, on2026())
	list := []cookie.Credential{{Kind: cookie.KindFedAuth, Path: "/"}, {Kind: cookie.KindForms},
		{Kind: cookie.KindKatana, AuthenticationType: "A"}}
	site, err := coreSite(t, &cookie.SiteOptions{DataProtection: ring}, list...)
	if err != nil {
		t.Fatal(err)
	}
	for name, direct := range map[string]systemWebVector{
		"FedAuth": {Kind: "fedauth"}, ".ASPXAUTH": {Kind: "forms"}, ".AspNet.A": {Kind: "owin", Purposes: []string{"", "", "A"}},
	} {
		sessions, ok := site.SessionsOf(name)
		if !ok {
			t.Fatalf("no %s:\n%s", name, site)
		}
		w := httptest.NewRecorder()
		if err := sessions.SignIn(w, request(), user("zoe"), nil); err != nil {
			t.Fatal(err)
		}
		direct.Cookie = w.Result().Cookies()[0].Value
		if p, err := direct.direct(t, ring, on2026); err != nil || p.Name() != "zoe" {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

// TestSystemWebWIF10 wants sessions of WIF 1.0 on the keys of <machineKey>:
// MachineKey.Encode knows no protector.
func TestSystemWebWIF10(t *testing.T) {
	config := strings.Replace(string(testkit.File(t, "webconfig/wif10-thinktecture.config")),
		"<machineKey", `<machineKey applicationName="" dataProtectorType="`+compatibility+`"`, 1)
	site, err := loadKnown(writeSite(t, config),
		&cookie.SiteOptions{DataProtection: freshCoreRing(t, on2026()), Now: on2026})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := site.Sessions().SignIn(w, request(), user("zoe"), nil); err != nil {
		t.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(site.Ring(),
		&sessiontoken.SessionOptions{WIF10: true, Now: on2026})
	if err != nil {
		t.Fatal(err)
	}
	r := request()
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	text, err := cookie.From(cookie.KindWIF10, "")(r)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := codec.ReadPrincipal(t.Context(), text); err != nil || p.Name() != "zoe" {
		t.Errorf("%v, %v", p, err)
	}
}
