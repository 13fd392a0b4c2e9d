package machinekey_test

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestGenerate(t *testing.T) {
	sizes := map[machinekey.Validation]int{
		machinekey.HMACSHA1: 64, machinekey.HMACSHA256: 64, machinekey.HMACSHA384: 128, machinekey.HMACSHA512: 128,
	}
	for _, v := range validations {
		for _, d := range decryptions {
			cfg, err := machinekey.Generate(v, d)
			if sizes[v] == 0 || d != "" && d != machinekey.Auto && d != machinekey.AES {
				var e *machinekey.ConfigError
				if !errors.As(err, &e) || cfg.ValidationKey.Len() > 0 ||
					cfg.DecryptionKey.Len() > 0 {
					t.Errorf("Generate(%v, %v) = %v, %v, want a ConfigError", v, d, cfg, err)
				}
				continue
			}
			if err != nil || cfg.ValidationKey.Len() != sizes[v] || cfg.DecryptionKey.Len() != 32 ||
				cfg.Validation != v || cfg.Decryption != cmp.Or(d, machinekey.Auto) ||
				cfg.Mode != machinekey.Framework45 || cfg.AllowInsecure {
				t.Errorf("Generate(%v, %v) = %v, %v", v, d, cfg, err)
			}
			again, err := machinekey.Generate(v, d)
			if err != nil || again.ValidationKey.Equal(cfg.ValidationKey) ||
				again.DecryptionKey.Equal(cfg.DecryptionKey) {
				t.Errorf("Generate(%v, %v) made the same key twice", v, d)
			}
			keyOf(t, cfg)
		}
	}
}

func TestWebConfig(t *testing.T) {
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret([]byte{0x0a, 0xbc}),
		DecryptionKey: machinekey.NewSecret([]byte{0xde, 0xf0}), Validation: machinekey.HMACSHA1,
		Mode: machinekey.Framework45}
	const want = `<machineKey validationKey="0ABC" decryptionKey="DEF0" validation="SHA1" decryption="Auto" compatibilityMode="Framework45" />`
	if got := cfg.WebConfig(); got != want {
		t.Errorf("WebConfig() = %s\n want %s", got, want)
	}
	cfg.Mode = ""
	const unknown = `<machineKey validationKey="0ABC" decryptionKey="DEF0" validation="SHA1" decryption="Auto" />`
	if got := cfg.WebConfig(); got != unknown {
		t.Errorf("WebConfig() = %s\n want %s", got, unknown)
	}
}

func TestWebConfigOfGenerated(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA512, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	var element struct {
		XMLName       xml.Name `xml:"machineKey"`
		ValidationKey string   `xml:"validationKey,attr"`
		DecryptionKey string   `xml:"decryptionKey,attr"`
	}
	if err := xml.Unmarshal([]byte(cfg.WebConfig()), &element); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9A-F]{256}$`).MatchString(element.ValidationKey) ||
		!regexp.MustCompile(`^[0-9A-F]{64}$`).MatchString(element.DecryptionKey) {
		t.Errorf("keys are not upper-case hex of 256 and 64 digits")
	}
	if element.ValidationKey != fmt.Sprintf("%X", cfg.ValidationKey.Reveal()) {
		t.Error("the printed key is another")
	}
}
