package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

type inspect struct {
	keys       keyFlags
	cert       certFlags
	kind, name string
	authType   string
	class      string
	purposes   []string
	roles      formsRoles
	path, at   string
	skew       time.Duration
	given      func(flag string) bool // whether the flag is set
}

func (c *inspect) define(flags *pflag.FlagSet) {
	c.keys.define(flags)
	flags.StringVar(&c.kind, "kind", "", "")
	flags.StringVar(&c.name, "name", "", "")
	flags.StringVar(&c.authType, "auth-type", "", "")
	flags.StringVar(&c.class, "class", "", "")
	flags.StringArrayVar(&c.purposes, "purpose", nil, "")
	flags.Func("forms-roles", "", c.roles.set)
	flags.StringVar(&c.path, "path", "", "")
	flags.StringVar(&c.at, "at", "", "")
	duration(flags, &c.skew, "skew", 0)
	c.cert.define(flags)
	c.keys.defineRing(flags)
	c.given = flags.Changed
	c.keys.allowKnown, c.keys.allowWeak = true, true // inspect warns, and issues nothing
}

// inspectReport is what inspect found, in the form of -json.
type inspectReport struct {
	OK          bool               `json:"ok"` // every credential was accepted
	At          time.Time          `json:"at"`
	Skew        int64              `json:"clockSkewSeconds"`
	Configs     []keyFile          `json:"configs"`
	Ring        *ringReport        `json:"keyRing,omitempty"` // of ASP.NET Core
	Credentials []credentialReport `json:"credentials"`       // at least one
}

// credentialReport is one credential. The contents of its kind are set once the innermost layer
// has been read.
type credentialReport struct {
	Kind      kind             `json:"kind"`
	OK        bool             `json:"ok"`
	AuthType  string           `json:"authenticationType,omitempty"` // the purpose of a Katana cookie
	Purposes  []string         `json:"purposes,omitempty"`           // of -purpose, in its place
	Scheme    string           `json:"scheme,omitempty"`             // the purpose of a ticket of ASP.NET Core
	Cookie    *cookieReport    `json:"cookie,omitempty"`
	Layers    []layerReport    `json:"layers,omitempty"`
	Token     *tokenReport     `json:"token,omitempty"`
	Forms     *formsReport     `json:"forms,omitempty"`
	Katana    *katanaReport    `json:"katana,omitempty"`
	Core      *coreReport      `json:"core,omitempty"`
	Protected *protectedReport `json:"protected,omitempty"`
	State     *stateReport     `json:"state,omitempty"`
	Anonymous *anonymousReport `json:"anonymous,omitempty"`
	Roles     *rolesReport     `json:"roles,omitempty"`
	Refused   *refusal         `json:"refused,omitempty"`
	Shown     shown            `json:"-"` // the contents for people
}

// cookieReport describes the chunks. It is absent for a bare value.
type cookieReport struct {
	Name      string         `json:"name"`
	Chunks    []doctor.Chunk `json:"chunks"`
	Announced int            `json:"chunksAnnounced,omitempty"` // by Katana
	Joined    int            `json:"chunksJoined"`
	Length    int            `json:"length"`
	Problems  []string       `json:"problems,omitempty"`
	Others    []string       `json:"otherCookies,omitempty"`
	Accepted  []string       `json:"siteAccepts,omitempty"` // the site's cookies, if this one is missing
}

// layerReport is one layer. Inner is the inflated size of compressed data. KeyID, Config and
// Algorithms describe the key that opened the machine key layer or that of the key ring.
type layerReport struct {
	Layer      string       `json:"layer"`
	OK         bool         `json:"ok"`
	Size       int          `json:"size,omitempty"`
	Inner      int          `json:"innerSize,omitempty"`
	KeyID      string       `json:"keyId,omitempty"`
	Config     string       `json:"config,omitempty"`
	Algorithms string       `json:"algorithms,omitempty"`
	Facts      []factReport `json:"facts,omitempty"`
	text       texts.Section
}

// What says what the layer is.
func (l layerReport) What() string { return l.text.Text("what") }

type factReport struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (c *inspect) run(ctx context.Context, args []string, s streams) error {
	now, err := judgedAt(c.at)
	if err != nil {
		return err
	}
	if c.keys.keys == "" && c.keys.cookie != "" {
		return usageError("-cookie goes with -keys; -name is the one cookie to show")
	}
	k, err := c.checkKind()
	if err != nil {
		return err
	}
	farm, files, err := c.farm(ctx, s.in, now)
	if err != nil {
		return err
	}
	text, err := c.keys.readInput(args, s)
	if err != nil {
		return err
	}
	names := farm.site.Names()
	if c.name != "" {
		names = append(names, c.name)
	}
	input, err := parseInput(text, names)
	if err != nil {
		return err
	}
	found, err := farm.find(input, wanted{k, c.name, c.authType})
	if err != nil {
		return err
	}
	report := &inspectReport{OK: true, At: now,
		Skew: int64(farm.skew / time.Second), Configs: files,
		Ring: newRingReport(c.keys.ring, &c.keys.ringFlags, now)}
	var opened atomic.Int64
	done := progress(s.err, time.Second, func() string {
		return fmt.Sprintf("%d of %d credentials are open", opened.Load(), len(found))
	})
	for _, credential := range found {
		r, err := farm.inspect(ctx, credential, input, files)
		opened.Add(1)
		if err != nil && len(found) == 1 {
			done()
			return err
		} else if err != nil { // the others may be fine
			r.Refused = explainSetup(err)
		}
		report.OK = report.OK && r.OK
		report.Credentials = append(report.Credentials, r)
	}
	done()
	return s.report(report, report.text, report.OK)
}

// checkKind returns the requested kind, and checks the flags that go with one kind only.
func (c *inspect) checkKind() (kind, error) {
	k, err := kindFlag(c.kind, inspectKinds...)
	if err != nil {
		return "", err
	}
	if k != "" {
		k = c.keys.kindOf(k)
	}
	if len(c.purposes) > 0 {
		switch {
		case k == "" && c.keys.keys != "":
			k = site.Protected
		case k == "":
			k = site.Katana
		case !k.IsKatana() && k != site.Protected && k != site.Core:
			return "",
				usageError("-purpose goes with -kind protected, core, katana, bearer, refresh and code")
		}
	}
	switch err = checkAuthType(c.authType); {
	case err != nil:
		return "", err
	case k == site.State:
		c.class, c.authType, err = findMiddleware(c.class, c.authType)
		return k, err
	case c.class != "":
		return "", usageError("-class goes with -kind state")
	}
	return k, nil
}

// farm combines the settings of the web.config with the flags.
func (c *inspect) farm(ctx context.Context, in io.Reader, now time.Time) (*codecs, []keyFile, error) {
	if err := c.keys.openAll(ctx, in); err != nil {
		return nil, nil, err
	}
	ring, of, files, err := c.keys.load()
	if err == errNoConfig { // payloads of Data Protection have names at least
		of, err = newSite(site.Key{MachineKey: webconfig.MachineKey{Mode: site.Framework45}}, c.keys.siteOptions())
	}
	if err != nil {
		return nil, nil, err
	}
	farm := newCodecs(&c.keys, ring, of, func() time.Time { return now })
	farm.formsRoles, farm.purposes, farm.stateClass = c.roles, c.purposes, c.class
	if c.given("path") {
		farm.endpoint = c.path
	}
	if c.given("skew") {
		farm.skew, farm.skewForms = c.skew, c.skew
	}
	farm.certificates, err = c.cert.load(c.keys.allowInsecure)
	return farm, files, err
}

// inspect reports on one credential, down to the layer that refuses it.
func (c *codecs) inspect(
	ctx context.Context, found credential, input pasted, files []keyFile,
) (credentialReport, error) {
	r := credentialReport{Kind: found.kind, AuthType: found.authType}
	if found.kind.IsCore() {
		r.AuthType, r.Scheme = "", found.authType
	}
	if len(c.purposes) > 0 && (found.kind.IsKatana() || found.kind == site.Core) {
		found.authType, r.AuthType, r.Scheme, r.Purposes = "", "", "", c.purposes
	}
	if found.set != nil {
		r.Cookie = newCookieReport(found.kind, found.set, input)
		if len(found.set.Chunks) == 0 {
			r.Cookie.Accepted = c.site.Accepted()
		}
	}
	if found.err != nil {
		r.Refused = explain(textOf(found.kind, layerCookie), found.err, found)
		return r, nil
	}
	var o opened
	var err error
	if found.kind.IsCore() {
		var u use
		o, u, err = c.openCore(ctx, found)
		r.Kind, r.Scheme = u.kind, u.scheme
		found.kind = u.kind
	} else {
		o, err = c.open(ctx, found.kind, found.authType, found.text)
	}
	if err != nil {
		return r, err
	}
	r.Layers = newLayerReports(found.kind, o.Report, c.namedKeys(files))
	switch content := o.Content.(type) {
	case *sessiontoken.Token:
		r.Token, r.Shown = c.showToken(content)
	case *sessiontoken.FormsTicket:
		r.Forms, r.Shown = c.showForms(content)
	case *sessiontoken.KatanaTicket:
		r.Katana, r.Shown = c.showKatana(content, found.kind, r.AuthType)
	case *sessiontoken.CoreTicket:
		r.Core, r.Shown = c.showCore(content, found.kind)
	case sessiontoken.Properties:
		r.State, r.Shown = c.showState(content)
	case *sessiontoken.AnonymousID:
		r.Anonymous, r.Shown = c.showAnonymous(content)
	case []byte:
		r.Roles, r.Shown = showRoles(content)
	case *protectedReport:
		r.Protected, r.Shown = content, content.show(c.now())
	}
	switch r.OK = o.Err == nil; {
	case r.OK:
	case o.fault != "":
		r.Refused = refuse("key-ring", o.Err, layerFile["error/"+o.fault])
	default:
		r.Refused = explain(r.Layers[len(r.Layers)-1].text, o.Err, found)
	}
	return r, nil
}

func newCookieReport(k kind, set *chunks.Set, input pasted) *cookieReport {
	r := &cookieReport{Name: set.Name, Chunks: doctor.Chunks(set), Announced: set.Announced,
		Joined: set.Joined, Length: set.Length, Problems: problems(set)}
	if shared := chunks.Core.Inspect(input.request, set.Name); k.IsCore() &&
		shared.Announced < set.Announced {
		r.Problems = append(r.Problems, layerFile["looks"].Text("shared_chunks"))
	}
	if len(set.Chunks) == 0 {
		r.Others = doctor.Others(input.request)
	}
	return r
}

// problems returns the oddities of a set, without the error for which it cannot be read.
func problems(set *chunks.Set) []string {
	list := set.Problems()
	if set.Err != nil {
		list = slices.DeleteFunc(list, func(p string) bool { return p == set.Err.Error() })
	}
	return list
}

func newLayerReports(k kind, report *anatomy.Report, keys []namedKey) []layerReport {
	var list []layerReport
	for i, layer := range report.Layers {
		text := textOf(k, layer.Name)
		r := layerReport{Layer: text.Text("code"), OK: layer.Err == nil, Size: layer.Size, text: text}
		switch r.Layer {
		case "deflate", "gzip":
			if r.OK && i+1 < len(report.Layers) {
				r.Inner = report.Layers[i+1].Size
			}
		case "nbfx", "validity", "forms-ticket", "katana-ticket", "core-ticket":
			layer.Facts = nil // the contents show them
		}
		for _, f := range layer.Facts {
			at := slices.IndexFunc(keys, func(k namedKey) bool { return k.id == f.Value })
			if r.OK && f.Name == "opened by key" && at >= 0 {
				r.KeyID, r.Config, r.Algorithms = keys[at].id, keys[at].file, keys[at].algorithms
			} else {
				r.Facts = append(r.Facts, factReport(f))
			}
		}
		list = append(list, r)
	}
	return list
}

// namedKey is a key with its file and algorithms.
type namedKey struct{ id, file, algorithms string }

// namedKeys are the keys of the files and of the key ring.
func (c *codecs) namedKeys(files []keyFile) (keys []namedKey) {
	for _, f := range files {
		if f.OnRing {
			continue
		}
		cipher, mac := f.Decryption, f.Validation // web.config abbreviates some
		if cipher == string(machinekey.Auto) {
			cipher = "AES"
		}
		if mac == string(machinekey.HMACSHA1) {
			mac = "HMACSHA1"
		}
		keys = append(keys, namedKey{f.KeyID, f.File, fmt.Sprintf("%s-%d and %s", cipher, f.KeyBits, mac)})
	}
	if c.core != nil {
		for _, k := range c.core.Keys() {
			keys = append(keys, namedKey{k.ID, "the key ring", k.Algorithm})
		}
	}
	return keys
}
