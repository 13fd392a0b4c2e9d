package forms

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

func FuzzText(f *testing.F) {
	data := testkit.File(f, "cookieprotection.json")
	var file struct {
		Vectors []struct{ Cookie, Token, Payload string }
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) != 39 {
		f.Fatalf("%d seeds, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		f.Add(v.Cookie + v.Token)
		f.Add(v.Payload)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := hex.DecodeString(text)
		if got, ok := AppendHexDecode(nil, text); ok != (err == nil) ||
			ok && !bytes.Equal(got, want) {
			t.Fatalf("hex: %x, %v, want %x, %v", got, ok, want, err)
		}
	})
}
