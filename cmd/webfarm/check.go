package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
)

// check is the subcommand of that name.
type check struct {
	keys keyFlags
}

func (c *check) define(flags *pflag.FlagSet) {
	c.keys.define(flags)
	flags.BoolVar(&c.keys.allowKnown, "allow-known-key", false, "")
	flags.BoolVar(&c.keys.allowWeak, "allow-weak-key", false, "")
	c.keys.defineRing(flags)
}

// checkReport is the output in the form of -json.
type checkReport struct {
	OK          bool             `json:"ok"` // there are no faults
	File        string           `json:"file"`
	KeyID       string           `json:"keyId,omitempty"`
	Mode        string           `json:"mode,omitempty"`
	ModeFrom    string           `json:"modeFrom,omitempty"`
	ModeLine    int              `json:"modeLine,omitempty"`
	Ring        *ringReport      `json:"keyRing,omitempty"`
	Decisions   site.Decisions   `json:"decisions"` // none with faults of the file
	Credentials []siteCredential `json:"credentials"`
	Warnings    []keyFileWarning `json:"warnings"`
	Faults      []keyFileWarning `json:"faults"`
	Help        string           `json:"help,omitempty"` // how to get the file that is needed
}

// siteCredential is a credential that the site has.
type siteCredential struct {
	Kind     kind           `json:"kind"`
	Refused  string         `json:"refused,omitempty"` // why Go services do not accept it
	Line     int            `json:"line,omitempty"`
	Settings []site.Setting `json:"settings"`
}

func (c *check) run(ctx context.Context, _ []string, s streams) error {
	if err := c.keys.oneSite(ctx, s.in); err != nil {
		return err
	}
	r, err := c.report()
	if err != nil {
		return err
	}
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w keyFileWarning) bool {
		if w.Code == "no_key" { // as in keys list
			r.Faults = append(r.Faults, w)
		}
		return w.Code == "no_key"
	})
	r.OK = len(r.Faults) == 0
	return s.report(r, r.text, r.OK)
}

// report examines the file, or the key ring if there is none. It fails for wrong flags and for a file
// that cannot be read.
func (c *check) report() (*checkReport, error) {
	r := &checkReport{Decisions: site.Decisions{}, Credentials: []siteCredential{},
		Warnings: []keyFileWarning{}, Faults: []keyFileWarning{},
		Ring: newRingReport(c.keys.ring, &c.keys.ringFlags, time.Now())}
	if c.keys.ring != nil {
		r.Warnings = append(r.Warnings, ringWarnings(c.keys.ring, &c.keys.ringFlags, time.Now())...)
		r.File = r.Ring.Source
	}
	path := strings.Join(c.keys.config, "") // one or none
	r.File = cmp.Or(path, r.File)
	s, err := c.keys.site(path)
	if err != nil {
		return r, r.fault(err)
	}
	if path != "" {
		r.Mode, r.ModeFrom, r.ModeLine = s.Key.Mode, s.Key.ModeFrom, s.Key.ModeLine
	}
	for _, of := range s.Credentials() {
		if of.On {
			r.Credentials = append(r.Credentials,
				siteCredential{of.Kind, of.Refused, of.Line, of.List()})
		}
	}
	for _, f := range s.Faults {
		r.Faults = append(r.Faults, keyFileWarning{f.Code, f.Line,
			inFlags((*machinekey.ConfigError)(f).Error())})
	}
	r.Warnings = append(r.Warnings, c.keys.siteRemarks(s)...)
	if names := transformsBeside(path); len(names) > 0 {
		r.Warnings = append(r.Warnings, keyFileWarning{Code: "transform_beside", Text: fmt.Sprintf(
			"the build changes this file with %s: what runs is the file after that",
			strings.Join(names, " or "))})
	}
	if s.NeedsKeys() {
		if s.Key.Fault != nil {
			return r, nil
		}
		key, file, err := c.keys.key(path, s)
		if err != nil {
			return r, r.fault(err)
		}
		r.KeyID = key.ID()
		r.Warnings = slices.Concat(file.Warnings, r.Warnings)
	}
	if len(r.Faults) > 0 {
		return r, nil
	}
	f, err := c.keys.file(path)
	if err != nil {
		return r, err
	}
	built, err := f.Load(&cookie.SiteOptions{DataProtection: c.keys.ring,
		Credentials: c.keys.list(), Config: c.keys.admit})
	if err = r.fault(err); err != nil {
		return r, setupError{err}
	}
	if built == nil {
		return r, nil
	}
	by := c.keys.coreFlag() // of the last credential of ASP.NET Core
	for _, d := range slices.Backward(built.LogValue().Any().(site.Decisions)) {
		if d.What == "warning" {
			continue
		}
		if strings.Contains(d.Why, "by the options") && d.What == "Core" {
			d.Why, by = strings.Replace(d.Why, "the options", by, 1), "-credential"
		}
		d.Why = inFlags(strings.Replace(d.Why, "by the options", "by -credential", 1))
		r.Decisions = append(r.Decisions, d)
	}
	slices.Reverse(r.Decisions)
	return r, nil
}

// fault records a fault of the file, and returns any other error.
func (r *checkReport) fault(err error) error {
	var bad *machinekey.ConfigError
	switch {
	case err == nil:
	case errors.As(err, &bad) && bad.Code != webconfig.CodeUnreadable:
		var text string
		text, r.Help, _ = strings.Cut(strings.TrimPrefix(err.Error(), "webfarm: "+r.File+": "),
			"\n")
		r.Faults = append(r.Faults, keyFileWarning{bad.Code, bad.Line, inFlags(text)})
	case errors.Is(err, cookie.ErrNoneAccepted):
		r.Faults = append(r.Faults, keyFileWarning{Code: "none_accepted",
			Text: inFlags(err.Error())})
	default:
		return err
	}
	return nil
}

// text is the report for people.
func (r *checkReport) text() []byte {
	var b bytes.Buffer
	verdict := "no faults"
	if !r.OK {
		verdict = plural(len(r.Faults), "fault")
	}
	fmt.Fprintf(&b, "%s: %s, %s\n", r.File, verdict, plural(len(r.Warnings), "warning"))
	if r.Ring != nil {
		b.WriteString("\n")
		r.Ring.print(&b)
	}
	var rows [][]string
	for _, d := range r.Decisions {
		rows = append(rows, []string{d.What, d.Why + inBrackets(d.Line)})
	}
	section(&b, "Decisions", rows)
	for _, c := range r.Credentials {
		rows = nil
		if c.Refused != "" {
			rows = append(rows, []string{"not accepted", c.Refused})
		}
		for _, s := range c.Settings {
			from := fmt.Sprintf("line %d", s.Line)
			switch {
			case s.Default:
				from = "default"
			case s.Options:
				from = "flag"
			}
			rows = append(rows, []string{s.Name, abridged(s.Value), from})
		}
		section(&b, "Settings of "+c.Kind.String(), rows)
	}
	printWarnings(&b, r.Warnings)
	rows = nil
	for _, f := range r.Faults {
		rows = append(rows, []string{f.Code, printable(f.Text)}) // the text names the line
	}
	section(&b, "Faults", rows)
	if r.Help != "" {
		fmt.Fprintf(&b, "\n%s\n", r.Help)
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, title string, rows [][]string) {
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s\n", title)
		writeTable(b, "  ", rows)
	}
}

func printWarnings(b *bytes.Buffer, list []keyFileWarning) {
	var rows [][]string
	for _, w := range list {
		rows = append(rows, []string{w.Code, printable(w.Text) + inBrackets(w.Line)})
	}
	section(b, "Warnings", rows)
}

func inBrackets(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", line)
}
