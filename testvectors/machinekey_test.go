package testvectors_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// attributes are those of <machineKey> as a web.config has them; nil is not
// written.
type attributes struct {
	ValidationKey, DecryptionKey, Validation, Decryption, CompatibilityMode *string
}

// webConfig returns a site's file with these attributes.
func (a *attributes) webConfig(target45 bool) string {
	var b strings.Builder
	b.WriteString("<configuration><system.web>")
	if target45 {
		b.WriteString(`<httpRuntime targetFramework="4.5"/>`)
	}
	b.WriteString("<machineKey")
	for _, attr := range []struct {
		name  string
		value *string
	}{
		{"validationKey", a.ValidationKey}, {"decryptionKey", a.DecryptionKey},
		{"validation", a.Validation}, {"decryption", a.Decryption}, {"compatibilityMode", a.CompatibilityMode},
	} {
		if attr.value != nil {
			b.WriteString(" " + attr.name + `="`)
			xml.EscapeText(&b, []byte(*attr.value)) // a Builder does not fail
			b.WriteString(`"`)
		}
	}
	b.WriteString("/></system.web></configuration>")
	return b.String()
}

// config reads the attributes the way a site's own are read. The vectors have
// weak algorithms too.
func (a *attributes) config(target45 bool) (machinekey.Config, error) {
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(a.webConfig(target45)))
	cfg.AllowInsecure = true
	return cfg, err
}

// purposeOf returns the purpose of a vector; no primary name means the one of
// MachineKey.Protect.
func purposeOf(primary string, specific []string) (machinekey.Purpose, error) {
	if primary == "" {
		return machinekey.UserPurpose(specific...)
	}
	return machinekey.BuiltinPurpose(primary, specific...)
}

// protectorOf returns a protector that draws its initialization vectors from
// random, or from the system if that is nil.
func protectorOf(cfg machinekey.Config, purpose machinekey.Purpose, random []byte) (*machinekey.Protector, error) {
	if random != nil {
		cfg.Rand = bytes.NewReader(random)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		return nil, err
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		return nil, err
	}
	return ring.Protector(purpose)
}

// machineKeys are the keys of a file of session tokens, by name. Session
// tokens follow the rules of the new mode on every site.
type machineKeys map[string]*attributes

func (m machineKeys) config(t *testing.T, name string) machinekey.Config {
	t.Helper()
	a := m[name]
	if a == nil {
		t.Fatalf("no machine key %q in the file", name)
	}
	cfg, err := a.config(true)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (m machineKeys) ring(t *testing.T, name string) *machinekey.Ring {
	t.Helper()
	key, err := machinekey.New(m.config(t, name))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
