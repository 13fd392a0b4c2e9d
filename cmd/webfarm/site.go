package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// protectionOf is the attribute protection of a cookie of System.Web.
func protectionOf(c *site.Credential) (p machinekey.Protection) {
	p.UnmarshalText([]byte(c.Protection)) // always a legal one
	return p
}

// skewOf is the clock skew of sessions, zero for none.
func skewOf(s *site.Site) time.Duration { return max(s.Session.ClockSkew, 0) }

// loadSite resolves the web.config at path.
func loadSite(path string, o *site.Options) (*site.Site, error) {
	s, err := site.Load(path, o)
	var bad *webconfig.Error
	if errors.As(err, &bad) {
		err = (*machinekey.ConfigError)(bad)
	}
	return s, err
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

// siteWarnings are the warnings of a file, and its faults, with which .NET would
// not start: their sections leave the defaults.
func siteWarnings(s *site.Site) []keyFileWarning {
	var list []keyFileWarning
	for _, w := range s.Warnings {
		if !slices.Contains(s.Key.Warnings, w) { // which describe has
			list = append(list, keyFileWarning{w.Code, w.Line, w.Text})
		}
	}
	for _, f := range s.Faults {
		list = append(list, keyFileWarning{f.Code, f.Line, f.Error() + "; the defaults were taken"})
	}
	return list
}

// insecureWarnings say what the site does that is not used without
// -allow-insecure.
func insecureWarnings(s *site.Site) []keyFileWarning {
	var list []keyFileWarning
	add := func(what string) {
		list = append(list, keyFileWarning{Code: "insecure_not_used", Text: what + "; -allow-insecure reads its cookies nevertheless"})
	}
	if f := s.Forms; f.Unsigned.On {
		add(fmt.Sprintf("%s is on: cookies are encrypted without a signature", f.Unsigned.Key))
	}
	if f := s.Forms; f.On && f.OldLayout.On {
		add(fmt.Sprintf("%s is on: forms tickets have the layout of before 2011", f.OldLayout.Key))
	}
	if f := s.Forms; f.On && f.Protection == "None" && s.Key.IsLegacy() {
		add(`<forms protection="None">: anybody can write a ticket`)
	}
	return list
}
