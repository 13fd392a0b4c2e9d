package machinekey_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// publicConfig returns key A or B of the vectors, which are built in.
func publicConfig(tb testing.TB, name string) machinekey.Config {
	tb.Helper()
	file := "forms-site.config"
	if name == "B" {
		file = "wif45-fedauth.config"
	}
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(readSite(tb, file)))
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

func readSite(tb testing.TB, name string) string {
	tb.Helper()
	data := testkit.File(tb, "webconfig/"+name)
	return string(data)
}

// TestKnownKeyRefused wants the attribute, the source and the line of the key
// and no key bytes, wherever the key stands.
func TestKnownKeyRefused(t *testing.T) {
	a, b, fresh := publicConfig(t, "A"), publicConfig(t, "B"), freshConfig(t)
	const inA, inB = "a key published in the test vectors of webfarm, key A", "a key published in the test vectors of webfarm, key B"
	with := func(validation, decryption []byte) machinekey.Config {
		cfg := fresh
		cfg.ValidationKey, cfg.DecryptionKey = machinekey.NewSecret(validation), machinekey.NewSecret(decryption)
		return cfg
	}
	listed := with(fresh.ValidationKey.Reveal(), b.DecryptionKey.Reveal())
	listed.KnownKeys = listOf(t, fresh.ValidationKey.Reveal())
	tests := []struct {
		name      string
		cfg       machinekey.Config
		attribute string
		found     string
		line      int
	}{
		{"both", a, "validationKey", inA + ", and the decryptionKey too", 13},
		{"other", b, "validationKey", inB + ", and the decryptionKey too", 11},
		{"validation", with(a.ValidationKey.Reveal(), fresh.DecryptionKey.Reveal()), "validationKey", inA, 0},
		{"decryption", with(fresh.ValidationKey.Reveal(), b.DecryptionKey.Reveal()), "decryptionKey", inB, 0},
		{"mixed", with(a.ValidationKey.Reveal(), b.DecryptionKey.Reveal()), "validationKey",
			inA + ", and a decryptionKey published in the test vectors of webfarm, key B", 0},
		{"decryption as validation", with(a.DecryptionKey.Reveal(), fresh.DecryptionKey.Reveal()),
			"validationKey", inA, 0},
		{"list and built in", listed, "validationKey",
			"a key on line 2 of the list of known keys, and a decryptionKey published in the test vectors of webfarm, key B", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := machinekey.New(tt.cfg)
			if key != nil || !errors.Is(err, machinekey.ErrKnownKey) {
				t.Fatalf("%v, %v", key, err)
			}
			e := configErrorOf(t, err)
			if e.Code != "known_key" || e.Attribute != tt.attribute || e.Found != tt.found ||
				e.Line != tt.line {
				t.Errorf("%+v", *e)
			}
			text := strings.ToUpper(fmt.Sprintf("%v %+v %#v", err, *e, tt.cfg))
			for _, secret := range [][]byte{tt.cfg.ValidationKey.Reveal(),
				tt.cfg.DecryptionKey.Reveal()} {
				if strings.Contains(text, fmt.Sprintf("%X", secret[:4])) {
					t.Error("the error shows the key")
				}
			}
			tt.cfg.AllowKnownKey = true
			if _, err := machinekey.New(tt.cfg); err != nil {
				t.Errorf("allowed: %v", err)
			}
		})
	}
}

// TestKnownKeyIsTheLastCheck wants a key that is also wrong to be refused for
// what AllowKnownKey does not mend.
func TestKnownKeyIsTheLastCheck(t *testing.T) {
	cfg := publicConfig(t, "A")
	cfg.Decryption, cfg.DecryptionKey = machinekey.InsecureTripleDES, machinekey.NewSecret(cfg.DecryptionKey.Reveal()[:24])
	_, err := machinekey.New(cfg)
	if e := configErrorOf(t, err); e.Code != "insecure_algorithm" {
		t.Error(err)
	}
}

func TestGeneratedKeysAreNotKnown(t *testing.T) {
	for range 200 {
		if _, err := machinekey.New(freshConfig(t)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoadRingRefusesKnownKeys wants it for keys that only read as well.
func TestLoadRingRefusesKnownKeys(t *testing.T) {
	folder := t.TempDir()
	known, good := filepath.Join(folder, "known.config"), filepath.Join(folder, "web.config")
	writeFile(t, known, readSite(t, "forms-site.config"))
	writeFile(t, good, "<configuration><system.web>"+freshConfig(t).WebConfig()+
		"</system.web></configuration>")
	for _, paths := range [][]string{{known}, {good, known}} {
		if _, err := machinekey.LoadRing(paths[0], paths[1:]...); !errors.Is(err,
			machinekey.ErrKnownKey) || !strings.Contains(err.Error(), "known.config") {
			t.Errorf("%d files: %v", len(paths), err)
		}
	}
}

// TestWatchRefusesKnownKeys runs one look at a file with a public key and with
// a listed one.
func TestWatchRefusesKnownKeys(t *testing.T) {
	fresh := freshConfig(t)
	list := listOf(t, fresh.DecryptionKey.Reveal())
	tests := []struct {
		name    string
		file    string
		options machinekey.WatchOptions
		known   bool
	}{
		{"built in", readSite(t, "forms-site.config"), machinekey.WatchOptions{}, true},
		{"built in, allowed", readSite(t, "forms-site.config"),
			machinekey.WatchOptions{Config: func(c *machinekey.Config) { c.AllowKnownKey = true }},
			false},
		{"listed", "<configuration><system.web>" + fresh.WebConfig() +
			"</system.web></configuration>",
			machinekey.WatchOptions{Config: func(c *machinekey.Config) { c.KnownKeys = list }},
			true},
		{"not listed", "<configuration><system.web>" + fresh.WebConfig() +
			"</system.web></configuration>", machinekey.WatchOptions{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "web.config")
			writeFile(t, path, tt.file)
			before := generated(t)
			ring := ringOf(t, before)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var refused error
			tt.options.OnError = func(err error) { refused = err; cancel() }
			tt.options.OnChange = func(_, _ *machinekey.Key) { cancel() }
			if err := machinekey.Watch(ctx, ring, path, &tt.options); !errors.Is(err,
				context.Canceled) {
				t.Fatal(err)
			}
			if got := errors.Is(refused, machinekey.ErrKnownKey); got != tt.known ||
				(ring.Primary() == before) != tt.known {
				t.Errorf("error %v, primary changed: %v", refused, ring.Primary() != before)
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkNewKnown compares New with and without the look at known keys, of
// which there are as many as Microsoft lists.
func BenchmarkNewKnown(b *testing.B) {
	list, err := machinekey.KnownKeys(strings.NewReader(syntheticList(3713)))
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		name  string
		allow bool
		list  *machinekey.KnownKeyList
	}{{"allowed", true, nil}, {"built-in", false, nil}, {"listed", false, list}} {
		b.Run(bm.name, func(b *testing.B) {
			cfg := freshConfig(b)
			cfg.AllowKnownKey, cfg.KnownKeys = bm.allow, bm.list
			b.ReportAllocs()
			for b.Loop() {
				if _, err := machinekey.New(cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
