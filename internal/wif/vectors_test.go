package wif

import (
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

// vector is what these tests need of the vectors of session tokens.
type vector struct {
	XMLHex, NBFXHex string
	Stages          struct{ NBFXHex, NRBFHex string }
	Cookies         []struct{ Value string }
	Input           struct {
		Identities []struct {
			Bootstrap *struct{ Kind, String string }
		}
	}
}

func readVectors(t testing.TB, name string) []vector {
	t.Helper()
	file := testkit.Parsed[struct{ Vectors []vector }](t, name)
	if len(file.Vectors) == 0 {
		t.Fatalf("%s: no vectors", name)
	}
	return file.Vectors
}

// text joins the cookies.
func (v *vector) text() string {
	text := ""
	for _, c := range v.Cookies {
		text += c.Value
	}
	return text
}

// envelopes are all that were recorded.
func envelopes(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for _, name := range []string{"sessiontoken_45.json", "sessiontoken_envelope.json"} {
		for _, v := range readVectors(t, name) {
			doc := testkit.Unhex(t, v.XMLHex)
			if text := v.text(); text != "" {
				var ok bool
				if doc, ok = AppendTextDecode(nil, text); !ok {
					continue
				}
			}
			if len(doc) > 0 {
				all = append(all, doc)
			}
		}
	}
	if len(all) < 100 {
		t.Fatalf("%d envelopes", len(all))
	}
	return all
}

// honestText is the text of a typical user's cookie.
func honestText(t testing.TB) string {
	t.Helper()
	for _, v := range readVectors(t, "sessiontoken_45.json") {
		if text := v.text(); len(text) > 3000 {
			return text
		}
	}
	t.Fatal("no text of that length")
	return ""
}

// documents are the recorded documents of a version.
func documents(t testing.TB, v Version) [][]byte {
	t.Helper()
	files := []string{"sessiontoken_tokendoc.json", "sessiontoken_45.json"}
	if v == V10 {
		files = []string{"sessiontoken_wif10.json"}
	}
	var all [][]byte
	for _, name := range files {
		for _, v := range readVectors(t, name) {
			if doc := testkit.Unhex(t, v.NBFXHex+v.Stages.NBFXHex); len(doc) > 0 {
				all = append(all, doc)
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d documents", len(all))
	}
	return all
}
