package cookie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// siteBuilder makes a Site of what was resolved, one method per credential.
type siteBuilder struct {
	site *Site
	o    *SiteOptions
	of   *site.Site
	// allowInsecure is that of the site's own key.
	allowInsecure bool
}

// loader resolves the file of a name.
type loader func(name string, o *site.Options) (*site.Site, error)

// buildSite makes the site called name. Its keys are those of the file, or cfg.
// It is resolved with resolve, and other files with load.
func buildSite(name string, resolve, load loader, cfg *machinekey.Config, o *SiteOptions) (*Site, error) {
	if o == nil {
		o = &SiteOptions{}
	}
	s := &Site{o: *o}
	b := siteBuilder{site: s, o: o}
	err := o.check()
	if err == nil {
		b.of, err = resolve(name, o.options())
	}
	if err == nil {
		err = b.of.Err()
	}
	if err == nil {
		err = b.keyRing()
	}
	if err == nil {
		err = b.keys(cfg, load)
	}
	for _, accept := range []func() error{b.fedAuth, b.forms, b.katana, b.core, b.bearer, b.cora, b.bridge} {
		if err == nil {
			err = accept()
		}
	}
	name = filepath.Base(name)
	if err != nil {
		return nil, fmt.Errorf("cookie: %s: %w", name, configError(err))
	}
	if len(s.accepted) == 0 {
		return nil, fmt.Errorf("%w: %s: %s", ErrNoneAccepted, name, b.looked())
	}
	b.notes()
	s.SetLogger(o.Sessions.Logger)
	s.refusals.now = o.Now
	s.logDecisions(name)
	return s, nil
}

// check finds options that do not count, and says which do.
func (o *SiteOptions) check() error {
	misplaced := func(field, right string) error {
		return fmt.Errorf("SiteOptions.Sessions.%s has no effect: say SiteOptions.%s", field, right)
	}
	switch s := &o.Sessions; {
	case s.Cookie != nil:
		return misplaced("Cookie",
			"Credentials, with Name, Path, Domain, Secure, ScriptAccess and SameSite")
	case s.ChunkSize != 0:
		return misplaced("ChunkSize", "Credentials, with ChunkSize")
	case s.PersistentLifetime != 0:
		return misplaced("PersistentLifetime", "Credentials, with PersistentLifetime")
	}
	for _, c := range o.Credentials {
		switch c.Kind {
		case "":
			return errors.New("SiteOptions.Credentials has one without a Kind")
		case site.Roles, site.Anonymous:
			return fmt.Errorf("SiteOptions.Credentials has %s, which signs nobody in", c.Kind)
		}
	}
	return nil
}

// keyRing takes the key ring of ASP.NET Core, and says what it has.
func (b *siteBuilder) keyRing() error {
	ring := b.o.DataProtection
	if ring == nil {
		if len(b.of.Core) > 0 {
			return fmt.Errorf("SiteOptions.Credentials has %s of scheme %q, which needs SiteOptions.DataProtection",
				b.of.Core[0].Kind, b.of.Core[0].AuthenticationType)
		}
		return nil
	}
	traits, now := ring.Traits(), b.o.Now
	if now == nil {
		now = time.Now
	}
	what := "no application name"
	if traits.ApplicationName != "" {
		what = fmt.Sprintf("application %q", traits.ApplicationName)
	}
	keys := ring.Keys()
	what += fmt.Sprintf(", %d keys", len(keys))
	if len(keys) == 1 {
		what = strings.TrimSuffix(what, "s")
	}
	switch id, fallback := ring.Resolve(now()); {
	case id == "":
		b.decide("key ring", 0, "%s, none protects now", what)
		b.decide("warning", 0, "nobody can be signed in with the key ring")
	case fallback:
		b.decide("key ring", 0, "%s, none is in force; nodes that make no keys protect with %s",
			what, id)
	default:
		b.decide("key ring", 0, "%s, %s protects", what, id)
	}
	for _, k := range keys {
		if k.Err != nil {
			b.decide("warning", 0, "%v", k.Err)
		}
	}
	if k := &b.of.Key; k.OnRing {
		b.site.keys = traits.Application(k.ApplicationName)
		if k.Line > 0 {
			b.mode(k.Mode)
			b.decide("key", k.Line,
				"the key ring, by the class CompatibilityDataProtector, application %q",
				k.ApplicationName)
		}
	}
	if observer := b.o.Sessions.Observer; observer != nil {
		traits.OnRefresh(func(err error) {
			observer(context.Background(), Event{Kind: eventRing, Err: err})
		})
	}
	return nil
}

// keys makes the ring of machine keys, if the site needs one.
func (b *siteBuilder) keys(cfg *machinekey.Config, load loader) error {
	k := &b.of.Key
	if !b.of.NeedsKeys() {
		if len(b.o.Older)+len(b.o.Next) > 0 {
			return errors.New("SiteOptions.Older and Next have no effect: the key ring has the older keys too")
		}
		return nil
	}
	if cfg == nil {
		read := configOf(k)
		cfg = &read
	}
	primary, err := b.key(cfg, k.Line)
	if err != nil {
		return err
	}
	b.allowInsecure = cfg.AllowInsecure
	what := "machine key"
	if !k.OnRing {
		what = "key"
		b.mode(string(cmp.Or(cfg.Mode, "unknown")))
	}
	b.decide(what, k.Line, "%s, %v and %v", primary.ID(), cfg.Validation, cfg.Decryption)
	b.warnKey(cfg, k.Line)
	older, err := b.others("older key", b.o.Older, load,
		"for reading only, and to issue again what it opens")
	if err != nil {
		return err
	}
	next, err := b.others("next key", b.o.Next, load, "for reading only")
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
	if !k.OnRing {
		b.site.keys = b.site.ring
	}
	return nil
}

// mode notes the compatibility mode.
func (b *siteBuilder) mode(mode string) {
	k := &b.of.Key
	from := k.ModeFrom
	if from == "explicit" {
		from = "compatibilityMode"
	}
	b.decide("mode", k.ModeLine, "%s, by %s", mode, from)
}

// configOf is a key that was resolved, which has no fault.
func configOf(k *site.Key) machinekey.Config {
	return machinekey.Config{ValidationKey: k.ValidationKey, DecryptionKey: k.DecryptionKey,
		Validation: machinekey.Validation(k.Validation),
		Decryption: machinekey.Decryption(k.Decryption), Mode: machinekey.Mode(k.Mode)}
}

// others returns the keys of other files. Nothing else in them counts.
func (b *siteBuilder) others(what string, names []string, load loader, use string) ([]*machinekey.Key, error) {
	var keys []*machinekey.Key
	for _, name := range names {
		var (
			cfg machinekey.Config
			key *machinekey.Key
		)
		s, err := load(name, &site.Options{Ring: b.o.options().Ring})
		if err == nil && s.Key.Fault != nil {
			err = s.Key.Fault
		}
		if err == nil {
			cfg = configOf(&s.Key)
			key, err = b.key(&cfg, s.Key.Line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", what, filepath.Base(name), configError(err))
		}
		keys = append(keys, key)
		b.decide(what, 0, "%s, %v and %v, %v, of %q, %s",
			key.ID(), cfg.Validation, cfg.Decryption, cfg.Mode, filepath.Base(name), use)
		b.warnKey(&cfg, s.Key.Line)
	}
	return keys, nil
}

// key returns the machine key of a configuration that stands in a line.
func (b *siteBuilder) key(cfg *machinekey.Config, line int) (*machinekey.Key, error) {
	if b.o.Config != nil {
		b.o.Config(cfg)
	}
	key, err := machinekey.New(*cfg)
	var e *machinekey.ConfigError
	if errors.As(err, &e) && e.Line == 0 && line > 0 { // New knows no file
		located := *e
		located.Section, located.Line = "system.web/machineKey", line
		err = &located
	}
	return key, err
}

// warnKey notes a publicly known or weak key, which was allowed, and a short one.
func (b *siteBuilder) warnKey(cfg *machinekey.Config, line int) {
	known, weak := *cfg, *cfg
	known.AllowKnownKey, weak.AllowWeakKey = false, false
	var e *machinekey.ConfigError
	if _, err := machinekey.New(known); errors.As(err, &e) && e.Code == "known_key" {
		b.decide("warning", line, "anybody can sign in: the %s is %s", e.Attribute, e.Found)
	}
	if _, err := machinekey.New(weak); errors.As(err, &e) && e.Code == "weak_key" {
		b.decide("warning", line, "whoever guesses the key can sign in: the %s is %s",
			e.Attribute, e.Found)
	}
	if short := secret.Short(cfg.ValidationKey); short != "" {
		b.decide("warning", line, "%s", short)
	}
}

// decide keeps a decision about what is no credential.
func (b *siteBuilder) decide(what string, line int, format string, args ...any) {
	b.site.decisions = append(b.site.decisions,
		site.Decision{What: what, Line: line, Why: fmt.Sprintf(format, args...)})
}

// accept keeps the decision to accept a credential, which the caller has added
// to the guard.
func (b *siteBuilder) accept(what string, line int, format string, args ...any) {
	b.decideOn(true, what, line, "accepted: "+format, args...)
}

// decideOn keeps a decision about a credential.
func (b *siteBuilder) decideOn(accepted bool, what string, line int, format string, args ...any) {
	b.decide(what, line, format, args...)
	b.site.decisions[len(b.site.decisions)-1].Accepted = &accepted
}

// looked says in one line what there was to accept and why it was not.
func (b *siteBuilder) looked() string {
	var list []string
	for _, d := range b.site.decisions {
		switch d.What {
		case "FedAuth", "Forms", "Katana", "Core", "Bearer", "SQSession":
			list = append(list, d.String())
		}
	}
	return strings.Join(list, "; ")
}

// configError gives an error of package webconfig the public type.
func configError(err error) error {
	var e *webconfig.Error
	if !errors.As(err, &e) {
		return err
	}
	return (*machinekey.ConfigError)(e)
}
