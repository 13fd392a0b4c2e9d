package farm

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
)

// keyMadeByGo has Go keep the ring of a farm, encrypted with a certificate: it
// makes the first key, and while the farm runs ten keepers at once make the next.
// A node on .NET that may make keys finds that it need not. All use the same key
// of Go's when the first one has ended, and what that protected goes on.
func keyMadeByGo(t *testing.T) {
	core, keys, end := FindCore(t), t.TempDir(), time.Now().Add(25*time.Second)
	c := newCertificate(t, "ring")
	pfx, err := base64.StdEncoding.DecodeString(c.pfx)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ring.pfx")
	if err := os.WriteFile(file, pfx, 0o600); err != nil {
		t.Fatal(err)
	}
	o := &dataprotection.RingOptions{Interval: -1, Certificates: []tls.Certificate{c.Certificate}}
	keeper, err := dataprotection.Open(t.Context(), dataprotection.Path(keys), o)
	if err != nil {
		t.Fatal(err)
	}
	old, err := keeper.NewKey(t.Context(), time.Now().Add(-time.Hour), end)
	if err != nil {
		t.Fatal(err)
	}
	f := startCoreFarm(t, keys, o, cookie.Credential{}, "-no-generate", "-pfx", file)
	before := f.visitor()
	before.signIn("dotnet", "before")
	if got := before.keyID(); got != old {
		t.Fatalf("protected with %s, want %s", got, old)
	}
	before.who("go", "before")

	made := keepAtOnce(t, keys, o)
	f.nodes.Store("maker", core.Node(t, CoreNodeOptions{Keys: keys, App: "farm", Name: "maker",
		More: []string{"-pfx", file}}).URL)
	between := f.visitor()
	between.signIn("maker", "between")
	between.who("go", "between")

	v := f.visitor()
	for v.signIn("dotnet", "after"); v.keyID() == old; v.signIn("dotnet", "after") {
		if time.Since(end) > time.Minute {
			t.Fatal(".NET goes on with a key that has ended")
		}
		time.Sleep(500 * time.Millisecond)
	}
	next := "" // the same on all nodes
	for _, node := range []string{"go", "maker", "dotnet"} {
		own := f.visitor()
		for own.signIn(node, "own"); own.keyID() == old; own.signIn(node, "own") {
			if time.Since(end) > time.Minute {
				t.Fatalf("%s goes on with a key that has ended", node)
			}
			time.Sleep(500 * time.Millisecond)
		}
		if got := own.keyID(); !slices.Contains(made, got) || next != "" && got != next {
			t.Errorf("%s protects with %s, want one of %s, and %s", node, got, made, next)
		} else {
			next = got
		}
		for _, other := range []string{"go", "maker", "dotnet"} {
			own.who(other, "own")
			before.who(other, "before")
			v.who(other, "after")
		}
	}
	files, err := filepath.Glob(filepath.Join(keys, "key-*.xml"))
	if err != nil || len(files) != 1+len(made) {
		t.Errorf("%q, %v", files, err)
	}
	t.Logf("ten keepers at once made %d keys, and all nodes go on with %s", len(made), next)
}

// keepAtOnce starts ten keepers at once on a folder, and returns the keys that
// they made.
func keepAtOnce(t *testing.T, keys string, o *dataprotection.RingOptions) (made []string) {
	t.Helper()
	rings := make([]*dataprotection.Ring, 10)
	for i := range rings {
		var err error
		if rings[i], err = dataprotection.Open(t.Context(), dataprotection.Path(keys),
			o); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, ring := range rings {
		wg.Go(func() {
			id, err := ring.Keep(t.Context(), 14*24*time.Hour, 0)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if id != "" {
				made = append(made, id)
			}
		})
	}
	wg.Wait()
	if len(made) == 0 {
		t.Fatal("nobody made a key")
	}
	return made
}

// keeperElements wants .NET to lay out keys and revocations as Go does, byte for
// byte but for what is new in each, and to use Go's.
func keeperElements(t *testing.T, pipe *CorePipe) {
	call := func(r CoreRequest) CoreAnswer {
		t.Helper()
		answers, err := pipe.Call(r)
		if err != nil || answers[0].Error != "" {
			t.Fatalf("%v: %v %v", r, err, answers)
		}
		return answers[0]
	}
	added := func(keys, pattern string) string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(keys, pattern))
		if err != nil || len(files) != 1 {
			t.Fatalf("%q, %v", files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(string(text),
			"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
	}
	layout := func(element string) string {
		return regexp.MustCompile(` id="[-0-9a-f]+"|\d{4}-\d\d-\d\dT[^<]*|[A-Za-z0-9+/]{80,}=*`).ReplaceAllString(element, "NEW")
	}
	c := newCertificate(t, "ring")
	for _, algorithm := range [][2]string{
		{"AES_128_CBC", "HMACSHA256"}, {"AES_192_CBC", "HMACSHA512"}, {"AES_256_CBC", "HMACSHA256"},
		{"AES_128_GCM", "HMACSHA256"}, {"AES_256_GCM", "HMACSHA256"},
	} {
		before := call(CoreRequest{"op": "newkey", "algorithm": algorithm[0],
			"validation": algorithm[1], "activation": "2020-01-01T00:00:00Z",
			"expiration": "2090-01-01T00:00:00Z"}).Element
		for _, o := range []*dataprotection.RingOptions{{},
			{Certificates: []tls.Certificate{c.Certificate}}} {
			keys := t.TempDir()
			if err := os.WriteFile(filepath.Join(keys, "first.xml"), []byte(before),
				0o600); err != nil {
				t.Fatal(err)
			}
			ring, err := dataprotection.Open(t.Context(), dataprotection.Path(keys), o)
			if err != nil {
				t.Fatal(err)
			}
			id, err := ring.NewKey(t.Context(), time.Now(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			element := added(keys, "key-*.xml")
			if o.Certificates == nil && layout(element) != layout(before) {
				t.Errorf("%s, .NET writes %s", layout(element), layout(before))
			}
			p, err := ring.Protector("a")
			if err != nil {
				t.Fatal(err)
			}
			protected, err := p.Protect(nil, []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			loaded := call(CoreRequest{"op": "ring", "id": "r",
				"elements":     []string{before, element},
				"certificates": []map[string]string{{"pfx": c.pfx, "password": ""}}})
			if k := loaded.Keys; len(k) != 2 || k[1].ID != id || !k[1].Usable || k[1].Why != "" {
				t.Errorf("%v: %+v", algorithm, k)
			}
			if got := call(CoreRequest{"op": "unprotect", "ring": "r", "purposes": []string{"a"},
				"protected": hex.EncodeToString(protected)}); got.Plaintext != hex.EncodeToString([]byte("data")) {
				t.Errorf("%v: .NET opens %q", algorithm, got.Plaintext)
			}
			if o.Certificates != nil {
				continue
			}
			for _, key := range []string{id, "*"} {
				const reason = `lost & <found> "here" and 'there'`
				pattern := "revocation-" + strings.Replace(key, "*", "2???????T*Z", 1) + ".xml"
				if err := ring.Revoke(t.Context(), key, reason); err != nil {
					t.Fatal(err)
				}
				want := call(CoreRequest{"op": "revoke", "ring": "r", "key": key,
					"date": time.Now().UTC().Format(time.RFC3339Nano), "reason": reason}).Element
				got := added(keys, pattern)
				if layout(got) != layout(want) {
					t.Errorf("%s, .NET writes %s", layout(got), layout(want))
				}
				loaded := call(CoreRequest{"op": "ring", "id": "r",
					"elements":     []string{before, element, got},
					"certificates": []map[string]string{}})
				if k := loaded.Keys; len(k) != 2 || !k[1].Revoked || k[0].Revoked != (key == "*") {
					t.Errorf("%s revoked: %+v", key, k)
				}
			}
		}
	}
}
