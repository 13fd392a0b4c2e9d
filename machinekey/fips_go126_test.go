//go:build go1.26

package machinekey_test

import (
	"crypto/fips140"
	"errors"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// TestFIPSLifted makes a key where enforcement is lifted and uses it where it
// is not: an error, and no panic of the standard library.
func TestFIPSLifted(t *testing.T) {
	if !inFIPSOnly(t) {
		return
	}
	var p protector
	var ring *machinekey.Ring
	var protected []byte
	var legacy protector
	var key *machinekey.Key
	var text string
	fips140.WithoutEnforcement(func() {
		ring = ringOf(t, generated(t))
		var err error
		if p, err = wrap(ring.Protector(machinekey.FormsPurpose)); err != nil {
			t.Fatal(err)
		}
		protected = protect(t, p, []byte("text"))
		cfg := legacyGenerated(t)
		cfg.Validation, cfg.AllowInsecure = machinekey.InsecureMD5, true
		key = keyOf(t, cfg)
		if legacy, err = wrap(ringOf(t, key).CookieProtector(machinekey.LegacyOptions{},
			machinekey.FormsPurpose)); err != nil {
			t.Fatal(err)
		}
		if text, err = encode(key, []byte("text"), machinekey.ProtectionAll); err != nil {
			t.Fatal(err)
		}
	})
	_, err1 := p.Protect(nil, []byte("text"))
	_, err2 := p.Unprotect(nil, protected)
	_, err3 := wrap(ring.Protector(machinekey.RolePurpose))
	_, err4 := legacy.Protect(nil, []byte("text"))
	_, err5 := legacy.Unprotect(nil, protected)
	_, err6 := encode(key, []byte("text"), machinekey.ProtectionAll)
	_, err7 := decode(key, text, machinekey.ProtectionAll)
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		var e *machinekey.ConfigError
		if !errors.As(err, &e) || e.Code != "not_fips_approved" {
			t.Errorf("%d: %v, want not_fips_approved", i, err)
		}
	}
}
