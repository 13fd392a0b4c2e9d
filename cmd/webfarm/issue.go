package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

type issue struct {
	keys                      keyFlags
	cert                      certFlags
	kindText                  string
	kind                      kind
	user, userData, authType  string
	roles, claims, properties []string
	path, domain, cookie      string
	sameSite                  string
	noSecure                  bool
	template                  http.Cookie // of the cookies, from the site and the flags
	lifetime                  time.Duration
	chunkSize                 int
	persistent                bool
	given                     func(flag string) bool // whether the flag is set
}

func (c *issue) define(flags *pflag.FlagSet) {
	c.keys.define(flags)
	flags.BoolVar(&c.keys.allowKnown, "allow-known-key", false, "")
	flags.BoolVar(&c.keys.allowWeak, "allow-weak-key", false, "")
	flags.StringVar(&c.kindText, "kind", "", "")
	flags.StringVar(&c.user, "name", "", "")
	flags.StringArrayVar(&c.roles, "role", nil, "")
	flags.StringArrayVar(&c.claims, "claim", nil, "")
	flags.StringArrayVar(&c.properties, "property", nil, "")
	flags.StringVar(&c.userData, "user-data", "", "")
	flags.StringVar(&c.authType, "auth-type", "", "")
	duration(flags, &c.lifetime, "lifetime", 0)
	flags.StringVar(&c.path, "path", "", "")
	flags.StringVar(&c.domain, "domain", "", "")
	flags.StringVar(&c.cookie, "cookie", "", "")
	flags.StringVar(&c.sameSite, "same-site", "", "")
	flags.BoolVar(&c.noSecure, "insecure-no-secure", false, "")
	flags.BoolVar(&c.persistent, "persistent", false, "")
	flags.IntVar(&c.chunkSize, "chunk-size", 0, "")
	c.cert.define(flags)
	c.keys.register(flags)
	flags.StringVar(&c.keys.scheme, "scheme", "", "")
	c.given = flags.Changed
}

// issued is a credential with its times and its user.
type issued struct {
	text     string
	from, to time.Time
	who      string
}

func (c *issue) run(ctx context.Context, _ []string, s streams) error {
	var err error
	if c.kind, err = kindFlag(c.kindText, issueKinds...); err != nil {
		return err
	}
	c.kind, c.keys.cookie = c.keys.kindOf(c.kind), c.cookie
	if c.kind.IsCore() && c.keys.keys == "" {
		return usageError(fmt.Sprintf("-kind %s needs -keys, the key ring of ASP.NET Core",
			string(c.kind)))
	}
	if err := c.keys.openAll(ctx, s.in); err != nil {
		return err
	}
	ring, of, files, err := c.keys.load()
	if err != nil {
		return err
	}
	var chosen []string
	if c.kind == "" {
		chosen = append(chosen, c.choose(of))
	}
	if err := c.check(); err != nil {
		return err
	}
	principal, notes, err := c.principal()
	if err != nil {
		return err
	}
	notes = append(notes, chosen...)
	for _, f := range files {
		for _, w := range f.Warnings {
			if w.Code == "known_key" || w.Code == "weak_key" {
				notes = append(notes, w.Text)
			}
		}
	}
	if err := c.fill(of); err != nil {
		return err
	}
	farm := newCodecs(&c.keys, ring, of, time.Now)
	farm.endpoint, farm.lifetime = c.path, c.lifetime
	if farm.certificates, err = c.cert.load(c.keys.allowInsecure); err != nil {
		return err
	}
	own := of.Session
	if own.On && c.kind == own.Kind && farm.certificates == nil &&
		own.Protection != webconfig.ProtectionMachineKeyProtect &&
		own.Protection != webconfig.ProtectionMachineKeyEncode {
		notes = append(notes,
			fmt.Sprintf("the web.config protects sessions with %s, not with the machine key: "+
				"the .NET site will not read this", own.Protection))
	}
	made, err := c.make(ctx, farm, principal)
	if err != nil {
		return err
	}
	report := &issueReport{OK: true, Kind: c.kind, ValidFrom: made.from, ValidTo: made.to,
		Notes: notes}
	if of.OnRing(c.kind) {
		report.KeyID, _ = c.keys.ring.Resolve(made.from)
	} else {
		report.KeyID = files[0].KeyID
	}
	if carried(c.kind) {
		err = c.setCookies(report, made)
	} else {
		c.setToken(report, made.text)
	}
	if err != nil {
		return err
	}
	if s.json {
		return writeJSON(s.out, report)
	}
	return report.print(s, made.who)
}

// check looks at the flags that go with a kind, and at their values.
func (c *issue) check() error {
	onLine := c.kind == site.Katana || c.kind == site.Core // their chunks are measured by the line
	switch {
	case c.given("same-site") && sameSites[strings.ToLower(c.sameSite)] == 0:
		return usageError(fmt.Sprintf("-same-site %q: lax, strict or none", c.sameSite))
	case c.keys.scheme != "" && !c.kind.IsCore():
		return usageError("-scheme goes with -kind core, corebearer and corerefresh; others have -auth-type")
	case c.user == "" && c.kind != site.Anonymous:
		return usageError("-name is missing: the user to sign in")
	case c.given("auth-type") && c.authType == "":
		return usageError("-auth-type is empty: the user would not be authenticated")
	case c.given("lifetime") && c.lifetime <= 0:
		return usageError("-lifetime must be positive")
	case c.given("path") && (!strings.HasPrefix(c.path, "/") || strings.ContainsAny(c.path, "'\"")):
		return usageError(fmt.Sprintf("-path %q: a path such as / or /shop/", c.path))
	case strings.Contains(c.cookie, "'"): // it would end the quotes of the curl command
		return usageError(fmt.Sprintf("-cookie %q: a name without quotes", c.cookie))
	case c.given("cookie") && c.cookie == "":
		return usageError("-cookie is empty")
	case len(c.keys.config) > 1:
		return usageError("-config is given more than once: only one key issues")
	case onLine && c.given("chunk-size") && (c.chunkSize < 200 ||
		c.chunkSize > chunks.MaxCookieSize):
		return usageError(fmt.Sprintf("-chunk-size %d: for Katana and ASP.NET Core, 200 to %d bytes of the whole line",
			c.chunkSize, chunks.MaxCookieSize))
	case !onLine && c.given("chunk-size") && (c.chunkSize < chunks.MinChunkSize ||
		c.chunkSize > chunks.MaxCookieSize):
		return usageError(fmt.Sprintf("-chunk-size %d: .NET takes %d and more, browsers up to %d with the name",
			c.chunkSize, chunks.MinChunkSize, chunks.MaxCookieSize))
	case c.given("user-data") && c.kind != site.Forms:
		return usageError("-user-data goes with -kind forms")
	case (c.given("same-site") || c.noSecure) && !carried(c.kind):
		return usageError(fmt.Sprintf("-same-site and -insecure-no-secure are for cookies, not for -kind %s",
			string(c.kind)))
	case len(c.properties) > 0 && !c.kind.IsKatana() && !c.kind.IsCore():
		return usageError("-property goes with -kind katana, bearer, refresh, code and the kinds of ASP.NET Core")
	case len(c.roles)+len(c.claims) > 0 && c.kind == site.Forms:
		return usageError("-role and -claim are not for -kind forms, whose tickets have no claims; " +
			"put roles into -user-data, as the site reads them")
	case len(c.roles)+len(c.claims) > 0 && c.kind == site.Anonymous:
		return usageError("-role and -claim are not for -kind anonymous, which only names a visitor")
	case c.given("cert") && !c.kind.IsSession():
		return usageError("-cert goes with sessions of WIF")
	case c.kind == site.Katana:
		return checkAuthType(c.authType)
	}
	return nil
}

// choose takes the first kind that the site accepts, and says so.
func (c *issue) choose(s *site.Site) (note string) {
	for _, of := range s.Credentials() {
		if !of.On || of.Refused != "" || of.Kind == site.Anonymous ||
			!slices.Contains(issueKinds, of.Kind) {
			continue
		}
		c.kind = of.Kind
		if of.Kind == site.Bearer && of.AuthenticationType != "" {
			c.kind, c.keys.scheme = site.CoreBearer, of.AuthenticationType
		}
		return fmt.Sprintf("the site accepts %s; this is one (-kind %s)", of.Kind, string(c.kind))
	}
	c.kind = s.SignIn()
	return fmt.Sprintf("the site names nothing that it accepts; this is %s (-kind %s)",
		c.kind, string(c.kind))
}

// fill takes the settings without a flag from the web.config.
func (c *issue) fill(s *site.Site) error {
	switch {
	case c.kind.IsSession():
		c.authType = cmp.Or(c.authType, "Federation")
	case c.kind == site.Katana:
		c.authType = s.AuthTypeOf(c.cookie, c.authType)
	case c.kind.IsKatana():
		c.authType = cmp.Or(c.authType, "Bearer")
	case c.kind == site.Core:
		c.keys.scheme = s.Of(site.Core, c.keys.scheme).AuthenticationType
	case c.kind.IsCore():
		c.keys.scheme = cmp.Or(c.keys.scheme, "BearerToken")
	}
	of := s.Of(c.kind, c.authType)
	if c.kind.IsCore() {
		of = s.Of(c.kind, c.keys.scheme)
		c.authType = cmp.Or(c.authType, c.keys.scheme)
	}
	// As cookie.LoadSite has it, but the cookie is Secure where the file says nothing about it.
	c.template = http.Cookie{HttpOnly: !of.ScriptAccess, MaxAge: int(of.MaxAge.Seconds()),
		SameSite: sameSites[strings.ToLower(cmp.Or(c.sameSite, of.SameSite))],
		Secure:   of.Secure == site.On || of.From("Secure") == site.Source{}}
	c.path = cmp.Or(c.path, of.Path, "/")
	c.domain = cmp.Or(c.domain, of.Domain)
	c.cookie = cmp.Or(c.cookie, of.Name)
	c.chunkSize = cmp.Or(c.chunkSize, of.ChunkSize)
	if strings.ContainsAny(c.cookie+c.path, "'\"") {
		return usageError("the web.config names the cookie or its path with quotes: say -cookie and -path")
	}
	return nil
}

// make issues the credential.
func (c *issue) make(ctx context.Context, farm *codecs, p sessiontoken.Principal) (issued, error) {
	p.Identities[0].AuthenticationType = c.authType
	switch {
	case c.kind == site.Forms:
		codec, err := farm.forms()
		if err != nil {
			return issued{}, err
		}
		t := codec.NewTicket(c.user, c.userData)
		t.Persistent, t.CookiePath = c.persistent, c.path
		text, err := codec.Encode(ctx, t)
		return issued{text, t.IssueDate, t.Expiration, c.user}, err
	case c.kind == site.Anonymous:
		codec, err := farm.anonymous(farm.now)
		if err != nil {
			return issued{}, err
		}
		id := codec.NewID()
		id.ID = cmp.Or(c.user, id.ID)
		text, err := codec.Encode(ctx, id)
		return issued{text, time.Now().UTC(), id.Expires, "visitor " + id.ID}, err
	case c.kind.IsKatana():
		codec, err := farm.katana(c.kind, c.authType)
		if err != nil {
			return issued{}, err
		}
		t := codec.NewTicket(p.Identities[0], nil)
		return c.ticket(&t.Properties, func() (string, error) { return codec.Encode(ctx, t) })
	case c.kind.IsCore():
		codec, err := farm.coreCodec(c.kind, c.keys.scheme)
		if err != nil {
			return issued{}, err
		}
		t := codec.NewTicket(&p, nil)
		return c.ticket(&t.Properties, func() (string, error) { return codec.Encode(ctx, t) })
	}
	codec, err := farm.session(c.kind)
	if err != nil {
		return issued{}, err
	}
	t, err := codec.NewToken(p)
	if err != nil {
		return issued{}, err
	}
	t.Persistent = c.persistent
	text, err := codec.Encode(ctx, t)
	return issued{text, t.ValidFrom, t.ValidTo, c.user}, err
}

// ticket adds the properties of the flags to those of a new ticket, and issues it.
func (c *issue) ticket(
	properties *sessiontoken.Properties, encode func() (string, error),
) (issued, error) {
	for _, text := range c.properties {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return issued{}, usageError(fmt.Sprintf("-property %q: write KEY=VALUE", text))
		}
		properties.Set(name, value)
	}
	if c.persistent {
		properties.Set(sessiontoken.PropertyPersistent, "")
	}
	text, err := encode()
	from, ok := properties.Time(sessiontoken.PropertyIssued)
	if !ok { // a bearer token of ASP.NET Core
		from = time.Now().UTC().Truncate(time.Second)
	}
	to, _ := properties.Time(sessiontoken.PropertyExpires)
	return issued{text, from, to, c.user}, err
}

// principal is the user that the flags describe.
func (c *issue) principal() (p sessiontoken.Principal, notes []string, err error) {
	claims := []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: c.user}}
	for _, role := range c.roles {
		claims = append(claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: role})
	}
	for _, text := range c.claims {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return p, nil, usageError(fmt.Sprintf("-claim %q: write TYPE=VALUE", text))
		}
		uri, known := claimURI(name)
		if !known {
			notes = append(notes,
				fmt.Sprintf("the claim type %q is neither a URI nor a short name; it was written unchanged", name))
		}
		claims = append(claims, sessiontoken.Claim{Type: uri, Value: value})
	}
	return sessiontoken.Principal{Identities: []sessiontoken.Identity{{Claims: claims}}}, notes, nil
}
