package sessiontoken

import (
	"testing"
)

// benchTokens are the sizes that benchmarks are quoted for. All are protected
// with AES-256 and HMAC-SHA1, what IIS generates.
var benchTokens = []struct{ name, vector string }{
	{"small", "one-claim"},
	{"typical", "chunk-size-3000"}, // 12 claims
	{"large", "hundred-claims"},
}

// benchToken returns the token of a vector and its text under key A.
func benchToken(t testing.TB, f *fileJSON, c *SessionCodec, vector string) (*Token, string) {
	t.Helper()
	tok := f.vector(t, vector).Input.token(t)
	text, err := c.Encode(ctx, tok)
	if err != nil {
		t.Fatal(err)
	}
	return tok, text
}

func BenchmarkDecode(b *testing.B) {
	f := readFile(b, "sessiontoken_45.json")
	c := f.codec(b, "A", SessionOptions{Endpoint: "/"})
	for _, bt := range benchTokens {
		_, text := benchToken(b, f, c, bt.vector)
		b.Run(bt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Decode(ctx, text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bt.name+"Floor", func(b *testing.B) {
			floor := newFloor(b, f)
			b.ReportAllocs()
			for b.Loop() {
				floor.Read(text)
			}
		})
	}
	texts := differentTexts(b, f, c)
	b.Run("different", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := c.Decode(ctx, texts[i%len(texts)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("differentFloor", func(b *testing.B) {
		floor := newFloor(b, f)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			floor.Read(texts[i%len(texts)])
		}
	})
}

// differentTexts issues every token of the vectors below 16 kB under one key.
func differentTexts(t testing.TB, f *fileJSON, c *SessionCodec) []string {
	var texts []string
	for i := range f.Vectors {
		v := &f.Vectors[i]
		if n := len(v.Stages.NBFXHex) / 2; n == 0 || n >= 16_000 || v.Input.IsReferenceMode {
			continue
		}
		tok := v.Input.token(t)
		tok.EndpointID = "/"
		text, err := c.Encode(ctx, tok)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if len(texts) < 80 {
		t.Fatalf("%d tokens", len(texts))
	}
	return texts
}

func BenchmarkEncode(b *testing.B) {
	f := readFile(b, "sessiontoken_45.json")
	c := f.codec(b, "A", SessionOptions{Endpoint: "/"})
	for _, bt := range benchTokens {
		tok, text := benchToken(b, f, c, bt.vector)
		floor := newFloor(b, f)
		stream := tokenStream(b, tok)
		b.Run(bt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(ctx, tok); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text))/float64(floor.Write(text, stream)), "length/level6")
		})
		b.Run(bt.name+"Floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				floor.Write(text, stream)
			}
		})
	}
}
