package base64_test

import (
	"bytes"
	stdbase64 "encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// FuzzURLToken compares with the standard library, and wants one token for all
// data.
func FuzzURLToken(f *testing.F) {
	data := testkit.File(f, "cookieprotection.json")
	var file struct {
		Vectors []struct{ Cookie, Token string }
	}
	if err := json.Unmarshal(data, &file); err != nil || len(file.Vectors) != 39 {
		f.Fatalf("%d seeds, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		f.Add(v.Cookie + v.Token)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := base64.DecodeURLToken(text)
		if err != nil {
			if got != nil || err != base64.ErrURLToken {
				t.Fatalf("%x, %v", got, err)
			}
			return
		}
		if again := base64.EncodeURLToken(got); again != text {
			t.Fatalf("%q is the token of %q too", text, again)
		}
		if text != "" {
			padded := text[:len(text)-1] + strings.Repeat("=", int(text[len(text)-1]-'0'))
			if want, err := stdbase64.URLEncoding.DecodeString(padded); err != nil ||
				!bytes.Equal(got, want) {
				t.Fatalf("%x, %v", want, err)
			}
		}
	})
}
