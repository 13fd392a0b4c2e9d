package sessiontoken

import (
	"bytes"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// katanaBenchTickets are the sizes that benchmarks are quoted for, under AES-256
// and HMAC-SHA1, what IIS generates: the four claims of ASP.NET Identity, and
// the same with 120 roles.
var katanaBenchTickets = []struct{ name, vector string }{
	{"4claims", "pub-060"},
	{"124claims", "pub-049"},
}

// katanaBench returns the codec of cookies of key A, and the floor.
func katanaBench(t testing.TB, f *katanaFileJSON) (*KatanaCodec, *floor.Katana) {
	t.Helper()
	c, err := NewKatanaCodec(f.ring(t, "A"), Cookie("ApplicationCookie"),
		&KatanaOptions{Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	cfg := f.config(t, "A")
	bare, err := floor.NewKatana(cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal(),
		"ApplicationCookie")
	if err != nil {
		t.Fatal(err)
	}
	return c, bare
}

// TestKatanaFloor shows that the floor does the work it is meant to.
func TestKatanaFloor(t *testing.T) {
	f := readKatanaFile(t)
	_, bare := katanaBench(t, f)
	for _, bt := range katanaBenchTickets {
		v := f.vector(t, bt.vector)
		plain := testkit.Unhex(t, *v.SerializedHex)
		if !bytes.Equal(bare.Read(*v.Text), plain) {
			t.Errorf("%s: the floor reads something else", v.ID)
		}
		text := len(*v.Text)
		if n := bare.Write(plain); n < text*9/10 || n > text*11/10 {
			t.Errorf("%s: the floor writes %d bytes, .NET %d", v.ID, n, text)
		}
	}
}

// TestKatanaLength compares the length of texts with those of level 6, over all
// tickets together: single ones go up by whole cipher blocks.
func TestKatanaLength(t *testing.T) {
	f := readKatanaFile(t)
	c, bare := katanaBench(t, f)
	ours, level6 := 0, 0
	for i := range f.Vectors {
		v := &f.Vectors[i]
		if v.Input == nil || v.SerializedHex == nil || v.Ticket.ExpiresUTC == nil ||
			katanaNotIssued[v.ID] {
			continue
		}
		ours += len(encodeKatana(t, c, v.Input.ticket(v.version(t))))
		level6 += bare.Write(testkit.Unhex(t, *v.SerializedHex))
	}
	t.Logf("%d bytes, level 6 %d", ours, level6)
	if ours < 20_000 || float64(ours) > 1.02*float64(level6) {
		t.Errorf("%d bytes, level 6 %d", ours, level6)
	}
}

func BenchmarkKatanaDecode(b *testing.B) {
	f := readKatanaFile(b)
	c, bare := katanaBench(b, f)
	for _, bt := range katanaBenchTickets {
		text := *f.vector(b, bt.vector).Text
		b.Run(bt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(ctx, text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bt.name+"Floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bare.Read(text)
			}
		})
	}
}

func BenchmarkKatanaEncode(b *testing.B) {
	f := readKatanaFile(b)
	c, bare := katanaBench(b, f)
	for _, bt := range katanaBenchTickets {
		v := f.vector(b, bt.vector)
		ticket, plain := v.Input.ticket("3"), testkit.Unhex(b, *v.SerializedHex)
		b.Run(bt.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				text, err := c.Encode(ctx, ticket)
				if err != nil {
					b.Fatal(err)
				}
				n = len(text)
			}
			b.ReportMetric(float64(n)/float64(bare.Write(plain)), "length/level6")
		})
		b.Run(bt.name+"Floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bare.Write(plain)
			}
		})
	}
}
