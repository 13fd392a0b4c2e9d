package flate

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// payload is what one session token vector hands to the deflate layer, and
// what .NET made of it.
type payload struct {
	name     string
	plain    []byte
	deflated []byte
}

// vectorPayloads returns the payloads that the vectors record in full. Callers
// must not change them.
func vectorPayloads(tb testing.TB) []payload {
	tb.Helper()
	list, err := readPayloads()
	if err != nil {
		tb.Fatal(err)
	}
	if len(list) < 100 {
		tb.Fatalf("only %d payloads in the vectors", len(list))
	}
	return list
}

var readPayloads = sync.OnceValues(func() (list []payload, err error) {
	data, err := testvectors.Read("sessiontoken_45.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Vectors []struct {
			Name   string
			Stages struct{ NrbfHex, DeflatedHex string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	for _, v := range file.Vectors {
		if v.Stages.NrbfHex == "" || v.Stages.DeflatedHex == "" {
			continue // reference mode, or too large to be recorded
		}
		p := payload{name: v.Name}
		if p.plain, err = hex.DecodeString(v.Stages.NrbfHex); err != nil {
			return nil, err
		}
		if p.deflated, err = hex.DecodeString(v.Stages.DeflatedHex); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
})

// class is a size of token, as many different ones.
type class struct {
	name     string
	payloads [][]byte
}

// payloadClasses returns different payloads for each usual size of token:
// shuffled and re-labelled forms of three vectors.
func payloadClasses(tb testing.TB) []class {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1951, 45))
	classes := []class{{name: "small"}, {name: "typical"}, {name: "large"}}
	for _, p := range vectorPayloads(tb) {
		var to *class
		var count int
		switch p.name {
		case "one-claim", "several-identities", "no-claims", "key-generation":
			to, count = &classes[0], 64
		case "chunk-size-1000", "chunks-3", "random-14", "random-22":
			to, count = &classes[1], 32
		case "hundred-claims":
			to, count = &classes[2], 32
		default:
			continue
		}
		to.payloads = append(to.payloads, p.plain)
		for len(to.payloads)%count != 0 {
			to.payloads = append(to.payloads, relabel(rng, p.plain))
		}
	}
	for _, c := range classes {
		rng.Shuffle(len(c.payloads), func(i, j int) {
			c.payloads[i], c.payloads[j] = c.payloads[j], c.payloads[i]
		})
	}
	return classes
}

// relabel returns a token of the same make as p: its claims in another order,
// and other characters in whatever looks like an identifier or a key, which is
// a run of eight or more letters and digits with a digit among them.
func relabel(rng *rand.Rand, p []byte) []byte {
	claim := []byte("\x01B\x00\x06\x08\x98")
	parts := bytes.Split(p, claim)
	if n := len(parts); n > 3 {
		middle := parts[1 : n-1]
		rng.Shuffle(len(middle), func(i, j int) { middle[i], middle[j] = middle[j], middle[i] })
	}
	out := bytes.Join(parts, claim)
	for i := 0; i < len(out); {
		end, digit := i, false
		for ; end < len(out) && word(out[end]); end++ {
			digit = digit || out[end] <= '9'
		}
		if digit && end-i >= 8 {
			for j := i; j < end; j++ {
				switch c := out[j]; {
				case c <= '9':
					out[j] = '0' + byte(rng.IntN(10))
				case c <= 'F':
					out[j] = 'A' + byte(rng.IntN(6))
				case c <= 'Z':
					out[j] = 'G' + byte(rng.IntN(20))
				case c <= 'f':
					out[j] = 'a' + byte(rng.IntN(6))
				default:
					out[j] = 'g' + byte(rng.IntN(20))
				}
			}
		}
		i = end + 1
	}
	return out
}

func word(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// stdDeflate compresses with compress/flate at its default level.
func stdDeflate(tb testing.TB, plain []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
