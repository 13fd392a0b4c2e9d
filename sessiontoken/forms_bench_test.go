package sessiontoken

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/machinekey"
)

// benchForms are the cookies that benchmarks are quoted for, with AES-256 and
// HMAC-SHA1: a name and nothing else, and one with user data.
var benchForms = []struct {
	name, userName, userData string
	legacy                   bool
}{
	{"Framework45", "alice@example.com", "", false},
	{"Framework45/userData", "alice@example.com", "admin,sales,staff|42|Alice Weber|en-GB", false},
	{"legacy", "alice@example.com", "", true},
	{"legacy/userData", "alice@example.com", "admin,sales,staff|42|Alice Weber|en-GB", true},
}

// newFormsBench returns a codec, its floor, and a ticket with its bytes and
// its text.
func newFormsBench(t testing.TB, userName, userData string, legacy bool) (c *FormsCodec, f *floor.Forms, ticket *FormsTicket, blob []byte, text string) {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Mode = machinekey.Framework45
	if legacy {
		cfg.Mode = machinekey.Framework20SP2
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = NewFormsCodec(ringOf(t, key), &FormsOptions{Now: vectorNow}); err != nil {
		t.Fatal(err)
	}
	if f, err = floor.NewForms(cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal(),
		legacy); err != nil {
		t.Fatal(err)
	}
	ticket = c.NewTicket(userName, userData)
	if blob, err = ticket.bytes().Append(nil); err != nil {
		t.Fatal(err)
	}
	if text, err = c.Encode(ctx, ticket); err != nil {
		t.Fatal(err)
	}
	return c, f, ticket, blob, text
}

func BenchmarkFormsDecode(b *testing.B) {
	for _, bf := range benchForms {
		c, f, _, _, text := newFormsBench(b, bf.userName, bf.userData, bf.legacy)
		b.Run(bf.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(ctx, text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bf.name+"Floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Read(text)
			}
		})
	}
}

func BenchmarkFormsEncode(b *testing.B) {
	for _, bf := range benchForms {
		c, f, ticket, blob, _ := newFormsBench(b, bf.userName, bf.userData, bf.legacy)
		b.Run(bf.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(ctx, ticket); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bf.name+"Floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Write(blob)
			}
		})
	}
}

// TestFormsFloor shows that the floor does the work it is meant to.
func TestFormsFloor(t *testing.T) {
	for _, bf := range benchForms {
		_, f, _, blob, text := newFormsBench(t, bf.userName, bf.userData, bf.legacy)
		if !bytes.Equal(f.Read(text), blob) || f.Write(blob) != len(text) {
			t.Errorf("%s: the floor does something else", bf.name)
		}
	}
}

func TestFormsAllocations(t *testing.T) {
	for _, bf := range benchForms {
		c, _, ticket, _, text := newFormsBench(t, bf.userName, bf.userData, bf.legacy)
		for what, f := range map[string]func() error{
			"Decode":        func() error { _, err := c.Decode(ctx, text); return err },
			"ReadPrincipal": func() error { _, err := c.ReadPrincipal(ctx, text); return err },
			"Encode":        func() error { _, err := c.Encode(ctx, ticket); return err },
		} {
			if n := fewestAllocs(t, f); n > 2 {
				t.Errorf("%s: %s allocates %v times", bf.name, what, n)
			}
		}
	}
}

// fewestAllocs returns how often a call of f allocates when the pools are
// warm. Under the race detector they are emptied at random.
func fewestAllocs(t testing.TB, f func() error) float64 {
	t.Helper()
	if err := f(); err != nil {
		t.Fatal(err)
	}
	fewest := testing.AllocsPerRun(1, func() { f() })
	for range 200 {
		fewest = min(fewest, testing.AllocsPerRun(1, func() { f() }))
	}
	return fewest
}
