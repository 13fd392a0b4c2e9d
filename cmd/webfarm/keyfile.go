package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// keyFlags are the flags of a subcommand that needs the farm's key.
type keyFlags struct {
	configFlags
	allowInsecure bool
	allowKnown    bool
	allowWeak     bool
	knownKeys     string
	known         *machinekey.KnownKeyList // of knownKeys
	credentials   credentialFlags

	ringFlags
	scheme, cookie string // of ASP.NET Core
	ring           *dataprotection.Ring
}

// defineRing defines the flags for a site on ASP.NET Core, of which openAll opens the key ring.
func (k *keyFlags) defineRing(flags *pflag.FlagSet) {
	k.register(flags)
	flags.StringVar(&k.scheme, "scheme", "", "")
	flags.StringVar(&k.cookie, "cookie", "", "")
}

func (k *keyFlags) openAll(ctx context.Context, in io.Reader) (err error) {
	if err = k.openFiles(in); err != nil {
		return err
	}
	if k.known, err = loadKnown(k.knownKeys); err != nil {
		return err
	}
	k.ring, err = k.open(ctx)
	return err
}

func (k *keyFlags) define(flags *pflag.FlagSet) {
	k.configFlags.define(flags)
	flags.BoolVar(&k.allowInsecure, "allow-insecure", false, "")
	flags.StringVar(&k.knownKeys, "known-keys", "", "")
	k.credentials.define(flags)
}

// keyFile describes a web.config and its key without any secret.
type keyFile struct {
	File        string           `json:"file"`
	OnRing      bool             `json:"onKeyRing,omitempty"` // by CompatibilityDataProtector; no key is used
	Application string           `json:"applicationName,omitempty"`
	KeyID       string           `json:"keyId"`
	Validation  string           `json:"validation"`
	Decryption  string           `json:"decryption"`
	KeyBits     int              `json:"decryptionKeyBits"`
	Mode        string           `json:"mode"`
	ModeFrom    string           `json:"modeFrom"`
	ModeLine    int              `json:"modeLine,omitempty"`
	Warnings    []keyFileWarning `json:"warnings,omitempty"`
}

type keyFileWarning struct {
	Code string `json:"code"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// kindOf is the kind that -kind names. With a scheme or with a key ring alone, tokens are those of
// ASP.NET Core, and what is issued is too.
func (k *keyFlags) kindOf(given kind) kind {
	alone := k.keys != "" && len(k.config) == 0
	switch {
	case given == "" && alone:
		return site.Core
	case given == site.Bearer && (alone || k.scheme != ""):
		return site.CoreBearer
	case given == site.Refresh && (alone || k.scheme != ""):
		return site.CoreRefresh
	}
	return given
}

const errNoConfig = usageError("-config is missing: the web.config that holds the farm's <machineKey>; " +
	"or -keys: the key ring of a site on ASP.NET Core")

// load reads the files. It returns the ring of their keys and the site of the first file, whose
// key writes. There are no keys if the site has a key ring alone.
func (k *keyFlags) load() (*machinekey.Ring, *site.Site, []keyFile, error) {
	if len(k.config) == 0 && k.ring == nil {
		return nil, nil, nil, errNoConfig
	}
	if len(k.config) == 0 {
		s, err := k.site("")
		return nil, s, nil, err
	}
	var first *site.Site
	var keys []*machinekey.Key
	var files []keyFile
	for i, path := range k.config {
		o := k.siteOptions()
		if i > 0 {
			o.Credentials = nil
		}
		s, err := k.loadSite(path, o)
		if err != nil {
			return nil, nil, nil, err
		}
		first = cmp.Or(first, s)
		if !s.NeedsKeys() {
			files = append(files, describe(path, s, machinekey.Config{}, nil))
			continue
		}
		key, file, err := k.key(path, s)
		if err != nil {
			return nil, nil, nil, err
		}
		keys = append(keys, key)
		files = append(files, file)
	}
	var ring *machinekey.Ring
	if len(keys) > 0 {
		var err error
		if ring, err = machinekey.NewRing(keys[0], keys[1:]...); err != nil {
			return nil, nil, nil, setupError{err}
		}
	}
	files[0].Warnings = append(files[0].Warnings, k.siteRemarks(first)...)
	for _, f := range first.Faults { // .NET would not start; here the defaults of the section hold
		files[0].Warnings = append(files[0].Warnings,
			keyFileWarning{f.Code, f.Line, f.Error() + "; the defaults were taken"})
	}
	return ring, first, files, nil
}

// key returns the key of a resolved file and its description.
func (k *keyFlags) key(path string, s *site.Site) (*machinekey.Key, keyFile, error) {
	cfg, err := doctor.Config(&s.Key)
	if err != nil {
		return nil, keyFile{}, setupError{fmt.Errorf("webfarm: %s: %w", path, err)}
	}
	k.admit(&cfg)
	key, err := machinekey.New(cfg)
	if err != nil {
		err = fmt.Errorf("webfarm: %s: %w", path, inLine(err, s.Key.Line))
		return nil, keyFile{}, setupError{err}
	}
	return key, describe(path, s, cfg, key), nil
}

// admit applies the flags to a key.
func (k *keyFlags) admit(cfg *machinekey.Config) {
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = k.allowInsecure, k.allowKnown, k.allowWeak
	cfg.KnownKeys = k.known
}

// loadKnown reads the file of -known-keys, nil if there is none.
func loadKnown(path string) (*machinekey.KnownKeyList, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, setupError{fmt.Errorf("webfarm: -known-keys: %w", err)}
	}
	defer f.Close()
	list, err := machinekey.KnownKeys(f)
	if err != nil {
		return nil, setupError{fmt.Errorf("webfarm: -known-keys %s: %w", path, err)}
	}
	return list, nil
}

// describe describes a web.config and its key. The key is nil if its cookies are on a key ring.
func describe(path string, s *site.Site, cfg machinekey.Config, key *machinekey.Key) keyFile {
	f := keyFile{File: path, Mode: s.Key.Mode, ModeFrom: s.Key.ModeFrom, ModeLine: s.Key.ModeLine}
	warn := func(code, text string) {
		f.Warnings = append(f.Warnings, keyFileWarning{code, s.Key.Line, text})
	}
	if key != nil {
		f.KeyID, f.KeyBits = key.ID(), 8*cfg.DecryptionKey.Len()
		f.Validation, f.Decryption = string(cfg.Validation), string(cfg.Decryption)
		if short := secret.Short(cfg.ValidationKey); short != "" {
			warn(secret.CodeShort, short)
		} else if weak := faultOf(cfg, "weak_key"); weak != nil {
			warn(weak.Code, "whoever guesses the key can sign in as anybody: the "+
				weak.Attribute+" is "+weak.Found+"; change the key on every node")
		}
	} else {
		f.OnRing, f.Application = true, s.Key.ApplicationName
	}
	for _, w := range s.Key.Warnings {
		f.Warnings = append(f.Warnings, keyFileWarning(w))
	}
	if known := faultOf(cfg, "known_key"); known != nil {
		warn(known.Code, "anybody can sign in: the "+known.Attribute+" is "+known.Found+
			"; change the key on every node")
	}
	return f
}

// faultOf is the fault of a key that only -allow-known-key or -allow-weak-key admits, nil for none.
func faultOf(cfg machinekey.Config, code string) *machinekey.ConfigError {
	cfg.AllowKnownKey = cfg.AllowKnownKey && code != "known_key"
	cfg.AllowWeakKey = cfg.AllowWeakKey && code != "weak_key"
	var bad *machinekey.ConfigError
	if _, err := machinekey.New(cfg); errors.As(err, &bad) && bad.Code == code {
		return bad
	}
	return nil
}

// fingerprint explains the id of a key, which names a legacy mode behind a dash.
func fingerprint(id string) string {
	if strings.Contains(id, "-") {
		return " (a fingerprint and the mode, safe to log)"
	}
	return " (a fingerprint, safe to log)"
}

// rows describes f for people.
func (f keyFile) rows() [][]string {
	mode := onLine(f.Mode+", decided by "+f.ModeFrom, f.ModeLine)
	switch f.ModeFrom {
	case "explicit":
		mode = onLine(f.Mode+", decided by compatibilityMode", f.ModeLine)
	case "default":
		mode = f.Mode + ", the default: no compatibilityMode, no targetFramework of 4.5 or later"
	}
	var first, last [][]string
	for _, w := range f.Warnings {
		row := []string{"warning", atLine(w.Line, w.Text)}
		if w.Code == "weak_key" { // the most urgent one
			first = append(first, row)
		} else {
			last = append(last, row)
		}
	}
	if f.OnRing {
		return slices.Concat([][]string{
			{"keys", "the key ring, by the class CompatibilityDataProtector"},
			{"application", abridgedOr(f.Application, "without a name")},
			{"mode", mode},
		}, first, last)
	}
	return slices.Concat(first, [][]string{
		{"key id", f.KeyID + fingerprint(f.KeyID)},
		{"validation", f.Validation},
		{"decryption", fmt.Sprintf("%s, %d-bit key", f.Decryption, f.KeyBits)},
		{"mode", mode},
		{"", "forms, role and anonymous cookies follow it, FedAuth and Katana do not"},
	}, last)
}
