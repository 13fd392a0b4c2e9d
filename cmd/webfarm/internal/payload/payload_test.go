package payload_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// recorded is a payload that .NET protected, with the parts of it.
type recorded struct {
	Name, Ring, Protected, Text string
	Stages                      struct{ KeyModifier, IV, Nonce, Ciphertext, MAC, Tag string }
}

// vectors returns the payloads and the key of each ring: its id and its algorithm.
func vectors(t testing.TB) (list []recorded, keys map[string][2]string) {
	t.Helper()
	var file struct{ Vectors []recorded }
	testkit.JSON(t, "dataprotection.json", &file)
	var rings struct {
		Rings []struct {
			Name string
			Keys []struct{ ID, Encryption, Validation string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &rings)
	keys = map[string][2]string{}
	for _, r := range rings.Rings {
		if len(r.Keys) == 1 {
			algorithm := r.Keys[0].Encryption + ", " + r.Keys[0].Validation
			keys[r.Name] = [2]string{r.Keys[0].ID, strings.TrimSuffix(algorithm, ", ")}
		}
	}
	if len(file.Vectors) < 100 || len(keys) < 15 {
		t.Fatalf("%d payloads, %d keys", len(file.Vectors), len(keys))
	}
	return file.Vectors, keys
}

// TestVectors finds the key and the parts of every recorded payload, in each of its texts.
func TestVectors(t *testing.T) {
	list, keys := vectors(t)
	for _, v := range list {
		key := keys[v.Ring]
		for _, text := range []string{
			v.Text, v.Text + "==", " " + v.Text[:20] + "\r\n" + v.Text[20:],
			strings.NewReplacer("-", "+", "_", "/").Replace(v.Text),
			strings.NewReplacer("-", "%2B", "_", "%2f").Replace(v.Text) + "%3D",
			v.Protected, strings.ToUpper(v.Protected),
		} {
			p, ok := payload.Recognise(text)
			if !ok || hex.EncodeToString(p.Data) != v.Protected || p.Key != key[0] ||
				p.Version != 0 {
				t.Fatalf("%s: %v, key %s, want %s", v.Name, ok, p.Key, key[0])
			}
		}
		s := v.Stages
		want := []payload.Part{{Name: "magic number", Size: 4}, {Name: "key id", Size: 16},
			{Name: "key modifier", Size: len(s.KeyModifier) / 2}}
		for _, part := range []struct{ name, digits string }{
			{"IV", s.IV}, {"nonce", s.Nonce}, {"ciphertext", s.Ciphertext}, {"MAC", s.MAC}, {"tag", s.Tag},
		} {
			if part.digits != "" || part.name == "ciphertext" {
				want = append(want, payload.Part{Name: part.name, Size: len(part.digits) / 2})
			}
		}
		p, _ := payload.Recognise(v.Text)
		if got := p.Parts(key[1]); !slices.Equal(got, want) {
			t.Errorf("%s: parts %v of %s, want %v", v.Name, got, key[1], want)
		}
	}
}

// TestRecognise says what is none, what is damaged and what is of another version.
func TestRecognise(t *testing.T) {
	for text, want := range map[string]struct {
		ok      bool
		version int
		key     string
	}{
		"":                                   {},
		"CfDJ":                               {},
		"CfDJA":                              {},
		"77u/PD94bWwg":                       {},
		"09F0C9":                             {},
		"CfDJ8":                              {ok: true},
		"CfDJ8!!!":                           {ok: true},
		"09F0C9F0zz":                         {ok: true},
		"09f0c9f3" + strings.Repeat("0", 32): {true, 3, "00000000-0000-0000-0000-000000000000"},
		"CfDJ_" + strings.Repeat("A", 30):    {true, 12, "00000000-0000-0000-0000-000000000000"},
		"CfDJ8AAAAAAA":                       {ok: true},
	} {
		p, ok := payload.Recognise(text)
		if ok != want.ok || p.Version != want.version || p.Key != want.key {
			t.Errorf("%q: %v, version %d, key %q, want %+v", text, ok, p.Version, p.Key, want)
		}
	}
}

// TestMayBe has what .NET wrote as what it is, among others.
func TestMayBe(t *testing.T) {
	type setCookie struct{ SetCookie, RequestToken string }
	var file struct {
		Others struct {
			Bearer               []struct{ Text string }
			Session, Antiforgery setCookie
		}
	}
	testkit.JSON(t, "aspnetcore_cookies.json", &file)
	value := func(line string) string {
		_, value, _ := strings.Cut(line, "=")
		value, _, _ = strings.Cut(value, ";")
		return value
	}
	o := file.Others
	for text, want := range map[string]string{
		value(o.Session.SetCookie):     "the key of a session",
		value(o.Antiforgery.SetCookie): "an antiforgery cookie",
		o.Antiforgery.RequestToken:     "an antiforgery token",
		o.Bearer[0].Text:               "a ticket",
		o.Bearer[1].Text:               "a ticket",
	} {
		p, _ := payload.Recognise(text)
		list := p.MayBe()
		if !slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, want) }) ||
			len(list) > 3 {
			t.Errorf("%s: may be %q", want, list)
		}
	}
	if p, _ := payload.Recognise("CfDJ8AAA"); p.MayBe() != nil || p.Parts("") != nil {
		t.Errorf("of too few bytes: %v", p.MayBe())
	}
}

// FuzzRecognise takes any text: the parts are the whole, and there is a key if there is its id.
func FuzzRecognise(f *testing.F) {
	list, _ := vectors(f)
	for _, v := range list[:60] {
		f.Add(v.Text)
		f.Add(v.Protected)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := payload.Recognise(text)
		if !ok && (p.Data != nil || p.Key != "") || (p.Key != "") != (len(p.Data) >= 20) {
			t.Fatalf("%v, %d bytes, key %q", ok, len(p.Data), p.Key)
		}
		for _, algorithm := range []string{"", "AES_256_CBC, HMACSHA256", "AES_192_CBC, HMACSHA1",
			"AES_128_GCM"} {
			size := 0
			for _, part := range p.Parts(algorithm) {
				size += part.Size
			}
			if size != 0 && size != len(p.Data) {
				t.Fatalf("parts of %d bytes, of %d", size, len(p.Data))
			}
		}
		p.MayBe()
	})
}
