package doctor_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// ringCell is a cookie that one node on ASP.NET Core issued and another one gets, which differs in a
// single setting.
type ringCell struct {
	setting        string
	issuer, reader half
	issue          func(t testing.TB, h half, keys sessiontoken.Keys) string // nil for ann's ticket
	send           func(t testing.TB, name, text string) doctor.Input        // nil for one cookie
	// both is the code that doctor must give with both rings, alone without that of the issuer.
	both, alone string
	says        string // a part of the sentence with both
	dotnet      string // a part of .NET's words with both
}

const (
	unprotect = "Failure message: Unprotect ticket failed"
	expiry    = "Failure message: Ticket expired"
)

// oneCookie sends a cookie as the manager of ASP.NET Core cuts it.
func oneCookie(t testing.TB, name, text string) doctor.Input {
	return inChunks(t, chunks.Core, name, text)
}

// inChunks sends a cookie in the chunks of a scheme.
func inChunks(t testing.TB, s chunks.Scheme, name, text string) doctor.Input {
	t.Helper()
	var pairs []string
	for _, c := range must[[]*http.Cookie](t)(s.Split(&http.Cookie{Name: name,
		Value: text, Path: "/"}, 0)) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return header(strings.Join(pairs, "; "))
}

// ringCells returns the cells under an algorithm.
func ringCells(t testing.TB, a algorithm, certificate tls.Certificate, random *seed.Stream) (list []ringCell) {
	invalid := "(The payload was invalid)"
	if strings.Contains(a.inside, "GCM") || a.class[:6] == "CngGcm" {
		invalid = "(The computed authentication tag did not match the input authentication tag)"
	}
	key := func(days int, rest func(string) string) (id, xml string) {
		id = newID(random)
		return id, keyXML(random, id, days, a, rest)
	}
	_, old := key(90, nil)
	id, xml := key(10, nil)
	plain := half{elements: []string{old, xml}, scheme: "Cookies", app: "Shop"}
	add := func(setting, both, alone, says, dotnet string, f func(c *ringCell)) {
		c := ringCell{setting: setting, issuer: plain, reader: plain, both: both, alone: alone,
			says: says, dotnet: dotnet}
		f(&c)
		list = append(list, c)
	}
	same := func(setting, code, says, dotnet string, f func(c *ringCell)) {
		add(setting, code, code, says, dotnet, f)
	}

	same("nothing", doctor.CodeOK, "", "", func(*ringCell) {})
	same("algorithm of a newer key", doctor.CodeOK, "", "", func(c *ringCell) {
		other := algorithms()[random.IntN(len(algorithms()))]
		newer := keyXML(random, newID(random), 1, other, nil)
		c.issuer.elements = append(slices.Clone(plain.elements), newer)
		c.reader.elements = c.issuer.elements
	})

	// The keys.
	notFound := fmt.Sprintf("%s (The key {%s} was not found in the key ring)", unprotect, id)
	same("ring of another machine", "core_key_missing", "no key in common", notFound,
		func(c *ringCell) {
			_, own := key(10, nil)
			c.reader.elements = []string{own}
		})
	same("ring that is behind", "core_key_missing", "both have keys in common (1): ", notFound,
		func(c *ringCell) {
			c.reader.elements = []string{old}
		})
	for _, what := range []string{id, "*"} {
		same("revocation of "+what, "core_key_revoked", "key "+id,
			fmt.Sprintf("(The key {%s} has been revoked)", id), func(c *ringCell) {
				c.reader.elements = append(slices.Clone(plain.elements),
					`<revocation version="1"><revocationDate>`+
						now.Format(time.RFC3339)+`</revocationDate><key id="`+what+
						`"/><reason/></revocation>`)
			})
	}
	same("certificate", "core_key_unreadable", certificateName(t, certificate),
		"(Unable to retrieve the decryption key)", func(c *ringCell) {
			_, sealed := key(10, under(t, certificate))
			c.issuer.elements = []string{old, sealed}
			c.issuer.certificates = []tls.Certificate{certificate}
			c.reader.elements = c.issuer.elements
		})
	same("DPAPI", "core_key_unreadable", "DPAPI", "(Key not valid for use in specified state)",
		func(c *ringCell) {
			c.reader.elements = []string{old, keyXML(random, id, 10, a, underDPAPI)}
		})
	same("Key Vault", "core_key_unreadable", "AzureKeyVaultXmlDecryptor",
		"(An exception occurred while processing the key element)", func(c *ringCell) {
			c.reader.elements = []string{old, keyXML(random, id, 10, a, func(string) string {
				return secretXML("AzureKeyVaultXmlDecryptor", "<encryptedKey/>")
			})}
		})

	// What the code says.
	for app, says := range map[string]string{"Other": `"Other", and the one of -keys is "Shop"`,
		"": `none, and the one of -keys is "Shop"`} {
		alone := "core_unknown"
		if app == "" {
			alone = "core_application" // tried without being asked
		}
		add("application name "+app, "core_application", alone, says, unprotect+" "+invalid,
			func(c *ringCell) { c.issuer.app = app })
	}
	for _, root := range [][2]string{{"/srv/shop/", "/srv/shop"}, {"/srv/shop", "/srv/shop/"},
		{`C:\shop\`, `C:\shop`}} {
		same("content root "+root[0], "core_application", "separator at its end", invalid,
			func(c *ringCell) {
				c.issuer.app, c.reader.app = root[0], root[1]
			})
	}
	same("scheme, a common one", "core_scheme", `"Identity.Application", and -keys reads "Cookies"`,
		invalid, func(c *ringCell) {
			c.issuer.scheme = "Identity.Application"
		})
	same("scheme, any", "core_scheme", `"Acme v2"`, invalid,
		func(c *ringCell) { c.issuer.scheme = "Acme v2" })
	add("scheme, any, under one name", "core_scheme", "core_unknown", `"Acme"`, invalid,
		func(c *ringCell) {
			c.issuer.scheme, c.issuer.cookie, c.reader.cookie = "Acme", ".Shared", ".Shared"
		})
	for _, scheme := range []string{"Identity.External", "Identity.TwoFactorUserId"} {
		same("scheme "+scheme, "core_external", "between two steps of a sign-in", invalid,
			func(c *ringCell) { c.issuer.scheme = scheme })
	}
	same("cookie name", "cookie_name", `under the name .AspNetCore.Cookies`, "",
		func(c *ringCell) { c.issuer.cookie = ".SITE" })
	large := func(t testing.TB, h half, keys sessiontoken.Keys) string { return h.ticket(t, keys, ann(60), now) }
	same("chunks of ASP.NET Core", doctor.CodeOK, "", "", func(c *ringCell) { c.issue = large })
	same("cookie manager", "core_chunks", "(chunks:)", unprotect, func(c *ringCell) {
		c.issue = large
		c.issuer.cookie, c.reader.cookie = ".AspNet.Shared", ".AspNet.Shared"
		c.send = func(t testing.TB, name, text string) doctor.Input { return inChunks(t, chunks.Katana, name, text) }
	})
	same("a chunk is lost", "missing_chunk", "C2 is not in the request", unprotect,
		func(c *ringCell) {
			c.issue = large
			c.send = func(t testing.TB, name, text string) doctor.Input {
				first, _, _ := strings.Cut(inChunks(t, chunks.Core, name,
					text).Request.Header.Get("Cookie"), "; "+name+"C2=")
				return header(first)
			}
		})
	same("SessionStore", "reference_mode", "SessionStore of the .NET", unprotect,
		func(c *ringCell) {
			c.issue = func(t testing.TB, h half, keys sessiontoken.Keys) string { return h.storedTicket(t, keys) }
		})
	add("SecurityStamp", "identity_stamp", "identity_stamp",
		"nameidentifier and AspNet.Identity.SecurityStamp", "Security stamp validation failed", func(c *ringCell) {
			c.issuer.scheme, c.reader.scheme = "Identity.Application", "Identity.Application"
		})
	same("an identity without a type", "not_authenticated", "authentication type", "",
		func(c *ringCell) {
			c.issue = func(t testing.TB, h half, keys sessiontoken.Keys) string {
				p := ann(0)
				p.Identities[0].AuthenticationType = ""
				return h.ticket(t, keys, p, now)
			}
		})

	// What is protected.
	const class = "Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware"
	other := func(setting, code, says string, purposes ...string) {
		same(setting, code, says, invalid, func(c *ringCell) {
			c.issue = func(t testing.TB, h half, keys sessiontoken.Keys) string {
				return protect(t, keys, "12345678 text", purposes...)
			}
		})
	}
	other("time-limited", "core_time_limited", "time-limited text", class, "Cookies", "v2",
		"Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1")
	other("antiforgery", "core_purpose", "it is an antiforgery token",
		"Microsoft.AspNetCore.Antiforgery.AntiforgeryToken.v1")
	other("session", "core_purpose", "it is the key of a session", "SessionMiddleware")
	other("state of OpenID Connect", "core_purpose", "state",
		"Microsoft.AspNetCore.Authentication.OpenIdConnect.OpenIdConnectHandler",
		"OpenIdConnect", "v1")
	other("bearer token", "core_purpose", "access token",
		"Microsoft.AspNetCore.Authentication.BearerToken", "BearerToken", "BearerToken")
	other("CompatibilityDataProtector", "core_purpose", "forms authentication ticket",
		"FormsAuthentication.Ticket")
	other("own purposes", "core_unknown", "scheme or purpose is another", "Acme.Cart", "v1")

	// The way, and the clock.
	same("the other alphabet", "core_text", "not as .NET writes it", unprotect, func(c *ringCell) {
		c.send = func(t testing.TB, name, text string) doctor.Input {
			return header(name + "=" + strings.NewReplacer("-", "+", "_", "/").Replace(text))
		}
	})
	for _, n := range []int{3, 17} {
		code := "truncated"
		if strings.Contains(invalid, "tag") {
			code = "core_unknown" // any number of bytes
		}
		same(fmt.Sprintf("cut by %d characters", n), code, "", "", func(c *ringCell) {
			c.send = func(t testing.TB, name, text string) doctor.Input { return header(name + "=" + text[:len(text)-n]) }
		})
	}
	same("quotes", "quoted", "Quotes were put around", "", func(c *ringCell) {
		c.send = func(t testing.TB, name, text string) doctor.Input { return header(name + `="` + text + `"`) }
	})
	same("another text", "core_text", "begins with CfDJ8", unprotect, func(c *ringCell) {
		c.send = func(t testing.TB, name, text string) doctor.Input {
			return header(name + "=" + strings.Repeat("YWJj", 40))
		}
	})
	same("a handshake", "no_cookie", "a mark of a sign-in on its way", "", func(c *ringCell) {
		c.send = func(t testing.TB, name, text string) doctor.Input { return header(".AspNetCore.Correlation.abc=N") }
	})
	at := func(setting, code, says, dotnet string, when time.Time) {
		same(setting, code, says, dotnet, func(c *ringCell) {
			c.issue = func(t testing.TB, h half, keys sessiontoken.Keys) string { return h.ticket(t, keys, ann(0), when) }
		})
	}
	at("clock behind", "expired", "it ended at 2026-02-15", expiry, now.AddDate(0, 0, -28))
	at("clock ahead", doctor.CodeOK, "", "", now.Add(2*time.Hour))
	return list
}

// certificateName is what the error of a key says of the certificate that it needs.
func certificateName(t testing.TB, c tls.Certificate) string {
	return fmt.Sprintf("serial number %X",
		must[*x509.Certificate](t)(x509.ParseCertificate(c.Certificate[0])).SerialNumber)
}

// TestRingMatrix changes one setting of the issuing node at a time, under every algorithm and in
// every kind of store. The other node must name exactly that setting. By default it takes every
// seventh algorithm, and folders, which need no server.
func TestRingMatrix(t *testing.T) {
	step, stores := share.OneIn(t, 7), stores
	if step > 1 {
		stores = stores[:1]
	}
	certificate := burntCertificate(t)
	var cells atomic.Int64
	t.Cleanup(func() { t.Logf("%d cells", cells.Load()) })
	n := 0
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := kind.start(t)
			for _, a := range algorithms() {
				if n++; n%step != 0 {
					continue
				}
				t.Run(a.name, func(t *testing.T) {
					random := seed.Of(t)
					for _, c := range ringCells(t, a, certificate, random) {
						cells.Add(1)
						c.examine(t, s, random)
					}
				})
			}
		})
	}
}

// examine examines the cookie of a cell with both rings, with that of the reader, and as bare text.
func (c ringCell) examine(t *testing.T, s store, random *seed.Stream) {
	t.Helper()
	keys := c.issuer.keys(t, s, random)
	var text string
	if c.issue != nil {
		text = c.issue(t, c.issuer, keys)
	} else {
		text = c.issuer.ticket(t, keys, ann(0), now)
	}
	send := c.send
	if send == nil {
		send = oneCookie
	}
	in := send(t, c.issuer.name(), text)
	bare := c.alone
	switch { // which shows no name, and nothing of the way
	case c.setting == "cookie name", c.send != nil:
		bare = doctor.CodeOK
	case c.setting == "scheme, any":
		bare = "core_unknown"
	}
	a, b := c.reader.node(t, s, "-keys"), c.issuer.node(t, memory, "-other-keys")
	for _, given := range []struct {
		what, want string
		nodes      []*doctor.Node
	}{
		{"both rings", c.both, []*doctor.Node{a, b}},
		{"one ring", c.alone, []*doctor.Node{a}},
		{"bare text", bare, []*doctor.Node{a}},
	} {
		if given.what == "bare text" {
			in = doctor.Input{Text: text}
		}
		r := doctor.Examine(ctx, given.nodes, in, doctor.Options{Now: now})
		v := r.Credentials[0].Verdicts[0]
		got := codesOf(v)
		if got != given.want || len(r.Credentials) != 1 {
			t.Errorf("%s, %s: %s, want %s\n%s", c.setting, given.what, got, given.want,
				r.Finding.Sentence)
		}
		if given.want == doctor.CodeOK || len(given.nodes) == 1 {
			continue
		}
		f := v.Findings[0]
		if !strings.Contains(f.Sentence, c.says) || !strings.Contains(f.DotNet, c.dotnet) {
			t.Errorf("%s: %q (.NET: %q), want %q and %q", c.setting, f.Sentence, f.DotNet,
				c.says, c.dotnet)
		}
		if strings.ContainsAny(f.Sentence+f.Fix.Text, "{}") || f.Fix.Text == "" {
			t.Errorf("%s: %q, fix %q", c.setting, f.Sentence, f.Fix.Text)
		}
	}
}
