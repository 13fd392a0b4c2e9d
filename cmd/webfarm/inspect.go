package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

const inspectUsage = `
Usage: webfarm inspect -config FILE [flags] [COOKIE | -]

Opens a session cookie of WIF 4.5 (FedAuth) with the site's own machine key and
shows what is inside, layer by layer. If the cookie is refused it says at which
layer, what that means and the usual reasons. Nothing is sent anywhere, and no
key is printed.

COOKIE is a Cookie header with or without "Cookie:" in front, or the bare value
of the cookie if it is not in chunks. With - or nothing, standard input is read;
there, Cookie lines are picked out of a whole request and Set-Cookie lines out
of a response.

Examples
  webfarm inspect -config web.config 'FedAuth=77u/PD94...; FedAuth1=bGw+...'
  webfarm inspect -config web.config -name SiteAuth -path /shop/ - < header.txt
  webfarm inspect -config web.config -config old.config -at '2026-01-31 18:00' - < header.txt
  webfarm issue -config web.config -name bob | webfarm inspect -config web.config -json -`

func inspectCommand() command {
	return command{"inspect", "open a session cookie and show what is inside, or what refuses it", inspectUsage, func(flags *flag.FlagSet) action {
		c := new(inspect)
		c.keys.define(flags, "web.config `FILE` with the <machineKey>; repeat it to try older keys too")
		flags.StringVar(&c.name, "name", "FedAuth", "`NAME` of the cookie, FedAuth if left out")
		flags.StringVar(&c.path, "path", "", "cookie `PATH` of the site, which the token must name; not checked if left out")
		flags.StringVar(&c.at, "at", "", "judge the validity as of `TIME`, such as 2026-01-31T18:00:00Z; now if left out")
		flags.DurationVar(&c.skew, "skew", sessiontoken.DefaultClockSkew, "clock skew `DURATION`, the site's maximumClockSkew; 5m if left out")
		flags.BoolVar(&c.json, "json", false, "print for machines")
		return c.run
	}}
}

// inspect is the subcommand of that name.
type inspect struct {
	keys     keyFlags
	name     string
	path, at string
	skew     time.Duration
	json     bool
}

// inspectReport is what inspect found, in the form of -json.
type inspectReport struct {
	OK      bool          `json:"ok"`
	At      time.Time     `json:"at"`
	Skew    int64         `json:"clockSkewSeconds"`
	Configs []keyFile     `json:"configs"`
	Cookie  *cookieReport `json:"cookie,omitempty"`
	Layers  []layerReport `json:"layers,omitempty"`
	Token   *tokenReport  `json:"token,omitempty"`
	Refused *refusal      `json:"refused,omitempty"`
}

// cookieReport describes the chunks. It is absent for a bare value.
type cookieReport struct {
	Name     string        `json:"name"`
	Chunks   []chunkReport `json:"chunks"`
	Joined   int           `json:"chunksJoined"`
	Length   int           `json:"length"`
	Problems []string      `json:"problems,omitempty"`
	Others   []string      `json:"otherCookies,omitempty"`
}

type chunkReport struct {
	Name   string `json:"name"`
	Size   int    `json:"size"`
	Copies int    `json:"copies"`
	Differ bool   `json:"copiesDiffer,omitempty"`
	Joined bool   `json:"joined"`
}

// layerReport is one layer. Inner is the size that compressed data inflates
// to. KeyID, Config and Algorithms tell which key opened the machine key layer.
type layerReport struct {
	Layer      string       `json:"layer"`
	OK         bool         `json:"ok"`
	Size       int          `json:"size,omitempty"`
	Inner      int          `json:"innerSize,omitempty"`
	KeyID      string       `json:"keyId,omitempty"`
	Config     string       `json:"config,omitempty"`
	Algorithms string       `json:"algorithms,omitempty"`
	Facts      []factReport `json:"facts,omitempty"`
	text       layerText
}

type factReport struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (c *inspect) run(ctx context.Context, args []string, s streams) error {
	now := time.Now().UTC()
	if c.at != "" {
		t, err := parseTime(c.at)
		if err != nil {
			return err
		}
		now = t.UTC()
	}
	if c.skew < 0 {
		return usageError("-skew is negative")
	}
	ring, files, err := c.keys.load()
	if err != nil {
		return err
	}
	options := &sessiontoken.SessionOptions{Endpoint: c.path, ClockSkew: c.skew, Now: func() time.Time { return now }}
	if c.skew == 0 {
		options.ClockSkew = -1 // none; zero would mean the default
	}
	codec, err := sessiontoken.NewSessionCodec(ring, options)
	if err != nil {
		return setupError{err}
	}
	text, err := readInput(args, s)
	if err != nil {
		return err
	}
	input, err := parseInput(text, c.name)
	if err != nil {
		return err
	}

	report := &inspectReport{At: now, Skew: int64(c.skew / time.Second), Configs: files}
	c.open(ctx, report, codec, input)
	if c.json {
		err = writeJSON(s.out, report)
	} else {
		err = report.print(s.out)
	}
	if err == nil && !report.OK {
		err = errReported
	}
	return err
}

// open fills the report, down to the layer that refuses.
func (c *inspect) open(ctx context.Context, report *inspectReport, codec *sessiontoken.SessionCodec, input pasted) {
	value, set, err := input.credential(c.name)
	if set != nil {
		report.Cookie = newCookieReport(set, input)
	}
	if err != nil {
		report.Refused = explain(layerTexts[0], err, "", set)
		return
	}
	anatomy := codec.Inspect(ctx, value)
	report.Layers = newLayerReports(anatomy, report.Configs)
	if anatomy.Token != nil {
		report.Token = newTokenReport(anatomy.Token, report.At)
	}
	if anatomy.Err != nil {
		last := report.Layers[len(report.Layers)-1]
		report.Refused = explain(last.text, anatomy.Err, value, set)
		return
	}
	report.OK = true
}

func newCookieReport(set *cookie.Set, input pasted) *cookieReport {
	r := &cookieReport{Name: set.Name, Chunks: []chunkReport{}, Joined: set.Joined, Length: set.Length, Problems: problems(set)}
	for i, chunk := range set.Chunks {
		r.Chunks = append(r.Chunks, chunkReport{chunk.Name, chunk.Size, chunk.Copies, chunk.Differ, i < set.Joined})
	}
	if len(set.Chunks) == 0 {
		r.Others = input.names()
	}
	return r
}

// problems returns what is unusual about a set, apart from the error that it
// cannot be read with.
func problems(set *cookie.Set) []string {
	list := set.Problems()
	if set.Err != nil {
		list = slices.DeleteFunc(list, func(p string) bool { return p == set.Err.Error() })
	}
	return list
}

func newLayerReports(anatomy *sessiontoken.Anatomy, files []keyFile) []layerReport {
	var list []layerReport
	for i, layer := range anatomy.Layers {
		text := textOf(layer.Name)
		r := layerReport{Layer: text.code, OK: layer.Err == nil, Size: layer.Size, text: text}
		switch {
		case text.code == "machine-key" && r.OK:
			r.nameKey(layer.Facts, files)
		case text.code == "deflate" && r.OK && i+1 < len(anatomy.Layers):
			r.Inner = anatomy.Layers[i+1].Size
		case text.code == "nbfx" || text.code == "validity": // the token says it better
		default:
			for _, f := range layer.Facts {
				r.Facts = append(r.Facts, factReport{f.Name, f.Value})
			}
		}
		list = append(list, r)
	}
	return list
}

// nameKey names the key that opened the machine key layer, whose facts hold
// the key's id, and the file it is from.
func (r *layerReport) nameKey(facts []sessiontoken.Fact, files []keyFile) {
	for _, fact := range facts {
		for _, f := range files {
			if f.KeyID == fact.Value {
				r.KeyID, r.Config = f.KeyID, f.File
				r.Algorithms = fmt.Sprintf("%s-%d and %s", cipherName(f.Decryption), f.KeyBits, validationName(f.Validation))
				return
			}
		}
	}
}

// validationName and cipherName spell algorithms as cryptographers do, where
// web.config says less.
func validationName(v string) string {
	if v == machinekey.HMACSHA1.String() {
		return "HMACSHA1"
	}
	return v
}

func cipherName(d string) string {
	if d == machinekey.Auto.String() {
		return "AES"
	}
	return d
}
