package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

// doctorReport is the output with -json.
type doctorReport struct {
	*doctor.Report
	KeyRings []*ringReport `json:"keyRings,omitempty"`
}

// doctorRun is the subcommand doctor.
type doctorRun struct {
	keys                   keyFlags // of the nodes
	o                      doctor.Options
	kind, at               string
	cert                   certFlags
	otherKeys, otherScheme string // of ASP.NET Core
}

func (c *doctorRun) define(flags *pflag.FlagSet) {
	c.keys.configFlags.define(flags)
	flags.StringVar(&c.kind, "kind", "", "")
	flags.StringVar(&c.at, "at", "", "")
	flags.StringVar(&c.o.Name, "name", "", "")
	flags.StringVar(&c.o.AuthType, "auth-type", "", "")
	flags.StringVar(&c.o.Path, "path", "", "")
	flags.Func("app-path-hash", "", hash(&c.o.Isolation.AppPathHash))
	flags.Func("app-id-hash", "", hash(&c.o.Isolation.AppIDHash))
	c.cert.defineFiles(flags)
	flags.BoolVar(&c.o.AllowKnownKey, "allow-known-key", false, "")
	flags.BoolVar(&c.o.AllowWeakKey, "allow-weak-key", false, "")
	flags.StringVar(&c.keys.knownKeys, "known-keys", "", "")
	c.keys.credentials.define(flags)
	c.keys.defineRing(flags)
	flags.StringArrayVar(&c.o.Purposes, "purpose", nil, "")
	flags.StringVar(&c.otherKeys, "other-keys", "", "")
	flags.StringArrayVar(&c.o.Apps, "other-app", nil, "")
	flags.StringVar(&c.otherScheme, "other-scheme", "", "")
}

func (c *doctorRun) run(ctx context.Context, args []string, s streams) error {
	switch n := len(c.keys.config); {
	case n == 0 && c.keys.keys == "":
		return usageError("-config is missing: the web.config of the node that refuses the cookie; " +
			"or -keys: the key ring of one on ASP.NET Core")
	case c.keys.keys == "" && (c.keys.scheme != "" || c.keys.cookie != "" || c.otherKeys != "" ||
		len(c.o.Purposes) > 0):
		return usageError("-scheme, -cookie, -purpose and -other-keys go with -keys")
	case n > 2:
		return usageError("-config is given more than twice: one or two nodes are examined")
	}
	if err := c.options(); err != nil {
		return err
	}
	if err := c.keys.openFiles(s.in); err != nil {
		return err
	}
	nodes, rings, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	r := &doctorReport{KeyRings: rings}
	examine := func() { r.Report = doctor.Compare(ctx, nodes[0], nodes[1], c.o) }
	if len(nodes) < 2 || len(args) > 0 {
		input, err := c.input(args, s, nodes[0])
		if err != nil {
			return err
		}
		examine = func() { r.Report = doctor.Examine(ctx, nodes, input, c.o) }
	}
	var trying atomic.Value
	trying.Store("both nodes")
	c.o.Trying = func(credential string) { trying.Store(credential) }
	done := progress(s.err, time.Second, func() string {
		return fmt.Sprintf("trying the settings of .NET on %.40s", printable(trying.Load().(string)))
	})
	examine()
	done()
	return s.report(r, r.text, r.OK)
}

// input reads the credentials to examine.
func (c *doctorRun) input(args []string, s streams, n *doctor.Node) (in doctor.Input, err error) {
	text, err := c.keys.readInput(args, s)
	if err != nil {
		return in, err
	}
	names := n.CookieNames()
	for _, name := range []string{c.o.Name, c.keys.cookie} {
		if name != "" {
			names = append(names, name)
		}
	}
	p, err := parseInput(text, names)
	if p.request != nil && (c.o.Kind == doctor.Refresh || c.o.Kind == doctor.AuthCode) {
		err = usageError("-kind " + string(c.o.Kind) + " takes the bare value, not a header")
	}
	return doctor.Input{Request: p.request, Text: p.text}, err
}

// nodes are the nodes of the files and of the rings, the one that refuses the cookie first.
func (c *doctorRun) nodes(ctx context.Context) (nodes []*doctor.Node, rings []*ringReport, err error) {
	paths := slices.Clone(c.keys.config)
	for len(paths) == 0 || len(paths) == 1 && c.otherKeys != "" {
		paths = append(paths, "") // of a ring alone
	}
	for i, path := range paths {
		k := c.keys
		if i == 1 && c.otherKeys == "" {
			k.ringFlags = ringFlags{}
		} else if i == 1 {
			k.keys, k.app = c.otherKeys, append(c.o.Apps, "")[0]
			k.scheme = cmp.Or(c.otherScheme, k.scheme)
		}
		bare := k.ringFlags
		bare.app = "" // doctor puts names in front
		if k.ring, err = bare.open(ctx); err != nil {
			return nil, nil, err
		}
		s, err := k.site(path)
		if err != nil {
			return nil, nil, err
		}
		n := doctor.New(s)
		if k.ring != nil {
			r := newRingReport(k.ring, &k.ringFlags, time.Now())
			n = n.WithRing(doctor.Ring{Keys: k.ring, Source: r.Source, App: k.app})
			rings = append(rings, r)
		}
		nodes = append(nodes, n)
	}
	return nodes, rings, nil
}

// options reads the flags that need more than their value.
func (c *doctorRun) options() (err error) {
	if c.o.Kind, err = kindFlag(c.kind, doctorKinds...); err != nil {
		return err
	}
	if err = checkAuthType(c.o.AuthType); err != nil {
		return err
	}
	if len(c.keys.config) == 0 {
		c.o.AuthType = cmp.Or(c.o.AuthType, c.otherScheme)
	}
	if c.o.Now, err = judgedAt(c.at); err != nil {
		return err
	}
	// Weak ones too: doctor only reads.
	if c.o.Certificate, err = c.cert.chains(true, false, true); err != nil {
		return err
	}
	c.o.KnownKeys, err = loadKnown(c.keys.knownKeys)
	return err
}

// hash reads a flag for a hash of .NET: a signed number of 32 bits.
func hash(to **int32) func(string) error {
	return func(s string) error {
		var v int32
		if _, err := fmt.Sscanf(s, "%d", &v); err != nil || fmt.Sprint(v) != s {
			return errors.New("write a whole number from -2147483648 to 2147483647")
		}
		*to = &v
		return nil
	}
}
