package machinekey_test

import (
	"encoding"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// TestUnmarshalText wants each name of web.config to mean the value that has
// it, and no other spelling to mean any.
func TestUnmarshalText(t *testing.T) {
	for _, tt := range []struct {
		value interface {
			encoding.TextUnmarshaler
			fmt.Stringer
		}
		names string
	}{
		{new(machinekey.Mode), "Framework20SP1 Framework20SP2 Framework45"},
		{new(machinekey.Validation), "SHA1 HMACSHA256 HMACSHA384 HMACSHA512 MD5 3DES AES"},
		{new(machinekey.Decryption), "Auto AES 3DES DES"},
		{new(machinekey.Protection), "All Encryption Validation None"},
	} {
		for _, name := range strings.Fields(tt.names) {
			if err := tt.value.UnmarshalText([]byte(name)); err != nil || tt.value.String() != name {
				t.Errorf("%s: %v, %v", name, tt.value, err)
			}
			before := tt.value.String()
			for _, wrong := range []string{"", strings.ToLower(name) + " ", "unknown", "invalid", "Mode(9)"} {
				var e *machinekey.ConfigError
				err := tt.value.UnmarshalText([]byte(wrong))
				if !errors.As(err, &e) || e.Code != "invalid_enum" || !strings.Contains(e.Want, name) || tt.value.String() != before {
					t.Errorf("%q: %v, %v", wrong, tt.value, err)
				}
			}
		}
	}
}
