package machinekey_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
)

// counting returns n bytes from first on in steps of step.
func counting(first, step, n int) []byte {
	var key []byte
	for i := range n {
		key = append(key, byte(first+i*step))
	}
	return key
}

func digits(t *testing.T, text string) []byte {
	t.Helper()
	key, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// decimals returns the numbers from first to last in three digits each.
func decimals(first, last int) string {
	var text strings.Builder
	for i := first; i <= last; i++ {
		fmt.Fprintf(&text, "%03d", i)
	}
	return text.String()
}

// TestWeakKeys gives both attributes keys that can be guessed.
func TestWeakKeys(t *testing.T) {
	r := seed.Of(t)
	good := machinekey.Config{ValidationKey: machinekey.NewSecret(r.Bytes(64)),
		DecryptionKey: machinekey.NewSecret(r.Bytes(32)), Validation: machinekey.HMACSHA256,
		Mode: machinekey.Framework45}
	random := r.Bytes(64)
	for _, tt := range []struct {
		attribute string
		key       []byte
		rule      string
	}{
		{"validationKey", random[:1], "a key of 1 byte"},
		{"validationKey", random[:2], "a key of 2 bytes"},
		{"validationKey", random[:15], "a key of 15 bytes"},
		{"validationKey", make([]byte, 64), "one byte, repeated"},
		{"validationKey", bytes.Repeat([]byte{0xff}, 16), "one byte, repeated"},
		{"validationKey", bytes.Repeat(random[:2], 32), "2 bytes, repeated"},
		{"validationKey", bytes.Repeat(random[:15], 5)[:64], "15 bytes, repeated"},
		{"validationKey", digits(t, strings.Repeat("0123456789ABCDEF", 8)), "8 bytes, repeated"},
		{"validationKey", digits(t, strings.Repeat("1234567890", 13)[:128]), "5 bytes, repeated"},
		{"validationKey", counting(0, 1, 64), "counts in equal steps"},
		{"validationKey", counting(255, -1, 64), "counts in equal steps"},
		{"validationKey", counting(7, 0x11, 20), "counts in equal steps"},
		{"validationKey", counting(250, 1, 16), "counts in equal steps"}, // over the end
		{"validationKey", digits(t, "112233445566778899AABBCCDDEEFF00"), "a pattern with few exceptions"},
		{"validationKey", append(make([]byte, 63), 1), "a pattern with few exceptions"},
		{"validationKey", []byte("12345678901234567890"), "10 bytes, repeated"},
		{"validationKey", []byte("abcdefghijklmnopqrst0123"), "text"},
		{"validationKey", []byte("This is my validation key"), "text"},
		{"validationKey", []byte("correct horse, battery-staple"), "text"},
		{"validationKey", []byte("P@ssw0rd! P@ssw0rd? #1"), "text"},
		{"validationKey", []byte("MyCompanyKey2015"), "text"},
		{"validationKey", []byte("M\x00y\x00K\x00e\x00y\x002\x000\x001\x005\x00s\x00e\x00"), "text"},
		{"validationKey", digits(t, "1234567891011121314151617181920212223242"[:38]), "few exceptions"},
		{"validationKey", digits(t, "001002003004005006007008009010011012013014015016"), "few exceptions"},
		{"validationKey", digits(t, decimals(1, 43)[:128]), "few exceptions"},
		{"validationKey", digits(t, "100101102103104105106107108109110111"[:32]), "few exceptions"},
		{"validationKey", digits(t, "0011002200330044005500660077008800990110"), "few exceptions"},
		{"validationKey", append(slices.Clone(random[:3]), make([]byte, 13)...), "few exceptions"},
		{"validationKey", append(slices.Clone(random[:6]), make([]byte, 14)...), "few exceptions"},
		{"validationKey", append(slices.Clone(random[:8]), make([]byte, 8)...), "few exceptions"},
		{"validationKey", slices.Concat(random[:3], make([]byte, 50), random[3:6]), "few exceptions"},
		{"validationKey", digits(t, "9C9C9C9C3A3A3A3AE1E1E1E17474747408080808"), "half its bytes, twice"},
		{"validationKey", digits(t, "9C9C3A3AE1E1747408085B5BD2D2464677771F1F"), "half its bytes, twice"},
		{"validationKey", digits(t, "00FF01FE02FD03FC04FB05FA06F907F808F709F60AF50BF4"), "few exceptions"},
		{"validationKey", digits(t, "00010203F0E0D0C004050607B0A0908008090A0B"), "few exceptions"},
		{"validationKey", digits(t, "00010409101924314051647990A9C4E1"), "few exceptions"}, // squares
		{"validationKey", digits(t, "9C9C3A3AE1E1747408085B5BD2D24646"), "half its bytes, twice"},
		{"validationKey", digits(t, "9C3AE174085BD2460F0F46D25B0874E13A9C"), "half its bytes, twice"},
		{"validationKey", digits(t, "0123456789ABCDEFEFCDAB8967452301"), "half its bytes, twice"},
		{"validationKey", digits(t, "0123456789ABCDEFFEDCBA9876543210"), "few exceptions"},
		{"validationKey", digits(t, strings.Repeat("DEADBEEFCAFEBABE", 4)[:63]+"F"), "few exceptions"},
		{"validationKey", digits(t, strings.Repeat("1234567890ABCDEF", 2)[:31]+"E"), "few exceptions"},
		{"decryptionKey", make([]byte, 32), "one byte, repeated"},
		{"decryptionKey", bytes.Repeat(random[:8], 2), "8 bytes, repeated"},
		{"decryptionKey", counting(1, 3, 24), "counts in equal steps"},
		{"decryptionKey", counting(0x20, -0x10, 16), "counts in equal steps"},
		{"decryptionKey", append(slices.Clone(random[:5]), make([]byte, 19)...), "few exceptions"},
	} {
		cfg := good
		if tt.attribute == "validationKey" {
			cfg.ValidationKey = machinekey.NewSecret(tt.key)
		} else {
			cfg.DecryptionKey = machinekey.NewSecret(tt.key)
		}
		key, err := machinekey.New(cfg)
		var e *machinekey.ConfigError
		if key != nil || !errors.As(err, &e) || e.Code != "weak_key" ||
			e.Attribute != tt.attribute || !strings.Contains(e.Found, tt.rule) {
			t.Errorf("%x as %s: %v, %v; want %q", tt.key, tt.attribute, key, err, tt.rule)
			continue
		}
		if n := min(len(tt.key), 4); n > 1 &&
			strings.Contains(strings.ToLower(err.Error()), hex.EncodeToString(tt.key[:n])) {
			t.Errorf("the error shows the key: %v", err)
		}
		cfg.AllowWeakKey = true
		if _, err := machinekey.New(cfg); err != nil {
			t.Errorf("%x as %s, allowed: %v", tt.key, tt.attribute, err)
		}
	}

	// What is left is accepted: random keys of every length, two-key 3DES in
	// three parts, and 32 random bytes twice.
	des := r.Bytes(16)
	for _, cfg := range []machinekey.Config{
		{ValidationKey: machinekey.NewSecret(random[:16]),
			DecryptionKey: machinekey.NewSecret(r.Bytes(16)), Validation: machinekey.HMACSHA1},
		{ValidationKey: machinekey.NewSecret(slices.Concat(random[:32], random[:32])),
			DecryptionKey: good.DecryptionKey, Validation: machinekey.HMACSHA1},
		{ValidationKey: good.ValidationKey, DecryptionKey: machinekey.NewSecret(slices.Concat(des,
			des[:8])), Validation: machinekey.HMACSHA1, Decryption: machinekey.InsecureTripleDES,
			AllowInsecure: true},
		{ValidationKey: good.ValidationKey, DecryptionKey: machinekey.NewSecret(des[:8]),
			Validation: machinekey.HMACSHA1, Decryption: machinekey.InsecureDES,
			AllowInsecure: true},
	} {
		if _, err := machinekey.New(cfg); err != nil {
			t.Errorf("%v: %v", cfg, err)
		}
	}
	keys := 200 / share.OneIn(t, 10)
	for n := 16; n <= 128; n++ {
		for range keys {
			cfg := good
			cfg.ValidationKey = machinekey.NewSecret(r.Bytes(n))
			if _, err := machinekey.New(cfg); err != nil {
				t.Fatalf("%d random bytes: %v", n, err)
			}
		}
	}
}

// TestWeakKeyInFile reads files with weak keys, as .NET does, and makes no key
// of them.
func TestWeakKeyInFile(t *testing.T) {
	r := seed.Of(t)
	for _, tt := range []struct {
		key     []byte
		refused bool
	}{
		{r.Bytes(2), true}, {make([]byte, 64), true}, {r.Bytes(16), false}, {r.Bytes(64), false},
	} {
		text := fmt.Sprintf("<configuration>\n<system.web>\n<machineKey validationKey='%X' decryptionKey='%X' compatibilityMode='Framework45'/></system.web></configuration>", tt.key, r.Bytes(32))
		cfg, err := machinekey.ParseWebConfig(strings.NewReader(text))
		if err != nil || cfg.ValidationKey.Len() != len(tt.key) {
			t.Fatalf("%v, %v", cfg, err)
		}
		_, err = machinekey.New(cfg)
		var e *machinekey.ConfigError
		if (errors.As(err, &e) && e.Code == "weak_key" && e.Line == 3 &&
			e.Section == "system.web/machineKey") != tt.refused {
			t.Errorf("%d bytes: %v", len(tt.key), err)
		}
	}
}
