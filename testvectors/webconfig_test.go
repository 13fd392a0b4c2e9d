package testvectors_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// configCase is a small web.config and what is in it.
type configCase struct {
	ID, Desc, XML string
	Expect        *configResult
}

func runWebConfigCases(t *testing.T, f *file) {
	var content struct {
		About string
		Cases []configCase
	}
	f.read(t, &content)
	if len(content.Cases) == 0 {
		t.Fatal("no vectors")
	}
	each(t, f, content.Cases, func(c *configCase) string { return c.ID },
		func(t *testing.T, c *configCase) {
			if c.Expect == nil {
				t.Fatal("nothing is expected")
			}
			c.Expect.check(t, f, []byte(c.XML))
		})
}

// runWebConfigPair runs a whole web.config that has its result beside it.
func runWebConfigPair(t *testing.T, f *file) {
	results := make([]configResult, 1)
	f.read(t, &results[0])
	each(t, f, results, func(*configResult) string { return "config" },
		func(t *testing.T, r *configResult) {
			r.check(t, f, f.config)
		})
}

// configResult is what a web.config says, with .NET's defaults filled in, or
// its first fault.
type configResult struct {
	resultKeys
	tree map[string]any
}

// configFault is the first fault of a web.config.
type configFault struct {
	Code    string
	Section *string // a path, or the name of an element of WIF; null: the file as a whole
	Detail  string  // free text
}

func (r *configResult) UnmarshalJSON(data []byte) error {
	return decodeBoth(data, &r.resultKeys, &r.tree)
}

// check wants the fault, or else every setting. What machinekey reads must
// agree with it.
func (r *configResult) check(t *testing.T, f *file, xml []byte) {
	settings, err := readSettings(xml)
	cfg, keyErr := machinekey.ParseWebConfig(bytes.NewReader(xml))
	if r.Error != nil {
		r.Error.compare(t, err)
		if section := r.Error.Section; section == nil || *section == "system.web/machineKey" ||
			*section == "system.web/httpRuntime" {
			wantCode(t, keyErr, r.Error.Code)
		} else if keyErr != nil {
			t.Errorf("the fault is in %s, and ParseWebConfig says: %v", *section, keyErr)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if keyErr != nil {
		t.Fatal(keyErr)
	}
	got := describeSettings(t, settings)
	slices.Sort(r.Warnings)
	r.tree["warnings"] = list(r.Warnings, func(code string) any { return code })
	for _, difference := range differences("expect", got, r.tree, !f.own) {
		t.Error(difference)
	}
	m := settings.MachineKey
	for _, field := range []struct{ name, got, want string }{
		{"validationKey", string(cfg.ValidationKey.Reveal()), string(m.ValidationKey.Reveal())},
		{"decryptionKey", string(cfg.DecryptionKey.Reveal()), string(m.DecryptionKey.Reveal())},
		{"validation", string(cfg.Validation), m.Validation},
		{"decryption", string(cfg.Decryption), m.Decryption},
		{"compatibilityMode", string(cfg.Mode), m.Mode},
	} {
		if field.got != field.want {
			t.Errorf("%s differs between the two readers of web.config", field.name)
		}
	}
	if !m.UsableForProtect() {
		checkUnusable(t, cfg)
	}
}

// compare wants this fault in this section. The vectors call elements of WIF
// by their bare names.
func (want *configFault) compare(t *testing.T, err error) {
	t.Helper()
	var e *webconfig.Error
	if !errors.As(err, &e) || e.Code != want.Code {
		t.Fatalf("error %v, want %s", err, want.Code)
	}
	switch {
	case want.Section == nil:
		if e.Section != "" {
			t.Errorf("error in section %q, want the whole file", e.Section)
		}
	case e.Section != *want.Section && !slices.Contains(strings.Split(e.Section, "/"),
		*want.Section):
		t.Errorf("error in section %q, want %q", e.Section, *want.Section)
	}
}

func readSettings(xml []byte) (*siteSettings, error) {
	file, err := webconfig.Parse(bytes.NewReader(xml), nil)
	if err != nil {
		return nil, err
	}
	return allSettings(file)
}

// checkUnusable wants that MachineKey.Protect refuses the keys.
func checkUnusable(t *testing.T, cfg machinekey.Config) {
	t.Helper()
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	_, err := protectorOf(cfg, purposesOf("", "test"), nil)
	wantCode(t, err, "invalid_validation_algorithm")
}
