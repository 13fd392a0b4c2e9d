package machinekey_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// writeConfig writes a web.config with a fresh key and returns its path.
func writeConfig(t *testing.T, name string) string {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	text := "<configuration><system.web>" + cfg.WebConfig() + "</system.web></configuration>"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadRing(t *testing.T) {
	oldPath, newPath := writeConfig(t, "old.config"), writeConfig(t, "web.config")
	before, err := machinekey.LoadRing(oldPath)
	if err != nil {
		t.Fatal(err)
	}
	after, err := machinekey.LoadRing(newPath, oldPath)
	if err != nil {
		t.Fatal(err)
	}
	was, err := wrap(before.Protector(machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	is, err := wrap(after.Protector(machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	protected, err := was.Protect(nil, []byte("ticket"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := is.Unprotect(nil, protected); err != nil || string(got) != "ticket" {
		t.Fatalf("%q, %v", got, err)
	}
	if protected, err = is.Protect(nil, []byte("ticket")); err != nil {
		t.Fatal(err)
	}
	if _, err := was.Unprotect(nil, protected); !errors.Is(err, machinekey.ErrUnprotect) {
		t.Fatalf("the old key opens what the new one protects: %v", err)
	}
}

func TestLoadRingNamesTheFile(t *testing.T) {
	good := writeConfig(t, "web.config")
	missing := filepath.Join(t.TempDir(), "none.config")
	if _, err := machinekey.LoadRing(good, missing); err == nil ||
		!strings.Contains(err.Error(), "none.config") {
		t.Errorf("error %v", err)
	}
	weak := filepath.Join(t.TempDir(), "weak.config")
	text := `<configuration><system.web><machineKey validation="SHA1" decryption="3DES" validationKey="` + strings.Repeat("A1", 64) +
		`" decryptionKey="` + strings.Repeat("0123456789ABCDEF", 2) +
		`0011223344556677"/></system.web></configuration>`
	if err := os.WriteFile(weak, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var bad *machinekey.ConfigError
	if _, err := machinekey.LoadRing(weak); !errors.As(err, &bad) ||
		!strings.Contains(err.Error(), "weak.config") {
		t.Errorf("error %v", err)
	}
}
