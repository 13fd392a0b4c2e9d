package cookie

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// siteBuilder fills a Site from a file, one method per credential.
type siteBuilder struct {
	site     *Site
	o        *SiteOptions
	mode     machinekey.Mode
	settings *webconfig.Settings
	between  func() // if not nil, called between the two readings; for tests
}

// maxReads is how often a file is read that is replaced meanwhile. A second
// time is enough unless somebody writes it all the time.
const maxReads = 5

// load reads the files and makes the ring.
func (b *siteBuilder) load(path string) error {
	primary, cfg, err := b.read(path)
	if err != nil {
		return err
	}
	b.mode = cfg.Mode
	from := cfg.ModeSource.From
	if from == "explicit" {
		from = "compatibilityMode"
	}
	b.decide("mode", cfg.ModeSource.Line, "%v, by %s", cfg.Mode, from)
	b.decide("key", b.settings.MachineKey.Line, "%s, %v and %v", primary.ID(), cfg.Validation, cfg.Decryption)
	b.warnKnown(cfg)
	older, err := b.others("older key", b.o.Older, "for reading only, and to issue again what it opens")
	if err != nil {
		return err
	}
	next, err := b.others("next key", b.o.Next, "for reading only")
	if err != nil {
		return err
	}
	// The ring learns who wrote before by living through it.
	keys := append([]*machinekey.Key{primary}, older...)
	for i := len(keys) - 1; i >= 0; i-- {
		readers := append(slices.Clone(keys[i+1:]), next...)
		if b.site.ring == nil {
			b.site.ring, err = machinekey.NewRing(keys[i], readers...)
		} else {
			err = b.site.ring.Replace(keys[i], readers...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads the key and then the settings, and both again if the file was
// replaced in between, so that they are of one version.
func (b *siteBuilder) read(path string) (*machinekey.Key, machinekey.Config, error) {
	for range maxReads {
		key, cfg, err := b.key(path)
		if err != nil {
			return nil, cfg, err
		}
		if b.between != nil {
			b.between()
		}
		file, err := webconfig.Load(path)
		if err != nil {
			return nil, cfg, siteError(err)
		}
		if b.settings, err = file.Settings(); err != nil {
			return nil, cfg, siteError(err)
		}
		if sameKey(&cfg, &b.settings.MachineKey) {
			return key, cfg, nil
		}
	}
	return nil, machinekey.Config{}, errors.New("the file changes all the time")
}

// sameKey reports whether a key that was read from a file is the one that the
// settings have: then the settings' version of the file decided everything.
func sameKey(cfg *machinekey.Config, m *webconfig.MachineKey) bool {
	return cfg.ValidationKey.Equal(m.ValidationKey) && cfg.DecryptionKey.Equal(m.DecryptionKey) &&
		cfg.Validation.String() == m.Validation && cfg.Decryption.String() == m.Decryption && cfg.Mode.String() == m.CompatibilityMode &&
		cfg.ModeSource == machinekey.ModeSource{From: m.CompatibilityModeFrom, Line: m.CompatibilityModeLine}
}

// others returns the keys of other files.
func (b *siteBuilder) others(what string, paths []string, use string) ([]*machinekey.Key, error) {
	var keys []*machinekey.Key
	for _, name := range paths {
		key, cfg, err := b.key(name)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", what, filepath.Base(name), err)
		}
		keys = append(keys, key)
		b.decide(what, 0, "%s, %v and %v, %v, of %q, %s",
			key.ID(), cfg.Validation, cfg.Decryption, cfg.Mode, filepath.Base(name), use)
		b.warnKnown(cfg)
	}
	return keys, nil
}

// key returns the machine key of one file.
func (b *siteBuilder) key(path string) (*machinekey.Key, machinekey.Config, error) {
	cfg, err := machinekey.LoadWebConfig(path)
	if err != nil {
		return nil, cfg, err
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.KnownKeys = b.o.AllowInsecure, b.o.AllowKnownKey, b.o.KnownKeys
	key, err := machinekey.New(cfg)
	var e *machinekey.ConfigError
	if errors.As(err, &e) && e.Line == 0 && len(cfg.Warnings) > 0 {
		located := *e // New knows no file, but the warning of the same algorithm does
		located.Section, located.Line = "system.web/machineKey", cfg.Warnings[0].Line
		err = &located
	}
	return key, cfg, err
}

// warnKnown notes a publicly known key, which SiteOptions.AllowKnownKey has let
// through.
func (b *siteBuilder) warnKnown(cfg machinekey.Config) {
	var e *machinekey.ConfigError
	if errors.As(cfg.CheckKnown(), &e) {
		b.decide("warning", e.Line, "anybody can sign in: the %s is %s", e.Attribute, e.Found)
	}
}

// decide keeps a decision that accepts nothing.
func (b *siteBuilder) decide(what string, line int, format string, args ...any) {
	b.site.decisions = append(b.site.decisions, Decision{What: what, Line: line, Why: fmt.Sprintf(format, args...)})
}

// accept keeps the decision to accept a credential, which the caller has added
// to the guard.
func (b *siteBuilder) accept(what string, line int, format string, args ...any) {
	b.decide(what, line, "accepted: "+format, args...)
	b.site.decisions[len(b.site.decisions)-1].Accepted = true
}

// looked says in one line what there was to accept and why it was not.
func (b *siteBuilder) looked() string {
	var list []string
	for _, d := range b.site.decisions {
		switch d.What {
		case "FedAuth", "Forms", "OWIN", "Bearer", "SQSession":
			list = append(list, d.String())
		}
	}
	return strings.Join(list, "; ")
}

// siteError gives an error of package webconfig the public type.
func siteError(err error) error {
	var e *webconfig.Error
	if !errors.As(err, &e) {
		return err
	}
	found := e.Detail
	if e.File != "" { // Line counts there
		found = strings.TrimPrefix(found+", in "+e.File, ", ")
	}
	return &machinekey.ConfigError{Code: e.Code, Section: e.Section, Attribute: e.Attribute,
		Line: e.Line, Found: found, Want: e.Want, Err: e.Err}
}
