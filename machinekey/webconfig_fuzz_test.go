package machinekey_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func FuzzParseWebConfig(f *testing.F) {
	seeds := webConfigVectors(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range seeds {
		f.Add(v.xml)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := machinekey.ParseWebConfig(bytes.NewReader(data))
		if err != nil {
			var e *machinekey.ConfigError
			if !errors.As(err, &e) || e.Code == "" {
				t.Fatalf("%T: %v", err, err)
			}
			if cfg.ValidationKey.Len() > 0 || cfg.DecryptionKey.Len() > 0 || cfg.Mode != "" {
				t.Error("a result beside the error")
			}
			return
		}
		if cfg.ValidationKey.Len() == 0 || cfg.DecryptionKey.Len() < 8 || cfg.Validation == "" ||
			cfg.Mode == "" {
			t.Errorf("incomplete: %v", cfg)
		}
		if cfg.ValidationKey.Len() >= 8 {
			key := hex.EncodeToString(cfg.ValidationKey.Reveal())
			if text := fmt.Sprintf("%v %+v %#v", cfg, cfg,
				cfg); strings.Contains(strings.ToLower(text), key) {
				t.Error("shows the key")
			}
		}
		// What a file says can be written as an element and read back.
		again, err := machinekey.ParseWebConfig(strings.NewReader("<configuration><system.web>" +
			cfg.WebConfig() + "</system.web></configuration>"))
		if err != nil {
			t.Fatal(err)
		}
		if !again.ValidationKey.Equal(cfg.ValidationKey) ||
			!again.DecryptionKey.Equal(cfg.DecryptionKey) ||
			again.Validation != cfg.Validation || again.Decryption != cfg.Decryption ||
			again.Mode != cfg.Mode {
			t.Errorf("%v became %v", cfg, again)
		}
	})
}
