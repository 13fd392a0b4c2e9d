package farm

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// BenchmarkCore times Go beside .NET, in one run and on one thread: the time
// that a ticket takes in Go, as a share of what it takes in .NET, is the metric
// "ratio". Both count the best of some rounds, one after the other, so that
// what else the machine does falls out. .ci/corespeed prints the ratios.
func BenchmarkCore(b *testing.B) {
	pipe := FindCore(b).Pipe(b)
	for _, tt := range []struct {
		name, algorithm string
		claims          int
		characters      int
	}{
		{"cbc-432", "AES_256_CBC", 0, 432},
		{"gcm-402", "AES_256_GCM", 0, 402},
		{"cbc-40claims", "AES_256_CBC", 40, 0},
	} {
		s := newCoreSpeed(b, pipe, tt.algorithm, coreSpeedTicket(tt.claims))
		if tt.characters > 0 && len(s.text) != tt.characters {
			b.Fatalf("%d characters, want %d", len(s.text), tt.characters)
		}
		b.Run("read-"+tt.name,
			func(b *testing.B) {
				s.compare(b, s.read, func() { s.floor.Read(s.text) },
					func() float64 { return s.dotnet(b).ReadMicros })
			})
		if tt.algorithm == "AES_256_CBC" {
			b.Run("write-"+tt.name,
				func(b *testing.B) {
					s.compare(b, s.write, func() { s.floor.Write(s.plain) },
						func() float64 { return s.dotnet(b).WriteMicros })
				})
		}
	}
}

// coreSpeedTicket returns the ticket of a user with a role, and so many other
// claims. Its times are fixed.
func coreSpeedTicket(claims int) *sessiontoken.CoreTicket {
	id := sessiontoken.Identity{AuthenticationType: "Cookies", Claims: []sessiontoken.Claim{
		{Type: sessiontoken.ClaimTypeName, Value: "zoe.van.den.berg@example.com"},
		{Type: sessiontoken.ClaimTypeRole, Value: "admin"},
	}}
	for i := range claims {
		id.Claims = append(id.Claims, sessiontoken.Claim{Type: "role",
			Value: fmt.Sprintf("team-%d", i)})
	}
	t := &sessiontoken.CoreTicket{Scheme: "Cookies",
		Principal: &sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}}
	t.Properties.SetTime(sessiontoken.PropertyIssued, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	t.Properties.SetTime(sessiontoken.PropertyExpires, time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC))
	return t
}

// coreSpeed is a ticket that both sides read and write over and over.
type coreSpeed struct {
	pipe    *CorePipe
	request CoreRequest
	codec   *sessiontoken.CoreCodec
	ticket  *sessiontoken.CoreTicket
	text    string
	floor   *floor.Core
	plain   []byte // the ticket in text
}

func newCoreSpeed(b *testing.B, pipe *CorePipe, algorithm string, ticket *sessiontoken.CoreTicket) *coreSpeed {
	b.Helper()
	call := func(r CoreRequest) CoreAnswer {
		b.Helper()
		answers, err := pipe.Call(r)
		if err != nil || answers[0].Error != "" {
			b.Fatalf("%v %v", err, answers)
		}
		return answers[0]
	}
	key := call(CoreRequest{"op": "newkey", "activation": "2001-01-01T00:00:00Z",
		"expiration": "2126-01-01T00:00:00Z", "algorithm": algorithm})
	ring := &coreRing{elements: elements{key.Element}}
	call(ring.request())
	opened, err := dataprotection.Open(b.Context(), ring.elements,
		&dataprotection.RingOptions{ApplicationName: "app"})
	if err != nil {
		b.Fatal(err)
	}
	s := &coreSpeed{pipe: pipe, ticket: ticket}
	if s.codec, err = sessiontoken.NewCoreCodec(opened, sessiontoken.Cookie("Cookies"),
		nil); err != nil {
		b.Fatal(err)
	}
	x := &coreApp{app: "app"}
	purposes := []string{"Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2"}
	s.text = call(x.request("write", purposes, "ticket", newCoreTicket(ticket))).Text
	s.floor = floor.NewCore(make([]byte, 64), algorithm == "AES_256_GCM",
		append([]string{"app"}, purposes...)...)
	p, err := opened.Protector(purposes...)
	if err != nil {
		b.Fatal(err)
	}
	protected, err := base64.RawURLEncoding.DecodeString(s.text)
	if err != nil {
		b.Fatal(err)
	}
	if s.plain, _, err = p.Unprotect(b.Context(), nil, protected); err != nil {
		b.Fatal(err)
	}
	s.request = x.request("bench", purposes, "text", s.text, "count", 200)
	return s
}

// dotnet has .NET read and write the ticket.
func (s *coreSpeed) dotnet(b *testing.B) CoreAnswer {
	b.Helper()
	answers, err := s.pipe.Call(s.request)
	if err != nil || answers[0].Error != "" {
		b.Fatalf("%v %v", err, answers)
	}
	return answers[0]
}

func (s *coreSpeed) read() error {
	_, err := s.codec.Decode(context.Background(), s.text)
	return err
}

func (s *coreSpeed) write() error {
	_, err := s.codec.Encode(context.Background(), s.ticket)
	return err
}

// compare reports the best times of both sides and of Go's bare primitives, in
// microseconds, and their ratios.
func (s *coreSpeed) compare(b *testing.B, once func() error, floor func(), dotnet func() float64) {
	const rounds, count = 7, 200
	ours, bare, theirs := 1e9, 1e9, 1e9
	for b.Loop() {
		theirs = min(theirs, dotnet())
		for range rounds {
			start := time.Now()
			for range count {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
			ours = min(ours, time.Since(start).Seconds()*1e6/count)
			start = time.Now()
			for range count {
				floor()
			}
			bare = min(bare, time.Since(start).Seconds()*1e6/count)
		}
	}
	b.ReportMetric(0, "ns/op") // of both together
	b.ReportMetric(ours, "go-µs")
	b.ReportMetric(theirs, "dotnet-µs")
	b.ReportMetric(ours/theirs, "ratio")
	b.ReportMetric(bare/theirs, "floor-ratio")
}
