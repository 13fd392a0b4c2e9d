package doctor_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	resolved "github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// broken is a situation in which a node refuses a credential.
type broken struct {
	site    site  // the node
	other   *site // the second node
	input   doctor.Input
	options doctor.Options
	// repaired is what the fix says to send instead, where it is not a setting.
	repaired *doctor.Input
	retry    *doctor.Options // the options to examine the repaired input with
}

// TestDiagnoses builds every situation, and wants the code, a piece of the
// sentence, and where the fix is a setting that it makes the credential read.
func TestDiagnoses(t *testing.T) {
	tests := []struct {
		name  string
		code  string
		says  string // a part of the sentence
		fixed bool   // applying the settings makes it read
		build func(t *testing.T) broken
	}{
		{"the node is in a legacy mode, the ticket of Framework45", "compatibility_mode",
			"written in compatibility mode Framework45", true, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.mode = "Framework20SP2" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"the node is in Framework45, the ticket of a legacy mode", "compatibility_mode",
			"Framework20SP1 or Framework20SP2", false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				return broken{site: a.with(func(s *site) { s.mode = "Framework45" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"targetFramework decides the mode", "compatibility_mode", `by targetFramework="4.8"`,
			false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				return broken{site: a.with(func(s *site) { s.mode, s.target = "", "4.8" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"no targetFramework", "compatibility_mode", "without a targetFramework of 4.5", true,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.mode = "" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"validation of a session", "validation_algorithm",
			`validation="HMACSHA256", and node-a.config says "SHA1"`, true, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validation = "SHA1" }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"validation of a ticket of a legacy mode", "validation_algorithm", `"HMACSHA512"`, true,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode, s.validation = "Framework20SP2", "HMACSHA512" })
				return broken{site: a.with(func(s *site) { s.validation = "HMACSHA384" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"validation MD5", "validation_algorithm", `"MD5"`, false, func(t *testing.T) broken {
			a := fresh(t).with(func(s *site) { s.mode, s.validation = "Framework20SP1", "MD5" })
			return broken{site: a.with(func(s *site) { s.validation = "SHA1" }),
				input: header(".ASPXAUTH=" + a.forms(t))}
		}},
		{"decryption of a Katana cookie", "decryption_algorithm",
			`decryption="3DES", and node-a.config says "AES"`, false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.decryption, s.decryptionKey = "3DES", s.decryptionKey[:48] })
				return broken{site: a.with(func(s *site) { s.decryption = "AES" }),
					input: header(".AspNet.ApplicationCookie=" + a.katana(t, "ApplicationCookie"))}
			}},
		{"decryption of a ticket of a legacy mode", "decryption_algorithm", `decryption="DES"`,
			false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode, s.decryption = "Framework20SP1", "DES" })
				return broken{site: a.with(func(s *site) { s.decryption = "AES" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"exchanged keys of one length", "swapped_keys", "exchanged in node-a.config", true,
			func(t *testing.T) broken {
				a := fresh(t)
				a.validationKey = a.validationKey[:64]
				return broken{site: a.with(func(s *site) { s.validationKey, s.decryptionKey = s.decryptionKey, s.validationKey }), input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"exchanged keys that the ciphers refuse", "swapped_keys", "exchanged in node-a.config",
			true, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validationKey, s.decryptionKey = s.decryptionKey, s.validationKey }), input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"another key of the farm", "other_key", "the machine key of node-b.config", true,
			func(t *testing.T) broken {
				b := fresh(t)
				return broken{site: fresh(t), other: &b,
					input: header("FedAuth=" + b.session(t, nil, 0))}
			}},
		{"another decryptionKey of the farm", "other_key",
			"another one (the validationKey is the same)", true, func(t *testing.T) broken {
				a := fresh(t)
				b := a.with(func(s *site) { s.decryptionKey = fresh(t).decryptionKey })
				return broken{site: a, other: &b, input: header(".ASPXAUTH=" + b.forms(t))}
			}},
		{"a decryptionKey that no file has", "decryption_key",
			"signed with the validationKey of node-a.config", false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.decryptionKey = fresh(t).decryptionKey }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"a key that no file has", "unknown_key", "No key of node-a.config opens", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t),
					input: header("FedAuth=" + fresh(t).session(t, nil, 0))}
			}},
		{"a changed cookie", "unknown_key", "changed on its way", false, func(t *testing.T) broken {
			a := fresh(t)
			text := []byte(a.forms(t))
			text[20] = "123456789abcdef0"[strings.IndexByte("0123456789abcdef", text[20]|0x20)%16] // another hex digit
			return broken{site: a, input: header(".ASPXAUTH=" + string(text))}
		}},
		{"another common AuthenticationType", "authentication_type",
			`"Cookies", not "ApplicationCookie"`, false, func(t *testing.T) broken {
				a := fresh(t)
				in := header(".AspNet.ApplicationCookie=" + a.katana(t, "Cookies"))
				return broken{site: a, input: in, repaired: &in,
					retry: &doctor.Options{AuthType: "Cookies"}}
			}},
		{"a Katana cookie under the session's name", "other_credential",
			`a session of WIF 4.5 and holds a Katana cookie of the AuthenticationType "ExternalCookie"`, false, func(t *testing.T) broken {
				a := fresh(t)
				in := header("FedAuth=" + a.katana(t, "ExternalCookie"))
				return broken{site: a, input: in, repaired: &in,
					retry: &doctor.Options{Kind: doctor.Katana, Name: "FedAuth",
						AuthType: "ExternalCookie"}}
			}},
		{"a session under the forms cookie's name", "other_credential",
			"should hold a forms authentication ticket and holds a session of WIF 4.5", false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header(".ASPXAUTH=" + a.session(t, nil, 0))}
			}},
		{"a forms ticket under the session's name", "other_credential",
			"holds a forms authentication ticket", false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header("FedAuth=" + a.forms(t))}
			}},
		{"a role cookie under the forms cookie's name", "other_credential", "holds a role cookie",
			false, func(t *testing.T) broken {
				a := fresh(t)
				protector := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).CookieProtector(machinekey.LegacyOptions{},
					machinekey.RolePurpose))
				payload := append([]byte{0, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0},
					"the rest"...)
				return broken{site: a, input: header(".ASPXAUTH=" +
					must[string](t)(rolecookie.Encode(protector, payload)))}
			}},
		{"an anonymous id under the role cookie's name", "other_credential",
			"holds an anonymous id", false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header(".ASPXROLES=" +
					a.anonymousID(t, machinekey.Framework45, machinekey.ProtectionAll))}
			}},
		{"an access token under the name of a Katana cookie", "other_credential",
			"holds an OAuth access token", false, func(t *testing.T) broken {
				a := fresh(t)
				codec := must[*sessiontoken.KatanaCodec](t)(sessiontoken.NewKatanaCodec(a.ring(t,
					machinekey.Framework45, doctor.Isolation{}), sessiontoken.AccessToken("Bearer"),
					&sessiontoken.KatanaOptions{Now: at(now)}))
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					must[string](t)(codec.Encode(ctx, codec.NewTicket(ann(0).Identities[0], nil))))}
			}},
		{"MachineKey.Protect without purposes", "purposes", "MachineKey.Protect without purposes",
			false, func(t *testing.T) broken {
				a := fresh(t)
				p := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).Protector(machinekey.UserPurpose))
				return broken{site: a, input: header("FedAuth=" +
					base64.StdEncoding.EncodeToString(must[[]byte](t)(p.Protect(nil,
						[]byte("what the site likes")))))}
			}},
		{"a legacy signature under Katana's name", "purposes", "signs in the legacy way", false,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					base64.RawURLEncoding.EncodeToString(must[[]byte](t)(hex.DecodeString(a.forms(t)))))}
			}},
		{"the state of a remote sign-in", "purposes", "the state of a sign-in with Google", false,
			func(t *testing.T) broken {
				a := fresh(t)
				protector := must[sessiontoken.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).Protector(machinekey.UserPurpose, katana.StateGoogle,
					"Google", "v1"))
				state := must[[]byte](t)(katana.AppendState(nil, [][2]string{{".redirect", "/"}}))
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					base64.RawURLEncoding.EncodeToString(must[[]byte](t)(protector.Protect(nil,
						state))))}
			}},
		{"a session under DPAPI", "dpapi", "sealed with the Windows DPAPI", false,
			func(t *testing.T) broken {
				blob := append([]byte("\x01\x00\x00\x00\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb"), make([]byte, 200)...)
				return broken{site: fresh(t).with(func(s *site) { s.handler = "default" }),
					input: header("FedAuth=" + envelope(blob))}
			}},
		{"the node's own handler uses DPAPI", "dpapi", "has WIF's default session handler", true,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.handler = "default" }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"a DPAPI blob in a Katana cookie", "dpapi", "outside of IIS", false,
			func(t *testing.T) broken {
				blob := append([]byte("\x01\x00\x00\x00\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb"), make([]byte, 99)...)
				return broken{site: fresh(t), input: header(".AspNet.ApplicationCookie=" +
					base64.RawURLEncoding.EncodeToString(blob))}
			}},
		{"a certificate in place of the machine key", "certificate", "RSA, 2048 bits", false,
			func(t *testing.T) broken {
				a := fresh(t)
				key := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
				transforms := must[[]sessiontoken.Protector](t)(sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{Certificates: []tls.Certificate{{PrivateKey: key}}}))
				return broken{site: a, input: header("FedAuth=" +
					a.session(t, &sessiontoken.SessionOptions{Transforms: transforms}, 0))}
			}},
		{"an ASP.NET Core cookie", "aspnet_core", "ASP.NET Core Data Protection", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t), input: header(".AspNetCore.Cookies=CfDJ8" +
					strings.Repeat("Ab3_", 60))}
			}},
		{"an ASP.NET Core cookie under Katana's name", "aspnet_core",
			"ASP.NET Core Data Protection", false, func(t *testing.T) broken {
				return broken{site: fresh(t), input: header(".AspNet.SharedCookie=CfDJ8" +
					strings.Repeat("Ab3_", 60))}
			}},
		{"a JSON Web Token", "jwt", "JSON Web Token", false, func(t *testing.T) broken {
			in := doctor.Input{Request: &http.Request{Header: http.Header{"Authorization": {"Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2ln"}}}}
			return broken{site: fresh(t), input: in}
		}},
		{"WIF 1.0 on a node of 4.5, same handler", "session_handler",
			"sealed with MachineKey.Encode", false, func(t *testing.T) broken {
				a := fresh(t)
				in := header("FedAuth=" + a.with(func(s *site) { s.wif10 = true }).session(t, nil,
					0))
				return broken{site: a, input: in, repaired: &in,
					retry: &doctor.Options{Kind: doctor.WIF10}}
			}},
		{"WIF 4.5 on a node of 1.0", "session_handler", "sealed with MachineKey.Protect", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.wif10 = true }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"WIF 1.0 under MachineKey.Protect", "wif_generation", "is a session of WIF 1.0", false,
			func(t *testing.T) broken {
				a := fresh(t)
				last := must[sessiontoken.Protector](t)(sessiontoken.MachineKeyTransform(a.ring(t,
					machinekey.Framework45, doctor.Isolation{})))
				b := a.with(func(s *site) { s.wif10 = true })
				return broken{site: a, input: header("FedAuth=" +
					b.session(t,
						&sessiontoken.SessionOptions{Transforms: []sessiontoken.Protector{sessiontoken.DeflateTransform(), last}}, 0))}
			}},
		{"a chunk missing in the middle", "missing_chunk", "FedAuth1 is missing from the request",
			false, func(t *testing.T) broken {
				a := fresh(t)
				parts := cut(t, chunks.WIF, "FedAuth", a.session(t, nil, 60), 2000)
				whole := header(strings.Join(parts, "; "))
				return broken{site: a, input: header(parts[0] + "; " +
					strings.Join(parts[2:], "; ")), repaired: &whole}
			}},
		{"the last chunk missing", "missing_chunk", "FedAuth2 is missing from the request", false,
			func(t *testing.T) broken {
				a := fresh(t)
				parts := cut(t, chunks.WIF, "FedAuth", a.session(t, nil, 60), 2000)
				return broken{site: a, input: header(strings.Join(parts[:2], "; "))}
			}},
		{"the first chunk missing", "missing_chunk", "carries FedAuth1 but not FedAuth", false,
			func(t *testing.T) broken {
				a := fresh(t)
				parts := cut(t, chunks.WIF, "FedAuth", a.session(t, nil, 60), 2000)
				return broken{site: a, input: header(strings.Join(parts[1:], "; "))}
			}},
		{"a chunk of Katana missing", "missing_chunk",
			".AspNet.ApplicationCookieC2 is not in the request", false, func(t *testing.T) broken {
				a := fresh(t)
				parts := cut(t, chunks.Katana, ".AspNet.ApplicationCookie",
					a.katana(t, "ApplicationCookie"), 200)
				return broken{site: a, input: header(strings.Join(append(parts[:2:2], parts[3:]...),
					"; "))}
			}},
		{"a stale chunk", "stale_chunk", "before FedAuth1", false, func(t *testing.T) broken {
			a := fresh(t)
			old := cut(t, chunks.WIF, "FedAuth", a.session(t, nil, 60), 2000)
			good := header("FedAuth=" + a.session(t, nil, 0))
			return broken{site: a, input: header("FedAuth=" + a.session(t, nil, 0) + "; " + old[1]),
				repaired: &good}
		}},
		{"two cookies of one name", "duplicate_cookie", "two cookies named FedAuth", false,
			func(t *testing.T) broken {
				a := fresh(t)
				good := a.session(t, nil, 0)
				in := header("FedAuth=" + good)
				return broken{site: a, input: header("FedAuth=" + fresh(t).session(t, nil, 0) +
					"; FedAuth=" + good), repaired: &in}
			}},
		{"a session cut off by a proxy", "truncated", "in the middle of its XML", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header("FedAuth=" + a.session(t, nil, 0)[:777])}
			}},
		{"a ticket cut off at an odd digit", "truncated", "odd number of hex digits", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header(".ASPXAUTH=" + a.forms(t)[:151])}
			}},
		{"a ticket cut off", "truncated", "a number that no cipher and signature", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header(".ASPXAUTH=" + a.forms(t)[:150])}
			}},
		{"a Katana cookie cut off", "truncated", "its end is missing", false,
			func(t *testing.T) broken {
				a := fresh(t)
				text := a.katana(t, "ApplicationCookie")
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					text[:len(text)/4*4-3])}
			}},
		{"a Katana cookie with a letter it cannot have", "truncated", "no key could be tried",
			false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					a.katana(t, "ApplicationCookie")[:40] + "*")}
			}},
		{"encoded once", "url_encoded", "percent-encoded on its way (once)", false,
			func(t *testing.T) broken {
				a := fresh(t)
				text := a.session(t, nil, 0)
				good := header("FedAuth=" + text)
				return broken{site: a, input: header("FedAuth=" + url.QueryEscape(text)),
					repaired: &good}
			}},
		{"encoded twice", "url_encoded", "2 times over", false, func(t *testing.T) broken {
			a := fresh(t)
			text := a.session(t, nil, 0)
			return broken{site: a, input: header("FedAuth=" +
				url.QueryEscape(url.QueryEscape(text)))}
		}},
		{"plus signs as blanks", "plus_to_blank", "became blanks", false,
			func(t *testing.T) broken {
				a := fresh(t)
				text := a.session(t, nil, 0)
				for !strings.Contains(text, "+") {
					text = a.session(t, nil, 0)
				}
				good := header("FedAuth=" + text)
				return broken{site: a, input: header("FedAuth=" +
					strings.ReplaceAll(text, "+", " ")), repaired: &good}
			}},
		{"quotes", "quoted", "Quotes were put around", false, func(t *testing.T) broken {
			a := fresh(t)
			text := a.forms(t)
			good := header(".ASPXAUTH=" + text)
			return broken{site: a, input: header(`.ASPXAUTH="` + text + `"`), repaired: &good}
		}},
		{"another path", "endpoint",
			`issued for the cookie path "/shop/", and this node's is "/Shop/"`, true, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.path = "/Shop/" })
				return broken{site: a, input: header("FedAuth=" +
					a.session(t, &sessiontoken.SessionOptions{Endpoint: "/shop/"}, 0))}
			}},
		{"another path in WIF 1.0", "endpoint", `"/shop/"`, true, func(t *testing.T) broken {
			a := fresh(t).with(func(s *site) { s.path, s.wif10 = "/", true })
			return broken{site: a, input: header("FedAuth=" +
				a.session(t, &sessiontoken.SessionOptions{Endpoint: "/shop/"}, 0))}
		}},
		{"an expired session", "expired", "2h00m before", false, func(t *testing.T) broken {
			a := fresh(t)
			in := header("FedAuth=" + a.session(t,
				&sessiontoken.SessionOptions{Now: at(now.Add(-12 * time.Hour))}, 0))
			return broken{site: a, input: in, repaired: &in,
				retry: &doctor.Options{Now: now.Add(-3 * time.Hour)}}
		}},
		{"an expired ticket", "expired", "15m before", false, func(t *testing.T) broken {
			a := fresh(t)
			return broken{site: a, input: header(".ASPXAUTH=" +
				a.formsOf(t, a.ring(t, machinekey.Framework45, doctor.Isolation{}), "",
					now.Add(-45*time.Minute)))}
		}},
		{"a session that begins later", "not_yet_valid", "9m after", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header("FedAuth=" +
					a.session(t, &sessiontoken.SessionOptions{Now: at(now.Add(9 * time.Minute))},
						0))}
			}},
		{"a session of WIF 1.0 that begins later", "not_yet_valid", "9m after", false,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.wif10 = true })
				return broken{site: a, input: header("FedAuth=" +
					a.session(t, &sessiontoken.SessionOptions{Now: at(now.Add(9 * time.Minute))},
						0))}
			}},
		{"reference mode", "reference_mode", "only names a session (reference mode)", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a, input: header("FedAuth=" +
					a.session(t, &sessiontoken.SessionOptions{Store: new(nowhere)}, 0))}
			}},
		{"a session store of Katana", "reference_mode", "the session itself is in the store", false,
			func(t *testing.T) broken {
				a := fresh(t)
				codec := must[*sessiontoken.KatanaCodec](t)(sessiontoken.NewKatanaCodec(a.ring(t,
					machinekey.Framework45, doctor.Isolation{}),
					sessiontoken.Cookie("ApplicationCookie"),
					&sessiontoken.KatanaOptions{Store: new(nowhere), Now: at(now)}))
				return broken{site: a, input: header(".AspNet.ApplicationCookie=" +
					must[string](t)(codec.Encode(ctx, codec.NewTicket(ann(0).Identities[0], nil))))}
			}},
		{"a ticket over 4096 characters", "too_long", "of more than 4096", false,
			func(t *testing.T) broken {
				a := fresh(t)
				p := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).Protector(machinekey.FormsPurpose))
				return broken{site: a, input: header(".ASPXAUTH=" +
					hex.EncodeToString(must[[]byte](t)(p.Protect(nil, make([]byte, 3000)))))}
			}},
		{"keys bound to an application, a ticket of the plain key", "isolated_key",
			"was written with the plain key", true, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				return broken{site: a.with(func(s *site) { s.validationKey += ",IsolateApps"; s.decryptionKey += ",IsolateApps" }), input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"words behind the keys in Framework45", "isolated_key", "was written with the plain key",
			true, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validationKey += ",IsolateByAppId" }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"keys bound to an application, a ticket of such a key", "isolated_key",
			"cannot be computed", false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				iso := isolated(4711)
				text := a.formsOf(t, a.ring(t, machinekey.Framework20SP1, iso), "", now)
				return broken{site: a.with(func(s *site) { s.validationKey += ",IsolateApps"; s.decryptionKey += ",IsolateApps" }), input: header(".ASPXAUTH=" + text)}
			}},
		{"the same with the hash", "isolated_key", "written by this one application", false,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				iso := isolated(4711)
				text := a.formsOf(t, a.ring(t, machinekey.Framework20SP1, iso), "", now)
				return broken{site: a.with(func(s *site) { s.validationKey += ",IsolateApps"; s.decryptionKey += ",IsolateApps" }), input: header(".ASPXAUTH=" + text),
					options: doctor.Options{Isolation: iso}}
			}},
		{"the writer's keys are bound to an application", "isolated_key",
			"the node that wrote it has ,IsolateApps", false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				id := int32(-5)
				iso := doctor.Isolation{AppIDHash: &id}
				return broken{site: a, input: header(".ASPXAUTH=" +
					a.formsOf(t, a.ring(t, machinekey.Framework20SP1, iso), "", now)),
					options: doctor.Options{Isolation: iso}}
			}},
		{"generated keys", "auto_generated_key", "each machine has one of its own", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validationKey, s.decryptionKey = "AutoGenerate,IsolateApps", "AutoGenerate" }), input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"generated keys, and the other node has fixed ones", "auto_generated_key",
			"fixed keys of node-b.config", true, func(t *testing.T) broken {
				b := fresh(t)
				return broken{site: b.with(func(s *site) { s.validationKey, s.decryptionKey = "AutoGenerate,IsolateApps", "AutoGenerate" }), other: &b, input: header("FedAuth=" + b.session(t, nil, 0))}
			}},
		{"protection in a legacy mode", "forms_protection",
			`protection="Encryption", and node-a.config says "All"`, false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode, s.protection = "Framework20SP2", "Encryption" })
				return broken{site: a.with(func(s *site) { s.protection = "All" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"protection Validation in a legacy mode", "forms_protection", `protection="Validation"`,
			false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode, s.protection = "Framework20SP1", "Validation" })
				return broken{site: a.with(func(s *site) { s.protection = "All" }),
					input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"protection of anonymous ids", "forms_protection", `cookieProtection="Validation"`, false,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
				return broken{site: a, input: header(".ASPXANONYMOUS=" +
					a.anonymousID(t, machinekey.Framework20SP1, machinekey.ProtectionValidation))}
			}},
		{"protection None", "forms_protection", `protection="None"`, false,
			func(t *testing.T) broken {
				s, text := vector(t, "fa-20SP1-protection-None")
				return broken{site: s, input: header(".ASPXAUTH=" + text),
					options: doctor.Options{AllowKnownKey: true}}
			}},
		{"a ticket without signature, SP1", "unsigned", "without a signature", false,
			func(t *testing.T) broken {
				s, text := vector(t, "fa-20SP1-uselegacyencryption")
				return broken{site: s, input: header(".ASPXAUTH=" + text),
					options: doctor.Options{AllowKnownKey: true,
						Now: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}}
			}},
		{"a ticket of before MS11-100", "old_layout", "before the security update of 2011", false,
			func(t *testing.T) broken {
				s, text := vector(t, "fa-20SP1-framework20-v1")
				return broken{site: s, input: header(".ASPXAUTH=" + text),
					options: doctor.Options{AllowKnownKey: true}}
			}},
		{"a ticket of before MS11-100 in Framework45", "old_layout",
			"before the security update of 2011", false, func(t *testing.T) broken {
				s, text := vector(t, "fa-45-framework20-v1")
				return broken{site: s, input: header(".ASPXAUTH=" + text),
					options: doctor.Options{AllowKnownKey: true}}
			}},
		{"a session without signature", "unsigned", "aspnet:UseLegacyMachineKeyEncryption", false,
			func(t *testing.T) broken {
				s, line, from := sessionVector(t, "legacy-encryption")
				return broken{site: s, input: header(line),
					options: doctor.Options{AllowKnownKey: true, Now: from}}
			}},
		{"a session without signature, SP1", "unsigned", "aspnet:UseLegacyMachineKeyEncryption",
			false, func(t *testing.T) broken {
				s, line, from := sessionVector(t, "legacy-encryption-sp1")
				return broken{site: s, input: header(line),
					options: doctor.Options{AllowKnownKey: true, Now: from}}
			}},
		{"chunks of ASP.NET Core", "aspnet_core", "ASP.NET Core Data Protection", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t),
					input: header("theme=dark; .AspNetCore.Cookies=chunks-2; .AspNetCore.CookiesC1=CfDJ8AAAA; .AspNetCore.CookiesC2=BBBB")}
			}},
		{"something else under the session's name", "other_credential",
			"does not hold the XML of a session", false, func(t *testing.T) broken {
				return broken{site: fresh(t), input: header("FedAuth=" + strings.Repeat("A", 400))}
			}},
		{"an encrypted section", "encrypted_section",
			"is encrypted, so no other machine can read it", false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.protected = true })
				return broken{site: a, input: header("FedAuth=" + fresh(t).session(t, nil, 0))}
			}},
		{"a key of the wrong length", "invalid_decryption_key",
			"cannot be used as it stands: decryptionKey has", false, func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.decryptionKey = s.decryptionKey[:20] }),
					input: header("FedAuth=" + fresh(t).session(t, nil, 0))}
			}},
		{"a custom algorithm", "custom_algorithm", "a class of its own", false,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validation = "alg:Acme" }),
					input: header("FedAuth=" + fresh(t).session(t, nil, 0))}
			}},
		{"validation MD5 in Framework45", "validation_algorithm", `"MD5"`, true,
			func(t *testing.T) broken {
				a := fresh(t)
				return broken{site: a.with(func(s *site) { s.validation = "MD5" }),
					input: header("FedAuth=" + a.session(t, nil, 0))}
			}},
		{"more than is searched", "too_large", "are not searched", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t), input: doctor.Input{Text: strings.Repeat("Ab3_",
					doctor.MaxText/4+1)}}
			}},
		{"two settings at once", "validation_algorithm", `"SHA1"`, false,
			func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode, s.validation, s.protection = "Framework20SP1", "SHA1", "Encryption" })
				return broken{site: a.with(func(s *site) { s.mode, s.validation, s.protection = "Framework20SP2", "HMACSHA256", "All" }), input: header(".ASPXAUTH=" + a.forms(t))}
			}},
		{"a known key", "known_key", "is publicly known", false, func(t *testing.T) broken {
			s, _ := vector(t, "fa-keyA-45-framework20-layout")
			in := header(".ASPXAUTH=" + s.forms(t))
			return broken{site: s, input: in, repaired: &in,
				retry: &doctor.Options{AllowKnownKey: true}}
		}},
		{"a weak key", "weak_key", "The validationKey of node-a.config is a key of 2 bytes", false,
			func(t *testing.T) broken {
				s := fresh(t).with(func(s *site) { s.validationKey = s.validationKey[:4] })
				in := header(".ASPXAUTH=" + s.forms(t))
				return broken{site: s, input: in, repaired: &in,
					retry: &doctor.Options{AllowWeakKey: true}}
			}},
		{"a weak key before all else", "weak_key",
			"The decryptionKey of node-a.config is a key that is one byte, repeated", false, func(t *testing.T) broken {
				s := fresh(t).with(func(s *site) { s.decryptionKey = strings.Repeat("5a", 32) })
				return broken{site: s, input: header(".ASPXAUTH=" + fresh(t).forms(t))}
			}},
		{"no cookie", "no_cookie", "does not carry the cookie FedAuth", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t), input: header("theme=dark")}
			}},
		{"a deleted cookie", "no_cookie", "is empty, as after a sign-out", false,
			func(t *testing.T) broken {
				return broken{site: fresh(t), input: header("FedAuth=")}
			}},
		{"another name", "cookie_name", "under the name .SITE", true, func(t *testing.T) broken {
			a := fresh(t)
			return broken{site: a.with(func(s *site) { s.formsName = ".SITE" }),
				input: header(".ASPXAUTH=" + a.forms(t))}
		}},
		{"nobody is authenticated", "not_authenticated", "none of its identities", false,
			func(t *testing.T) broken {
				a := fresh(t)
				codec := must[*sessiontoken.SessionCodec](t)(sessiontoken.NewSessionCodec(a.ring(t,
					machinekey.Framework45, doctor.Isolation{}),
					&sessiontoken.SessionOptions{Now: at(now)}))
				token := must[*sessiontoken.Token](t)(codec.NewToken(ann(0)))
				token.Principal.Identities[0].AuthenticationType = ""
				return broken{site: a, input: header("FedAuth=" +
					must[string](t)(codec.Encode(ctx, token)))}
			}},
		{"another payload", "decryption_key", "or it holds something else", false,
			func(t *testing.T) broken {
				a := fresh(t)
				p := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).Protector(
					machinekey.UserPurpose, "System.IdentityModel.Services.MachineKeyTransform"))
				return broken{site: a, input: header("FedAuth=" +
					envelope(must[[]byte](t)(p.Protect(nil,
						[]byte("\xff\xff no deflate stream")))))}
			}},
		{"another payload behind a deflate stream", "decryption_key", "or it holds something else",
			false, func(t *testing.T) broken {
				a := fresh(t)
				p := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework45,
					doctor.Isolation{}).Protector(
					machinekey.UserPurpose, "System.IdentityModel.Services.MachineKeyTransform"))
				return broken{site: a, input: header("FedAuth=" +
					envelope(must[[]byte](t)(p.Protect(nil, []byte("\x01\x02\x00\xfd\xffab")))))}
			}},
		{"another payload that the inner signature confirms", "payload",
			`is authentic, but what is inside is not a forms authentication ticket: the layer "forms ticket" does not read`, false, func(t *testing.T) broken {
				a := fresh(t).with(func(s *site) { s.mode = "Framework20SP2" })
				p := must[machinekey.Protector](t)(a.ring(t, machinekey.Framework20SP2,
					doctor.Isolation{}).CookieProtector(machinekey.LegacyOptions{},
					machinekey.FormsPurpose))
				return broken{site: a, input: header(".ASPXAUTH=" +
					hex.EncodeToString(must[[]byte](t)(p.Protect(nil, []byte("no ticket")))))}
			}},
		{"an expired ticket that nothing signs", "expired",
			"reads, although nothing in it is signed, but it ended at", false, func(t *testing.T) broken {
				s, text := vector(t, "fa-20SP1-protection-None")
				s.protection = "None"
				return broken{site: s, input: header(".ASPXAUTH=" + text),
					options: doctor.Options{AllowKnownKey: true, Now: now.AddDate(90, 0, 0)}}
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := test.build(t)
			files := map[string]string{"node-a.config": b.site.text()}
			nodes := []*doctor.Node{b.site.node(t, "node-a.config")}
			if b.other != nil {
				files["node-b.config"] = b.other.text()
				nodes = append(nodes, b.other.node(t, "node-b.config"))
			}
			if b.options.Now.IsZero() {
				b.options.Now = now
			}
			o, tried := b.options, 0
			o.Trying = func(credential string) {
				if tried++; !strings.HasPrefix(credential, "the ") {
					t.Errorf("trying %q", credential)
				}
			}
			r := doctor.Examine(ctx, nodes, b.input, o)
			if tried != len(r.Credentials) {
				t.Errorf("%d of %d credentials", tried, len(r.Credentials))
			}
			if r.OK || r.Code != test.code || !strings.Contains(r.Finding.Sentence, test.says) {
				t.Fatalf("ok %v, code %q, sentence %q\nwant  code %q, sentence with %q", r.OK,
					r.Code, r.Finding.Sentence, test.code, test.says)
			}
			if strings.ContainsAny(r.Finding.Sentence+r.Finding.Fix.Text, "{}") {
				t.Errorf("a place was left open: %q, %q", r.Finding.Sentence, r.Finding.Fix.Text)
			}
			if !strings.HasSuffix(r.Finding.Sentence, ".") ||
				strings.Contains(strings.TrimSuffix(r.Finding.Sentence, "."), ". ") {
				t.Errorf("not one sentence: %q", r.Finding.Sentence)
			}
			if r.Finding.Fix.Where == "" || r.Finding.Fix.Text == "" {
				t.Errorf("no fix: %+v", r.Finding.Fix)
			}
			for _, v := range r.Credentials[0].Verdicts {
				if v.OK != (v.Layer == "") || v.OK != (len(v.Findings) == 0) {
					t.Errorf("ok %v, layer %q, %d findings", v.OK, v.Layer, len(v.Findings))
				}
			}
			noSecrets(t, r, b.site, b.input)
			for _, f := range r.Credentials[0].Verdicts[0].Findings {
				keepsProtection(t, f.Fix, files)
			}

			if test.fixed {
				fixed := map[string]string{}
				for name, text := range files {
					fixed[name] = text
				}
				for _, f := range r.Credentials[0].Verdicts[0].Findings {
					if len(f.Fix.Settings) > 0 {
						fixed["node-a.config"] = apply(t, fixed["node-a.config"], f.Fix, files)
					}
				}
				nodes[0] = must[*doctor.Node](t)(parse("node-a.config",
					strings.NewReader(fixed["node-a.config"])))
				wantOK(t, doctor.Examine(ctx, nodes, b.input, b.options))
			}
			if b.repaired != nil {
				o := b.options
				if b.retry != nil {
					o = *b.retry
				}
				if o.Now.IsZero() {
					o.Now = now
				}
				wantOK(t, doctor.Examine(ctx, nodes, *b.repaired, o))
			}
		})
	}
}

func wantOK(t *testing.T, r *doctor.Report) {
	t.Helper()
	if !r.OK || r.Code != doctor.CodeOK {
		t.Fatalf("after the fix: ok %v, %s: %s", r.OK, r.Code, r.Finding.Sentence)
	}
}

// nowhere is a store that forgets.
type nowhere struct{}

func (nowhere) Get(context.Context, string) ([]byte, time.Time, error) {
	return nil, time.Time{}, sessiontoken.ErrNotInStore
}
func (nowhere) Put(context.Context, string, []byte, time.Time) error { return nil }
func (nowhere) Delete(context.Context, string) error                 { return nil }

// isolated are the hashes of an application.
func isolated(path int32) doctor.Isolation { return doctor.Isolation{AppPathHash: &path} }

// anonymousID issues the text of an anonymous id.
func (s site) anonymousID(t testing.TB, mode machinekey.Mode, p machinekey.Protection) string {
	t.Helper()
	codec := must[*sessiontoken.AnonymousCodec](t)(sessiontoken.NewAnonymousCodec(s.ring(t, mode,
		doctor.Isolation{}), &sessiontoken.FormsOptions{Protection: p, Now: at(now)}))
	return must[string](t)(codec.Encode(ctx, codec.NewID()))
}

// envelope is the text of a session with these protected bytes.
func envelope(protected []byte) string {
	return base64.StdEncoding.EncodeToString([]byte(`<SecurityContextToken p1:Id="_1" xmlns:p1="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"` +
		` xmlns="http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"><Identifier>urn:uuid:1</Identifier>` +
		`<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">` +
		base64.StdEncoding.EncodeToString(protected) + `</Cookie></SecurityContextToken>`))
}

// parse returns the node of a web.config.
func parse(name string, r io.Reader) (*doctor.Node, error) {
	s, err := resolved.Parse(name, r, nil)
	if err != nil {
		return nil, err
	}
	return doctor.New(s), nil
}
