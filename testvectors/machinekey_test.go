package testvectors_test

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// attributes are those of <machineKey> as a web.config has them; nil is not
// written.
type attributes struct {
	ValidationKey, DecryptionKey, Validation, Decryption, CompatibilityMode *string
}

// switches are the settings in <appSettings> that change machine-key cookies.
type switches struct {
	UseLegacyEncryption           bool `json:"aspnet:UseLegacyEncryption"`
	UseLegacyMachineKeyEncryption bool `json:"aspnet:UseLegacyMachineKeyEncryption"`
	UseLegacyFormsTicket          bool `json:"aspnet:UseLegacyFormsAuthenticationTicketCompatibility"`
}

// siteConfig is what a vector says about the web.config of its site.
type siteConfig struct {
	machineKey *attributes
	target45   bool
	switches   switches
	protection *string // of <forms>
}

// webConfig returns the site's file.
func (s *siteConfig) webConfig() string {
	var b strings.Builder
	b.WriteString("<configuration><appSettings>")
	for key, on := range map[string]bool{
		webconfig.UseLegacyEncryption:           s.switches.UseLegacyEncryption,
		webconfig.UseLegacyMachineKeyEncryption: s.switches.UseLegacyMachineKeyEncryption,
		webconfig.UseLegacyFormsTicket:          s.switches.UseLegacyFormsTicket,
	} {
		if on {
			fmt.Fprintf(&b, `<add key="%s" value="true"/>`, key)
		}
	}
	b.WriteString("</appSettings><system.web>")
	if s.target45 {
		b.WriteString(`<httpRuntime targetFramework="4.5"/>`)
	}
	writeElement(&b, "machineKey", []xmlAttribute{
		{"validationKey", s.machineKey.ValidationKey}, {"decryptionKey", s.machineKey.DecryptionKey},
		{"validation", s.machineKey.Validation}, {"decryption", s.machineKey.Decryption},
		{"compatibilityMode", s.machineKey.CompatibilityMode},
	})
	b.WriteString(`<authentication mode="Forms">`)
	writeElement(&b, "forms", []xmlAttribute{{"protection", s.protection}})
	b.WriteString("</authentication></system.web></configuration>")
	return b.String()
}

// xmlAttribute is an attribute to write; nil is not written.
type xmlAttribute struct {
	name  string
	value *string
}

func writeElement(b *strings.Builder, name string, attributes []xmlAttribute) {
	b.WriteString("<" + name)
	for _, a := range attributes {
		if a.value != nil {
			b.WriteString(" " + a.name + `="`)
			xml.EscapeText(b, []byte(*a.value)) // a Builder does not fail
			b.WriteString(`"`)
		}
	}
	b.WriteString("/>")
}

// settings reads all settings of the site but its keys' bytes.
func (s *siteConfig) settings(t *testing.T) *siteSettings {
	t.Helper()
	file, err := webconfig.Parse(strings.NewReader(s.webConfig()), nil)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := allSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// config reads the attributes the way a site's own are read. The vectors have
// weak algorithms and publicly known keys too.
func (a *attributes) config(target45 bool) (machinekey.Config, error) {
	cfg, err := machinekey.ParseWebConfig(strings.NewReader((&siteConfig{machineKey: a,
		target45: target45}).webConfig()))
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	return cfg, err
}

// purposesOf returns the purposes of a vector; no primary name means the one of
// MachineKey.Protect.
func purposesOf(primary string, specific ...string) []string {
	return append([]string{cmp.Or(primary, machinekey.UserPurpose)}, specific...)
}

// protectorOf returns a protector that draws its initialization vectors from
// random, or from the system if that is nil.
func protectorOf(cfg machinekey.Config, purposes []string, random []byte) (machinekey.Protector, error) {
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
	return ring.Protector(purposes...)
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
