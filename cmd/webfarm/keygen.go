package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/machinekey"
)

// keygen is the subcommand of that name.
type keygen struct{ validation, decryption string }

func (k *keygen) define(flags *pflag.FlagSet) {
	flags.StringVar(&k.validation, "validation", "HMACSHA256", "")
	flags.StringVar(&k.decryption, "decryption", "AES", "")
}

// keygenReport is the output with -json. It holds the keys.
type keygenReport struct {
	Element       string `json:"element"`
	KeyID         string `json:"keyId"`
	ValidationKey string `json:"validationKey"`
	DecryptionKey string `json:"decryptionKey"`
	Validation    string `json:"validation"`
	Decryption    string `json:"decryption"`
	Mode          string `json:"compatibilityMode"`
}

func (k *keygen) run(_ context.Context, _ []string, s streams) error {
	v, ok := byName(k.validation, machinekey.HMACSHA1, machinekey.HMACSHA256, machinekey.HMACSHA384,
		machinekey.HMACSHA512)
	if !ok {
		return usageError(fmt.Sprintf("-validation %q: new keys use SHA1, HMACSHA256, HMACSHA384 or HMACSHA512", k.validation))
	}
	d, ok := byName(k.decryption, machinekey.AES, machinekey.Auto)
	if !ok {
		return usageError(fmt.Sprintf("-decryption %q: new keys use AES or Auto", k.decryption))
	}
	cfg, err := machinekey.Generate(v, d)
	if err != nil {
		return err
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.out, keygenReport{
			Element:       cfg.WebConfig(),
			KeyID:         key.ID(),
			ValidationKey: fmt.Sprintf("%X", cfg.ValidationKey.Reveal()),
			DecryptionKey: fmt.Sprintf("%X", cfg.DecryptionKey.Reveal()),
			Validation:    string(cfg.Validation),
			Decryption:    string(cfg.Decryption),
			Mode:          string(cfg.Mode),
		})
	}
	_, err = fmt.Fprintf(s.out,
		"<!-- Secret, key id %s. Paste it inside <system.web> on every node at once; all users have to sign in again. -->\n%s\n",
		key.ID(), cfg.WebConfig())
	return err
}

// byName returns the value with this name in web.config, in any case.
func byName[T ~string](name string, values ...T) (T, bool) {
	for _, v := range values {
		if strings.EqualFold(string(v), name) {
			return v, true
		}
	}
	return "", false
}
