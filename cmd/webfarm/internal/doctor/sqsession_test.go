package doctor_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
)

// TestSQSession examines a session of Cora SeQuence that a Go node has issued.
func TestSQSession(t *testing.T) {
	a := fresh(t).with(func(s *site) { s.sqName, s.sqPath = "SQSession", "/" })
	node := must[*cookie.Site](t)(cookie.ParseSite(strings.NewReader(a.text()), &cookie.SiteOptions{
		Credentials: []cookie.Credential{{Kind: cookie.KindSQSession}}, Now: at(now)}))
	sessions, ok := node.SessionsOf("SQSessionShop")
	if !ok {
		t.Fatal("no sessions")
	}
	w, user := httptest.NewRecorder(), ann(0)
	if err := sessions.SignIn(w, httptest.NewRequest("GET", "/", nil), &user, nil); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, c := range w.Result().Cookies() {
		if c.Name == "SQSessionShop" {
			text = c.Value
		}
	}
	other := a.with(func(s *site) { s.validationKey = fresh(t).decryptionKey + s.validationKey[64:] })
	for _, tt := range []struct {
		name, cookie string
		nodes        []site // the one that refuses it first
		code, says   string
	}{
		{"its node", "SQSessionShop", []site{a}, doctor.CodeOK, `for "ann"`},
		{"a node without <sequence.engine>", "SQSessionShop",
			[]site{a.with(func(s *site) { s.sqName = "" })}, doctor.CodeOK, `for "ann"`},
		{"another application", "SQSessionShop", []site{a.with(func(s *site) { s.sqName = "Session" })},
			"endpoint", `"SQSESSIONSHOP" with the path "/", and here the session of Cora SeQuence is "SESSIONSHOP"`},
		{"another key", "SQSessionShop", []site{other, a}, "other_key", "validationKey"},
		{"another key, which is not given", "SQSessionShop", []site{other}, "validation_key",
			"a session of Cora SeQuence"},
		{"the name of FedAuth", "FedAuth", []site{a}, "other_credential",
			"a session of Cora SeQuence"},
		{"a name of nobody", "who", []site{a}, doctor.CodeOK, `for "ann"`},
	} {
		var nodes []*doctor.Node
		for i, s := range tt.nodes {
			nodes = append(nodes, s.node(t, []string{"a.config", "b.config"}[i]))
		}
		in := header(tt.cookie + "=" + text)
		r := doctor.Examine(ctx, nodes, in, doctor.Options{Now: now})
		if r.Code != tt.code || !strings.Contains(r.Finding.Sentence, tt.says) {
			t.Errorf("%s: %s, want %s with %q: %s", tt.name, r.Code, tt.code, tt.says,
				r.Finding.Sentence)
		}
		noSecrets(t, r, a, in)
	}
}
