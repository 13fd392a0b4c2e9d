package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// keys is the subcommand of that name.
type keys struct {
	ringFlags
	flags                     *pflag.FlagSet
	ifNeeded, all             bool
	ahead, activate, lifetime time.Duration
	reason                    string
}

func (k *keys) define(flags *pflag.FlagSet) {
	k.flags = flags
	k.register(flags)
	flags.BoolVar(&k.ifNeeded, "if-needed", false, "")
	duration(flags, &k.ahead, "ahead", 14*day)
	duration(flags, &k.activate, "activate", 0)
	duration(flags, &k.lifetime, "lifetime", keyLifetime)
	flags.BoolVar(&k.all, "all", false, "")
	flags.StringVar(&k.reason, "reason", "", "")
}

// keysReport is the output with -json.
type keysReport struct {
	*ringReport
	Made     string           `json:"made,omitempty"` // the id of the new key
	Warnings []keyFileWarning `json:"warnings"`
	done     string           // for people
}

const (
	day = 24 * time.Hour
	// keyLifetime is .NET's for a new key.
	keyLifetime = 90 * day
)

func (k *keys) run(ctx context.Context, args []string, s streams) error {
	verb, args := "", args
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	of := map[string][]string{"list": {}, "new": {"if-needed", "ahead", "activate", "lifetime"},
		"revoke": {"all", "reason"}}
	for v, flags := range of {
		for _, name := range flags {
			if v != verb && k.flags.Changed(name) {
				return usageError(fmt.Sprintf("-%s goes with %s", name, v))
			}
		}
	}
	switch {
	case verb == "":
		return usageError("say list, new or revoke")
	case of[verb] == nil:
		return usageError(fmt.Sprintf("%q is not list, new or revoke", verb))
	case len(args) > 1 || len(args) == 1 && (verb != "revoke" || k.all):
		return unexpected(args[len(args)-1], k.flags)
	case verb == "revoke" && len(args) == 0 && !k.all:
		return usageError("the id of the key to revoke is missing, or -all")
	case k.ringFlags.keys == "":
		return usageError("-keys is missing: the key ring, such as the folder /var/keys, " +
			"redis://HOST, postgres://HOST/DATABASE or sqlite:FILE")
	case k.flags.Changed("ahead") && !k.ifNeeded:
		return usageError("-ahead goes with -if-needed")
	case k.flags.Changed("activate") && k.ifNeeded:
		return usageError("-activate does not go with -if-needed: the key then follows the one that protects")
	case k.ifNeeded && k.ahead >= k.lifetime:
		return usageError("-ahead must be less than -lifetime")
	}
	ring, err := k.open(ctx)
	if err != nil {
		return err
	}
	r := &keysReport{Warnings: []keyFileWarning{}}
	switch verb {
	case "new":
		err = k.create(ctx, ring, r)
	case "revoke":
		id := slices.Concat(args, []string{"*"})[0]
		if err = ring.Revoke(ctx, id, k.reason); err == nil {
			r.done = "Revoked. Go nodes know it within a minute, .NET nodes within a day or when they\nare restarted."
		}
	}
	if err != nil {
		return err
	}
	now := time.Now()
	r.ringReport = newRingReport(ring, &k.ringFlags, now)
	slices.SortStableFunc(r.Keys,
		func(a, b ringKeyReport) int { return a.Activated.Compare(b.Activated) })
	r.Warnings = append(r.Warnings, ringWarnings(ring, &k.ringFlags, now)...)
	noKey := slices.ContainsFunc(r.Warnings,
		func(w keyFileWarning) bool { return w.Code == "no_key" })
	return s.report(r, func() []byte { return r.text(verb == "list", now) },
		verb != "list" || !noKey)
}

// create makes a key.
func (k *keys) create(ctx context.Context, ring *dataprotection.Ring, r *keysReport) (err error) {
	now := time.Now()
	if k.ifNeeded {
		r.Made, err = ring.Keep(ctx, k.ahead, k.lifetime)
	} else {
		var begins time.Time
		if k.flags.Changed("activate") {
			begins = now.Add(k.activate)
		}
		r.Made, err = ring.NewKey(ctx, begins, now.Add(k.lifetime))
	}
	r.done = "No key is needed."
	for _, key := range ring.Keys() {
		if r.Made != "" && key.ID == r.Made {
			r.done = fmt.Sprintf("Made key %s,\nwhich protects from %s\nto %s.", key.ID,
				when(key.Activated, now), when(key.Expires, now))
			if key.Decryptor == "" {
				r.Warnings = append(r.Warnings,
					keyFileWarning{Code: "in_clear", Text: "key " + key.ID +
						" is not encrypted at rest: whoever reads it forges every cookie; -certificate encrypts it"})
			}
		}
	}
	return err
}

// text is the report for people.
func (r *keysReport) text(list bool, now time.Time) []byte {
	var b bytes.Buffer
	if !list {
		fmt.Fprintln(&b, r.done)
	} else {
		fmt.Fprintf(&b, "%s: %s, %s\n", printable(r.Source), plural(len(r.Keys), "key"),
			plural(len(r.Warnings), "warning"))
		for _, key := range r.Keys {
			rows := [][]string{{"state", key.State}}
			if key.Error != "" && !key.Revoked {
				rows = append(rows, []string{"why", printable(key.Error)})
			}
			if key.ID != "" {
				rows = append(rows, []string{"created", when(key.Created, now)},
					[]string{"protects from", when(key.Activated, now)},
					[]string{"protects to", when(key.Expires, now)})
			}
			if key.Algorithm != "" {
				rows = append(rows, []string{"algorithm", key.Algorithm})
			}
			rows = append(rows, []string{"at rest", printable(key.atRest())})
			section(&b, "Key "+abridgedOr(key.ID, "without an id"), rows)
		}
	}
	printWarnings(&b, r.Warnings)
	return b.Bytes()
}
