package doctor_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// FuzzExamine gives any header and any web.config to the doctor: it never
// panics, there is a finding for every refused credential, the attempts are
// bounded, and nothing that a terminal would act on gets into a sentence.
func FuzzExamine(f *testing.F) {
	a := fresh(f)
	config := a.text()
	seeds := 0
	add := func(header, config string) {
		f.Add(header, config)
		seeds++
	}
	for _, name := range []string{"fa-20SP1-uselegacyencryption", "fa-45-framework20-v1",
		"fa-20SP1-protection-None", "fa-20SP2-protection-All"} {
		s, text := vector(f, name)
		add(".ASPXAUTH="+text, s.text())
		add("FedAuth="+text+"; .ASPXROLES="+text+"; .ASPXANONYMOUS="+text, s.text())
	}
	var katana struct{ Vectors []struct{ Text *string } }
	readVectors(f, "owin.json", &katana)
	for _, v := range katana.Vectors[:min(10, len(katana.Vectors))] {
		if v.Text != nil {
			add(".AspNet.Cookies=chunks:2; .AspNet.CookiesC1="+*v.Text+
				"; .AspNet.CookiesC2=", config)
		}
	}
	s, line, _ := sessionVector(f, "legacy-encryption")
	add(line, s.text())
	add("FedAuth="+a.session(f, nil, 0), config)
	add(".AspNet.ApplicationCookie="+a.katana(f, "Cookies"),
		a.with(func(s *site) { s.validationKey += ",IsolateApps" }).text())
	add("FedAuth=%257%2",
		a.with(func(s *site) { s.validationKey, s.decryptionKey = s.decryptionKey, "AutoGenerate" }).text())
	add("theme=dark", a.with(func(s *site) { s.sessionName = "Fed\x7fAuth" }).text())
	for _, text := range []string{"", "=", ";", "FedAuth", "FedAuth=;FedAuth1", "\x00\xff=\x1b[2J",
		`FedAuth="=="`, "FedAuth= + +", ".AspNet.=1", ".AspNetCore.=chunks-1", "FedAuth1=A; FedAuth=B; FedAuth=C"} {
		add(text, config)
	}
	for _, text := range []string{jwt, samlXML, "SQSession=" + a.session(f, nil, 0),
		"SQSession=7c9e; SQSession1=x", "__VIEWSTATE=/wEPDwUK",
		"/(X(1)A(x)F(" + a.forms(f) + ")S(y))/", ".ASPXAUTH=; .ASPXAUTH=" +
			a.forms(f), "OpenIdConnect.nonce.x=y", "Basic x"} {
		add(text,
			a.with(func(s *site) { s.formsMore, s.httpCookies = ` requireSSL="true"`, ` sameSite="None"` }).text())
	}
	if seeds < 20 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, line, config string) {
		if len(line) > 10000 {
			return
		}
		n, err := parse("web.config", strings.NewReader(config))
		if err != nil {
			return
		}
		nodes := []*doctor.Node{n, must[*doctor.Node](t)(parse("good.config",
			strings.NewReader(a.text())))}
		for _, in := range []doctor.Input{{Text: line},
			{Request: &http.Request{RequestURI: line,
				Header: http.Header{"Cookie": {line}, "Authorization": {line}}}}} {
			r := doctor.Examine(ctx, nodes, in, doctor.Options{Now: now})
			if r.Code == "" || r.Finding.Sentence == "" || r.OK != (r.Code == doctor.CodeOK) {
				t.Fatalf("ok %v, code %q, sentence %q", r.OK, r.Code, r.Finding.Sentence)
			}
			for _, c := range r.Credentials {
				if c.Tried.Signatures > 20000 || c.Tried.Openings > 8000 {
					t.Fatalf("tried %+v", c.Tried)
				}
				for _, v := range c.Verdicts {
					if v.OK == (len(v.Findings) > 0) {
						t.Fatalf("ok %v with %d findings", v.OK, len(v.Findings))
					}
					for _, finding := range v.Findings {
						if strings.IndexFunc(finding.Sentence+finding.Fix.Text,
							func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
							t.Fatalf("not fit for a terminal: %q", finding.Sentence)
						}
					}
				}
			}
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
		}
		doctor.Compare(ctx, nodes[0], nodes[1], doctor.Options{Now: now})
	})
}
