package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// skewOf is the clock skew of sessions, zero for none.
func skewOf(s *site.Site) time.Duration { return max(s.Session.ClockSkew, 0) }

// newSite resolves a site without a web.config.
func newSite(key site.Key, o *site.Options) (*site.Site, error) {
	s, err := site.New(key, o)
	return s, credentialError(err)
}

// credentialError is the error of a wrong -credential.
func credentialError(err error) error {
	var option *site.OptionError
	if errors.As(err, &option) {
		return usageError("-credential: " + err.Error())
	}
	return err
}

// checkAuthType refuses the name of a cookie in the place of Katana's AuthenticationType.
func checkAuthType(text string) error {
	katana := site.Settings{Kind: site.Katana, AuthenticationType: text}
	_, err := site.New(site.Key{}, &site.Options{Credentials: []site.Settings{katana}})
	var option *site.OptionError
	if text != "" && errors.As(err, &option) {
		return usageError("-auth-type: " + option.Text)
	}
	return nil
}

// inLine adds where <machineKey> stands to an error of machinekey.New.
func inLine(err error, line int) error {
	var e *machinekey.ConfigError
	if !errors.As(err, &e) || e.Line > 0 {
		return err
	}
	located := *e
	located.Section, located.Line = "system.web/machineKey", line
	return &located
}

// siteRemarks are the warnings of a file, and the settings that only -allow-insecure enables.
func (k *keyFlags) siteRemarks(s *site.Site) []keyFileWarning {
	var list []keyFileWarning
	for _, w := range s.Warnings {
		if !slices.Contains(s.Key.Warnings, w) { // describe has the others
			list = append(list, keyFileWarning(w))
		}
	}
	if k.allowInsecure {
		return list
	}
	add := func(what string) {
		list = append(list, keyFileWarning{Code: "insecure_not_used",
			Text: what + "; -allow-insecure reads its cookies anyway"})
	}
	f := s.Forms
	if f.Unsigned.On {
		add(fmt.Sprintf("%s is on: cookies are encrypted without a signature", f.Unsigned.Key))
	}
	if f.On && f.OldLayout.On {
		add(fmt.Sprintf("%s is on: forms tickets have the layout of before 2011", f.OldLayout.Key))
	}
	if f.On && f.Protection == "None" && s.Key.IsLegacy() {
		add(`<forms protection="None">: anybody can write a ticket`)
	}
	return list
}

// credentialFlags hold the flags -credential, each with the settings of one credential. .NET has
// them in code, or they replace the file's.
type credentialFlags []site.Settings

func (c *credentialFlags) define(flags *pflag.FlagSet) {
	flags.Func("credential", "", func(text string) error {
		s, err := site.ParseSettings(text)
		*c = append(*c, s)
		return err
	})
}

// list returns the settings for package cookie.
func (k *keyFlags) list() []cookie.Credential {
	var list []cookie.Credential
	for _, s := range k.siteOptions().Credentials {
		list = append(list, cookie.Credential(s))
	}
	return list
}

// oneSite opens the files and the key ring, and wants one site: a web.config, a key ring or both.
func (k *keyFlags) oneSite(ctx context.Context, in io.Reader) error {
	switch {
	case len(k.config) > 1:
		return usageError("-config is given more than once: there is one site")
	case len(k.config) == 0 && k.keys == "":
		return usageError("-config is missing: the web.config of the site; or -keys: the key ring of one on ASP.NET Core")
	case k.keys == "" && (k.scheme != "" || k.cookie != ""):
		return usageError("-scheme and -cookie go with -keys")
	}
	return k.openAll(ctx, in)
}

// site resolves the web.config at path, or the key ring alone if path is empty.
func (k *keyFlags) site(path string) (*site.Site, error) {
	if path == "" {
		return newSite(site.RingAlone(&site.Ring{ApplicationName: k.app}), k.siteOptions())
	}
	return k.loadSite(path, k.siteOptions())
}

// siteOptions are the options of -credential, and of the flags for ASP.NET Core.
func (k *keyFlags) siteOptions() *site.Options {
	o := &site.Options{Credentials: k.credentials}
	if k.ring == nil {
		return o
	}
	o.Ring = &site.Ring{ApplicationName: k.app}
	if k.coreFlag() != "-credential" {
		own := site.Settings{Kind: site.Core, AuthenticationType: k.scheme, Name: k.cookie}
		o.Credentials = append(slices.Clip(k.credentials), own)
	}
	return o
}

// coreFlag names the flag that has the site accept its last cookie of ASP.NET Core.
func (k *keyFlags) coreFlag() string {
	switch {
	case k.scheme != "":
		return "-scheme"
	case k.cookie != "":
		return "-cookie"
	case slices.ContainsFunc(k.credentials, func(s site.Settings) bool { return s.Kind == site.Core }):
		return "-credential"
	}
	return "-keys"
}
