package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
)

func doctorCommand() command {
	return command{"doctor",
		"find the layer that refuses a cookie, and the setting that would accept it", func(flags *pflag.FlagSet) action {
			c := new(doctorRun)
			c.keys.configFlags.define(flags)
			flags.StringVar(&c.kind, "kind", "", "")
			flags.StringVar(&c.name, "name", "", "")
			flags.StringVar(&c.authType, "auth-type", "", "")
			flags.StringVar(&c.path, "path", "", "")
			flags.StringVar(&c.at, "at", "", "")
			flags.Func("app-path-hash", "", hash(&c.pathHash))
			flags.Func("app-id-hash", "", hash(&c.idHash))
			c.cert.defineFiles(flags)
			flags.BoolVar(&c.keys.allowKnown, "allow-known-key", false, "")
			flags.BoolVar(&c.keys.allowWeak, "allow-weak-key", false, "")
			flags.StringVar(&c.keys.knownKeys, "known-keys", "", "")
			c.keys.credentials.define(flags)
			c.keys.defineRing(flags)
			flags.StringVar(&c.keys.cookie, "cookie", "", "")
			flags.StringArrayVar(&c.purposes, "purpose", nil, "")
			flags.StringVar(&c.otherKeys, "other-keys", "", "")
			flags.StringArrayVar(&c.otherApps, "other-app", nil, "")
			flags.StringVar(&c.otherScheme, "other-scheme", "", "")
			flags.BoolVar(&c.json, "json", false, "")
			return c.run
		}}
}

// doctorReport is the output with -json.
type doctorReport struct {
	*doctor.Report
	KeyRings []*ringReport `json:"keyRings,omitempty"`
}

// doctorRun is the subcommand doctor.
type doctorRun struct {
	keys             keyFlags // allowInsecure apart
	kind, name       string
	authType         string
	path, at         string
	pathHash, idHash *int32
	cert             certFlags

	purposes, otherApps    []string
	otherKeys, otherScheme string // of ASP.NET Core
	json                   bool
}

func (c *doctorRun) run(ctx context.Context, args []string, s streams) error {
	switch n := len(c.keys.config); {
	case n == 0 && c.keys.keys == "":
		return usageError("-config is missing: the web.config of the node that refuses the cookie; " +
			"or -keys: the key ring of one on ASP.NET Core")
	case c.keys.keys == "" && (c.keys.scheme != "" || c.keys.cookie != "" || c.otherKeys != "" ||
		len(c.purposes) > 0):
		return usageError("-scheme, -cookie, -purpose and -other-keys go with -keys")
	case n > 2:
		return usageError("-config is given more than twice: one or two nodes are examined")
	}
	o, err := c.options()
	if err != nil {
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
	working := func() string { return "trying the settings of .NET" }
	if len(nodes) == 2 && len(args) == 0 {
		done := progress(s.err, time.Second, working)
		r.Report = doctor.Compare(ctx, nodes[0], nodes[1], o)
		done()
	} else {
		text, err := c.keys.readInput(args, s)
		if err != nil {
			return err
		}
		names := nodes[0].CookieNames()
		for _, name := range []string{c.name, c.keys.cookie} {
			if name != "" {
				names = append(names, name)
			}
		}
		input, err := parseInput(text, names)
		if err != nil {
			return err
		}
		if input.request != nil && (o.Kind == doctor.Refresh || o.Kind == doctor.AuthCode) {
			return usageError("-kind " + string(o.Kind) + " takes the bare value, not a header")
		}
		done := progress(s.err, time.Second, working)
		r.Report = doctor.Examine(ctx, nodes,
			doctor.Input{Request: input.request, Text: input.text}, o)
		done()
	}
	if c.json {
		err = writeJSON(s.out, r)
	} else {
		err = printDiagnosis(s.out, r)
	}
	if err == nil && !r.OK {
		err = errReported
	}
	return err
}

// nodes are the nodes of the files and of the rings, the one that refuses the cookie first.
func (c *doctorRun) nodes(ctx context.Context) (nodes []*doctor.Node, rings []*ringReport, err error) {
	paths := append([]string(nil), c.keys.config...)
	if len(paths) == 0 {
		paths = []string{""}
	}
	if len(paths) == 1 && c.otherKeys != "" {
		paths = append(paths, "")
	}
	for i, path := range paths {
		k := c.keys
		if i == 1 && c.otherKeys == "" {
			k.ringFlags = ringFlags{}
		} else if i == 1 {
			k.keys, k.app, k.scheme = c.otherKeys, append(c.otherApps,
				"")[0], cmp.Or(c.otherScheme, k.scheme)
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

// options puts the flags together.
func (c *doctorRun) options() (doctor.Options, error) {
	o := doctor.Options{Name: c.name, AuthType: c.authType, Path: c.path,
		Isolation:     doctor.Isolation{AppPathHash: c.pathHash, AppIDHash: c.idHash},
		AllowKnownKey: c.keys.allowKnown, AllowWeakKey: c.keys.allowWeak,
		Apps: c.otherApps, Purposes: c.purposes}
	k, err := kindFlag(c.kind, doctorKinds...)
	if err != nil {
		return o, err
	}
	o.Kind = k
	if len(c.keys.config) == 0 && o.AuthType == "" {
		o.AuthType = c.otherScheme
	}
	if o.Now, err = judgedAt(c.at); err != nil {
		return o, err
	}
	// Weak ones too: doctor only reads.
	if o.Certificate, err = c.cert.chains(true, false, true); err != nil {
		return o, err
	}
	o.KnownKeys, err = loadKnown(c.keys.knownKeys)
	return o, err
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
