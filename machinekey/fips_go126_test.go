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
	var p *machinekey.Protector
	var ring *machinekey.Ring
	var protected []byte
	fips140.WithoutEnforcement(func() {
		ring = ringOf(t, generated(t))
		var err error
		if p, err = ring.Protector(machinekey.FormsTicket); err != nil {
			t.Fatal(err)
		}
		protected = protect(t, p, []byte("text"))
	})
	_, err1 := p.Protect(nil, []byte("text"))
	_, err2 := p.Unprotect(nil, protected)
	_, err3 := ring.Protector(machinekey.RoleTicket)
	for i, err := range []error{err1, err2, err3} {
		var e *machinekey.ConfigError
		if !errors.As(err, &e) || e.Code != "not_fips_approved" {
			t.Errorf("%d: %v, want not_fips_approved", i, err)
		}
	}
}
