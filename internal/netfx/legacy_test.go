package netfx

import (
	"testing"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/seed"
)

// TestRefused wants an error for settings and layers that .NET does not have.
func TestRefused(t *testing.T) {
	good := Settings{ValidationKey: secret.New(seed.Of(t).Bytes(64)),
		DecryptionKey: secret.New(seed.Of(t).Bytes(24)), Validation: "SHA1", Decryption: "AES"}
	encrypted := Layers{Encrypted: true, Signed: true}
	if _, err := NewLegacy(good, encrypted); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDerived(good, "label", ""); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(s *Settings, l *Layers){
		"digest":              func(s *Settings, _ *Layers) { s.Validation = "SHA-1" },
		"cipher":              func(s *Settings, _ *Layers) { s.Decryption = "Auto" },
		"size":                func(s *Settings, _ *Layers) { s.DecryptionKey = secret.New(make([]byte, 20)) },
		"size of 3DES":        func(s *Settings, _ *Layers) { s.Decryption, s.DecryptionKey = "3DES", secret.New(make([]byte, 20)) },
		"size of DES":         func(s *Settings, _ *Layers) { s.Decryption, s.DecryptionKey = "DES", secret.New(make([]byte, 7)) },
		"weak":                func(s *Settings, _ *Layers) { s.Decryption, s.DecryptionKey = "DES", secret.New(make([]byte, 8)) },
		"type of prefix":      func(_ *Settings, l *Layers) { l.IV = 3 },
		"signed, no prefix":   func(_ *Settings, l *Layers) { l.IV = IVNone },
		"unsigned, no mode":   func(_ *Settings, l *Layers) { l.Signed = false },
		"no validation named": func(s *Settings, _ *Layers) { s.Validation = "" },
	} {
		s, l := good, encrypted
		change(&s, &l)
		if k, err := NewLegacy(s, l); err == nil || k != nil {
			t.Errorf("%s: %v", name, k)
		}
	}
	good.Validation = "MD5"
	if _, err := NewDerived(good, "label", ""); err == nil {
		t.Error("Framework45 knows no MD5")
	}
	if s := IVType(3).String(); s != "IVType(3)" {
		t.Error(s)
	}
}
