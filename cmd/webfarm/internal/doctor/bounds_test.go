package doctor_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// TestBounds examines the costliest inputs and wants the number of attempts to
// stay within what limits.go says, whatever the input.
func TestBounds(t *testing.T) {
	a := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
	b := fresh(t).with(func(s *site) { s.mode = "Framework20SP1" })
	nodes := []*doctor.Node{a.node(t, "a.config"), b.node(t, "b.config")}
	iso := isolated(1)
	long := strings.Repeat("0123456789abcdef", 2000)
	xml := "<SecurityContextToken>" + strings.Repeat("<a>", 5000)
	tests := []struct{ name, header string }{
		{"hex", ".ASPXAUTH=" + long[:4096]},
		{"hex under another name", "FedAuth=" + long},
		{"percent signs", "FedAuth=" + strings.Repeat("%2525", 4000) + "; FedAuth1=" +
			strings.Repeat("%25", 9000)},
		{"many copies", strings.Repeat("FedAuth=QUFB; FedAuth1=QUFB; FedAuth=QkJC; FedAuth1=Q0ND; ", 500)},
		{"many chunks", manyChunks()},
		{"nested elements", "FedAuth=" + base64.StdEncoding.EncodeToString([]byte(xml))},
		{"many Katana cookies", manyCookies()},
		{"equals signs", "FedAuth=" + strings.Repeat("=", 60000)},
		{"as long as is searched", ".AspNet.ApplicationCookie=" + strings.Repeat("A", doctor.MaxText)},
		{"a full header", fullHeader()},
		{"longer than is searched", "FedAuth=" + strings.Repeat("A", 200<<10)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := doctor.Examine(ctx, nodes, header(test.header),
				doctor.Options{Now: now, Isolation: iso})
			if r.OK || r.Finding.Sentence == "" {
				t.Errorf("ok %v, %q", r.OK, r.Finding.Sentence)
			}
			if len(r.Credentials) > 8 {
				t.Errorf("%d credentials", len(r.Credentials))
			}
			for _, c := range r.Credentials {
				if c.Tried.Signatures > 20000 || c.Tried.Openings > 8000 || c.Tried.Texts > 8 ||
					c.Tried.Hashed > 128<<20 {
					t.Errorf("tried %+v", c.Tried)
				}
			}
		})
	}
}

func manyChunks() string {
	var b strings.Builder
	for i := range 60 {
		b.WriteString("FedAuth")
		if i > 0 {
			b.WriteString(string(rune('0'+i/10)) + string(rune('0'+i%10)))
		}
		b.WriteString("=" + strings.Repeat("B", 1000) + "; ")
	}
	return strings.ReplaceAll(b.String(), "FedAuth0", "FedAuth")
}

// fullHeader has as many long cookies as are examined, each in all the ways
// that are undone.
func fullHeader() string {
	var b strings.Builder
	for i := range 8 {
		b.WriteString(".AspNet.T" + strings.Repeat("x", i) + `="` +
			strings.Repeat("A%252BA ", doctor.MaxText/10) + `"; `)
	}
	return b.String()
}

func manyCookies() string {
	var b strings.Builder
	for i := range 500 {
		b.WriteString(".AspNet.T" + strings.Repeat("x", i%50) + "=" +
			strings.Repeat("Ab3_", 20) + "; ")
	}
	return b.String()
}

// BenchmarkExamine measures a cookie that reads, one that opens with another
// setting, and one that nothing opens: that is what a search costs.
func BenchmarkExamine(b *testing.B) {
	a := fresh(b)
	text := a.session(b, nil, 0)
	for _, bench := range []struct {
		name string
		node site
	}{
		{"reads", a},
		{"other-validation", a.with(func(s *site) { s.validation = "HMACSHA512" })},
		{"unknown-key", fresh(b)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			nodes := []*doctor.Node{bench.node.node(b, "web.config")}
			in := header("FedAuth=" + text)
			tried := 0
			for b.Loop() {
				c := doctor.Examine(ctx, nodes, in, doctor.Options{Now: now}).Credentials[0]
				tried = c.Tried.Signatures + c.Tried.Openings
			}
			b.ReportMetric(float64(tried), "tried/op")
		})
	}
}
