package machinekey_test

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// inFIPSOnly runs the named test again in a process with GODEBUG=fips140=only
// and reports whether this is that process.
func inFIPSOnly(t *testing.T) bool {
	if strings.Contains(os.Getenv("GODEBUG"), "fips140=only") {
		if !fips140.Enabled() {
			t.Fatal("fips140=only is set but not in force")
		}
		return true
	}
	program, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "FIPS 140-3 mode is") { // not supported here
		t.Skipf("%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("with GODEBUG=fips140=only: %v\n%s", err, out)
	}
	return false
}

func TestFIPSOnly(t *testing.T) {
	if !inFIPSOnly(t) {
		return
	}
	for _, test := range []struct {
		attribute string // of the ConfigError, empty if accepted
		v         machinekey.Validation
		vlen      int
		d         machinekey.Decryption
		dlen      int
		mode      machinekey.Mode
	}{
		{"", machinekey.HMACSHA256, 14, machinekey.AES, 16, machinekey.Framework45},
		{"", machinekey.HMACSHA384, 64, machinekey.Auto, 24, machinekey.Framework45},
		{"", machinekey.HMACSHA512, 200, machinekey.AES, 32, machinekey.Framework20SP1},
		{"validation", machinekey.HMACSHA1, 64, machinekey.AES, 32, machinekey.Framework45},
		{"validation", machinekey.InsecureMD5, 64, machinekey.AES, 32, machinekey.Framework20SP1},
		{"validation", machinekey.LegacyAES, 64, machinekey.AES, 32, machinekey.Framework20SP2},
		{"validationKey", machinekey.HMACSHA256, 13, machinekey.AES, 32, machinekey.Framework45},
		{"decryption", machinekey.HMACSHA256, 64, machinekey.InsecureTripleDES, 24, machinekey.Framework45},
		{"decryption", machinekey.HMACSHA256, 64, machinekey.InsecureDES, 8, machinekey.Framework45},
		{"decryption", machinekey.HMACSHA256, 64, machinekey.Auto, 8, machinekey.Framework20SP1},
	} {
		cfg := machinekey.Config{Validation: test.v, Decryption: test.d, Mode: test.mode,
			AllowInsecure: true, AllowWeakKey: true,
			ValidationKey: machinekey.NewSecret(bytes.Repeat([]byte{1}, test.vlen)),
			DecryptionKey: machinekey.NewSecret(bytes.Repeat([]byte{2}, test.dlen))}
		if test.attribute == "" {
			p := protectorOf(t, cfg, "fips")
			got, err := p.Unprotect(nil, protect(t, p, []byte("text")))
			if err != nil || string(got) != "text" {
				t.Errorf("%v: %q, %v", cfg, got, err)
			}
			if cfg.ValidationKey.Len() < 20 || cfg.ValidationKey.Len() > 128 {
				continue
			}
			key := keyOf(t, cfg)
			text, err := encode(key, []byte("text"), machinekey.ProtectionAll)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decode(key, text, machinekey.ProtectionAll); err != nil ||
				string(got) != "text" {
				t.Errorf("%v: Decode = %q, %v", cfg, got, err)
			}
			continue
		}
		_, err := machinekey.New(cfg)
		var e *machinekey.ConfigError
		if !errors.As(err, &e) || e.Code != "not_fips_approved" || e.Attribute != test.attribute {
			t.Errorf("%v: %v, want not_fips_approved for %s", cfg, err, test.attribute)
		}
	}
	if _, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES); err != nil {
		t.Error(err)
	}
}
