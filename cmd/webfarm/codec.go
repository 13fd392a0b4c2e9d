package main

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/rsacookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// codecs makes the codecs of a farm with the settings of its web.config and the flags.
type codecs struct {
	ring     *machinekey.Ring     // nil without a web.config that needs one
	core     *dataprotection.Ring // nil without -keys
	coreOnly bool                 // there is no web.config
	site     *site.Site
	insecure bool
	// certificates replace the machine keys in sessions, see certFlags.
	certificates []sessiontoken.Protector
	endpoint     string        // cookie path of sessions, checked in old ones and put into new ones
	skew         time.Duration // widens the validity of sessions
	skewForms    time.Duration // of forms tickets, for which .NET allows none
	lifetime     time.Duration // of new credentials; zero means the site's
	formsRoles   formsRoles    // how the user data of forms tickets holds roles
	// purposes replace Katana's, for a site with its own TicketDataFormat, or are those of a payload
	// of Data Protection.
	purposes   []string
	scheme     string // of ASP.NET Core, empty if nobody said it
	stateClass string // the middleware whose state strings are read
	now        func() time.Time
}

// newCodecs takes the settings that every subcommand has.
func newCodecs(k *keyFlags, ring *machinekey.Ring, of *site.Site, now func() time.Time) *codecs {
	return &codecs{ring: ring, core: k.ring, coreOnly: len(k.config) == 0, site: of,
		insecure: k.allowInsecure, endpoint: of.Session.Path, skew: skewOf(of), scheme: k.scheme,
		now: now}
}

// setup marks an error as one of the configuration.
func setup[T any](v T, err error) (T, error) {
	if err != nil {
		err = setupError{err}
	}
	return v, err
}

// keysOf returns what protects a kind of credential of System.Web.
func (c *codecs) keysOf(k kind) (sessiontoken.Keys, error) {
	switch {
	case c.core != nil && c.site.OnRing(k):
		return c.core.Traits().Application(c.site.Key.ApplicationName), nil
	case c.ring == nil:
		return nil, setupError{fmt.Errorf("webfarm: %s needs the keys of a web.config: say -config", k)}
	}
	return c.ring, nil
}

// session returns the codec of either generation of WIF. It protects sessions as the site does,
// unless the site's way is unknown.
func (c *codecs) session(k kind) (*sessiontoken.SessionCodec, error) {
	keys, err := c.keysOf(k)
	if err != nil {
		return nil, err
	}
	o := &sessiontoken.SessionOptions{
		WIF10: k == site.WIF10, Endpoint: c.endpoint, Now: c.now, Transforms: c.certificates,
		ClockSkew: cmp.Or(c.skew, -1), // zero would mean the default
		Lifetime:  cmp.Or(c.lifetime, c.site.Session.Lifetime),
	}
	if o.Transforms == nil && k == c.site.Session.Kind {
		var last sessiontoken.Protector
		switch p := c.site.Session.Protection; {
		case k == site.FedAuth && p == webconfig.ProtectionMachineKeyEncode:
			last, err = sessiontoken.MachineKeyEncodeTransform(keys)
		case k == site.WIF10 && p == webconfig.ProtectionMachineKeyProtect:
			last, err = sessiontoken.MachineKeyTransform(keys)
		}
		if err != nil {
			return nil, setupError{err}
		}
		if last != nil {
			o.Transforms = []sessiontoken.Protector{sessiontoken.DeflateTransform(), last}
		}
	}
	return setup(sessiontoken.NewSessionCodec(keys, o))
}

// forms returns the codec of forms tickets.
func (c *codecs) forms() (*sessiontoken.FormsCodec, error) {
	f := c.site.Forms
	keys, err := c.keysOf(site.Forms)
	if err != nil {
		return nil, err
	}
	return setup(sessiontoken.NewFormsCodec(keys, &sessiontoken.FormsOptions{
		Lifetime: cmp.Or(c.lifetime, f.Lifetime), Path: f.Path, ClockSkew: c.skewForms, Now: c.now,
		Protection:       c.protection(f),
		InsecureUnsigned: c.insecure && f.Unsigned.On, InsecureOldLayout: c.insecure && f.OldLayout.On,
	}))
}

// protection is the attribute of the cookie, nothing where a key ring protects it. Without
// -allow-insecure, None counts as All.
func (c *codecs) protection(of *site.Credential) (p machinekey.Protection) {
	if c.site.OnRing(of.Kind) {
		return p
	}
	p = doctor.ProtectionOf(of)
	if p == machinekey.InsecureProtectionNone && !c.insecure {
		return machinekey.ProtectionAll
	}
	return p
}

// purpose is what keys are derived for, for tickets of Katana and ASP.NET Core. Cookies have an
// AuthenticationType or a scheme, and tokens of ASP.NET Core a scheme.
func (c *codecs) purpose(k kind, of string) sessiontoken.Purpose {
	switch {
	case len(c.purposes) > 0:
		return sessiontoken.Purposes(c.purposes...)
	case k == site.Bearer:
		return sessiontoken.AccessToken("Bearer")
	case k == site.Refresh:
		return sessiontoken.RefreshToken("Bearer")
	case k == site.AuthCode:
		return sessiontoken.AuthorizationCode()
	case k == site.CoreBearer:
		return sessiontoken.AccessToken(of)
	case k == site.CoreRefresh:
		return sessiontoken.RefreshToken(of)
	}
	return sessiontoken.Cookie(of)
}

// katana returns the codec of a kind of Katana's tickets.
func (c *codecs) katana(k kind, authType string) (*sessiontoken.KatanaCodec, error) {
	keys, err := c.keysOf(k)
	if err != nil {
		return nil, err
	}
	return setup(sessiontoken.NewKatanaCodec(keys, c.purpose(k, authType), &sessiontoken.KatanaOptions{
		Lifetime:         cmp.Or(c.lifetime, c.site.Of(k, authType).Lifetime),
		InsecureNoExpiry: c.insecure, Now: c.now,
	}))
}

// anonymous returns the codec of anonymous ids.
func (c *codecs) anonymous(now func() time.Time) (*sessiontoken.AnonymousCodec, error) {
	a := c.site.Anonymous
	keys, err := c.keysOf(site.Anonymous)
	if err != nil {
		return nil, err
	}
	return setup(sessiontoken.NewAnonymousCodec(keys, &sessiontoken.FormsOptions{
		Protection: c.protection(a), InsecureUnsigned: c.insecure && a.Unsigned.On,
		Lifetime: cmp.Or(c.lifetime, a.Lifetime), Now: now,
	}))
}

// roles returns what protects role cookies.
func (c *codecs) roles() (machinekey.Protector, error) {
	keys, err := c.keysOf(site.Roles)
	if err != nil {
		return nil, err
	}
	ring, ok := keys.(*machinekey.Ring)
	if !ok {
		return setup(keys.Protector(machinekey.RolePurpose))
	}
	return setup(ring.CookieProtector(machinekey.LegacyOptions{
		Protection: c.protection(c.site.Roles), InsecureUnsigned: c.insecure && c.site.Roles.Unsigned.On,
	}, machinekey.RolePurpose))
}

// certFlags are the flags for a farm that shares a certificate in place of a
// machine key.
type certFlags struct {
	cert, key string
	sha1      bool
}

func (f *certFlags) define(flags *pflag.FlagSet) {
	f.defineFiles(flags)
	flags.BoolVar(&f.sha1, "insecure-sha1", false, "")
}

// defineFiles defines the flags without the one for the hash.
func (f *certFlags) defineFiles(flags *pflag.FlagSet) {
	flags.StringVar(&f.cert, "cert", "", "")
	flags.StringVar(&f.key, "key", "", "")
}

// load returns the transforms of the farm, nil without the flags.
func (f certFlags) load(insecure bool) ([]sessiontoken.Protector, error) {
	chains, err := f.chains(insecure, f.sha1)
	if err != nil || chains == nil {
		return nil, err
	}
	return chains[0], nil
}

// chains returns the transforms for each hash, nil without the flags.
func (f certFlags) chains(insecure bool, sha1 ...bool) ([][]sessiontoken.Protector, error) {
	switch {
	case f.cert != "":
	case f.key != "":
		return nil, usageError("-key goes with -cert")
	case f.sha1:
		return nil, usageError("-insecure-sha1 goes with -cert")
	default:
		return nil, nil
	}
	var pem []byte
	for _, path := range []string{f.cert, f.key} {
		if path == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, setupError{fmt.Errorf("webfarm: %w", err)}
		}
		pem = append(append(pem, data...), '\n')
	}
	key, err := rsacookie.ParseKey(pem)
	if err != nil {
		return nil, setupError{fmt.Errorf("webfarm: %s: %s", f.cert,
			strings.TrimPrefix(err.Error(), "rsacookie: "))}
	}
	var chains [][]sessiontoken.Protector
	for _, weak := range sha1 {
		list, err := sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{
			Certificates: []tls.Certificate{key.TLS()}, InsecureSmallRSA: insecure, InsecureSHA1: weak,
		})
		if err != nil {
			return nil, setupError{fmt.Errorf("webfarm: %s: %w", f.cert, err)}
		}
		chains = append(chains, list)
	}
	return chains, nil
}
