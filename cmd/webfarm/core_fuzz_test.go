package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/testvectors"
)

// FuzzProtected reads any authentic bytes as what they may hold.
func FuzzProtected(f *testing.F) {
	var file struct {
		Vectors []payloadVector
		Limited []struct{ Inner string } `json:"time_limited"`
	}
	testkit.JSON(f, "dataprotection.json", &file)
	var others struct {
		Others struct {
			Session     struct{ PlaintextUTF8 string }
			Antiforgery struct{ Plaintext string }
		}
	}
	testkit.JSON(f, "aspnetcore_cookies.json", &others)
	token := testkit.Unhex(f, others.Others.Antiforgery.Plaintext)
	f.Add([]byte(others.Others.Session.PlaintextUTF8))
	f.Add(token)
	f.Add(append(token[:17:17], "\x00\x00\x03zoe\x00"...))
	f.Add(append(token[:17:17], "\x00\x01"+strings.Repeat("h", 32)+"\x01d"...))
	for _, v := range file.Limited {
		f.Add(testkit.Unhex(f, v.Inner))
	}
	for _, v := range file.Vectors[:20] {
		f.Add(testkit.Unhex(f, *v.Plaintext))
	}
	if len(file.Limited) < 4 {
		f.Fatalf("%d time-limited payloads", len(file.Limited))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		for _, k := range []kind{site.CoreSession, site.Antiforgery, site.Protected} {
			r := new(protectedReport)
			inner, err := r.limit(plain)
			if (err == nil) != (r.Expires != nil) || err == nil && !bytes.Equal(inner, plain[8:]) {
				t.Fatalf("limit: %v", err)
			}
			layer, err := r.read(k, plain)
			if layer == "" || r.Size != len(plain) {
				t.Fatalf("%q, size %d", layer, r.Size)
			}
			if k == site.Antiforgery && (err == nil) != (r.Antiforgery != nil) ||
				k == site.Protected && err != nil {
				t.Fatalf("%s: %+v, %v", k, r.Antiforgery, err)
			}
			if err == nil {
				content := r.show(time.Time{})
				content.print(new(bytes.Buffer))
				if _, err := json.Marshal(r); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// FuzzInspectCore pastes anything into inspect with a key ring and without: see FuzzInspect.
func FuzzInspectCore(f *testing.F) {
	rings := coreRings(f)
	data, err := testvectors.Read("aspnetcore_cookies.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Sites []struct {
			Steps []struct{ Cookie *string }
		}
		Others struct {
			Session, Antiforgery struct{ SetCookie, RequestToken string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	seeds := 0
	for _, s := range file.Sites {
		for _, step := range s.Steps {
			if step.Cookie != nil && len(*step.Cookie) < 1000 {
				f.Add(*step.Cookie)
				seeds++
			}
		}
	}
	f.Add("Set-Cookie: " + file.Others.Session.SetCookie +
		"\nSet-Cookie: " + file.Others.Antiforgery.SetCookie)
	f.Add(file.Others.Antiforgery.RequestToken)
	if seeds < 100 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Chdir(f.TempDir())
	flags := rings["AES_256_GCM"].flags(f, "SharedCookieApp")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzInspect(t, text, flags...)
		fuzzInspect(t, text)
		fuzzInspect(t, text, slices.Concat(flags, []string{"-purpose", "SessionMiddleware"})...)
	})
}
