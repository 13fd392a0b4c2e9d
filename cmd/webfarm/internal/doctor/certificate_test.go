package doctor_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/rsacookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// rsaVectors is sessiontoken_rsa.json.
type rsaVectors struct {
	RSAKeys map[string]struct{ PEM string }
	Vectors []struct {
		Name, EncryptionKey, SigningKey, HashName string
		Cookies                                   []struct{ Name, Value string }
		Expected                                  struct {
			ValidFromTicks int64 `json:",string"`
		}
	}
}

// certificateChains are the transforms of a certificate with either hash.
func certificateChains(t testing.TB, pem string) [][]sessiontoken.Protector {
	t.Helper()
	certificate := must[*rsacookie.Key](t)(rsacookie.ParseKey([]byte(pem))).TLS()
	var list [][]sessiontoken.Protector
	for _, sha1 := range []bool{false, true} {
		list = append(list,
			must[[]sessiontoken.Protector](t)(sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{
				Certificates: []tls.Certificate{certificate}, InsecureSHA1: sha1,
				InsecureSmallRSA: true})))
	}
	return list
}

// TestCertificateVectors examines every recorded session under a certificate
// with every certificate, on nodes with each session handler.
func TestCertificateVectors(t *testing.T) {
	var file rsaVectors
	readVectors(t, "sessiontoken_rsa.json", &file)
	if len(file.Vectors) != 11 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	chains := map[string][][]sessiontoken.Protector{"": nil}
	for name, key := range file.RSAKeys {
		chains[name] = certificateChains(t, key.PEM)
	}
	base := fresh(t)
	nodes := map[string]*doctor.Node{}
	for _, handler := range []string{"machineKey", "custom", "default"} {
		nodes[handler] = base.with(func(s *site) { s.handler = handler }).node(t, "web.config")
	}
	for _, v := range file.Vectors {
		line := ""
		for _, c := range v.Cookies {
			line += c.Name + "=" + c.Value + "; "
		}
		from := time.Unix(v.Expected.ValidFromTicks/10_000_000-62135596800+1, 0)
		for name, chain := range chains {
			for handler, n := range nodes {
				code, says := "certificate", "not with the given one"
				switch {
				case name == "":
					says = "signed and encrypted with a certificate"
				case name == v.SigningKey && name != v.EncryptionKey:
					says = "encrypted for another one"
				case name == v.SigningKey && handler == "machineKey":
					says = "opens with the given certificate"
				case name == v.SigningKey:
					code, says = doctor.CodeOK, "reads"
				}
				o := doctor.Options{Now: from, Certificate: chain}
				r := doctor.Examine(ctx, []*doctor.Node{n}, header(line), o)
				if r.Code != code || !strings.Contains(r.Finding.Sentence, says) ||
					r.OK != (code == doctor.CodeOK) {
					t.Errorf("%s with %q on a node with handler %s: %s: %s", v.Name, name, handler,
						r.Code, r.Finding.Sentence)
				}
				if code != doctor.CodeOK {
					continue
				}
				if r.Credentials[0].To == nil || len(r.Credentials[0].Layers) < 4 {
					t.Errorf("%s: layers %v", v.Name, r.Credentials[0].Layers)
				}
				o.Now = from.AddDate(200, 0, 0)
				if r = doctor.Examine(ctx, []*doctor.Node{n}, header(line),
					o); r.Code != "expired" {
					t.Errorf("%s after 200 years: %s: %s", v.Name, r.Code, r.Finding.Sentence)
				}
			}
		}
	}
}

// A certificate that was given for nothing changes no finding.
func TestCertificateBesideMachineKey(t *testing.T) {
	var file rsaVectors
	readVectors(t, "sessiontoken_rsa.json", &file)
	chain := certificateChains(t, file.RSAKeys["rsa2048"].PEM)
	for _, tt := range []struct{ handler, code string }{{"machineKey", doctor.CodeOK},
		{"default", "dpapi"}} {
		s := fresh(t)
		in := header("FedAuth=" + s.session(t, nil, 0))
		n := s.with(func(s *site) { s.handler = tt.handler }).node(t, "web.config")
		if r := doctor.Examine(ctx, []*doctor.Node{n}, in,
			doctor.Options{Now: now, Certificate: chain}); r.Code != tt.code {
			t.Errorf("handler %s: %s: %s", tt.handler, r.Code, r.Finding.Sentence)
		}
	}
}
