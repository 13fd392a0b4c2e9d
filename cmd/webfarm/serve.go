package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/gateway"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// defaultNoteBytes is the default of sessiontoken.MemoryOptions.MaxNoteBytes.
const defaultNoteBytes = 256 << 20

// serve is the subcommand of that name.
type serve struct {
	keys    keyFlags // -config, once
	gateway gateway.Options
	running gateway.RunOptions

	types  []string
	roles  formsRoles // in the user data of forms tickets
	bearer bool
	bridge []string
	claims []string

	listen, admin   string
	upstream, store string
	sliding, format string
	inspectAllow    bool
	demoSignIn      bool
	noteBytes       int64
	listening       func(public, admin string) // if not nil, gets the addresses; for tests
}

func (s *serve) define(flags *pflag.FlagSet) {
	s.keys.define(flags)
	flags.BoolVar(&s.keys.allowKnown, "allow-known-key", false, "")
	flags.BoolVar(&s.keys.allowWeak, "allow-weak-key", false, "")
	s.keys.defineRing(flags)
	duration(flags, &s.keys.keepAhead, "keep-ahead", 0)
	o := &s.gateway
	flags.StringArrayVar(&o.Site.Older, "older", nil, "")
	flags.StringArrayVar(&o.Site.Next, "next", nil, "")
	flags.StringArrayVar(&s.types, "auth-type", nil, "")
	flags.BoolVar(&s.bearer, "bearer", false, "")
	flags.Func("forms-roles", "", s.roles.set)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9090", "")
	flags.StringVar(&o.Headers.User, "user-header", gateway.DefaultUserHeader, "")
	flags.StringVar(&o.Headers.Roles, "roles-header", gateway.DefaultRolesHeader, "")
	flags.StringArrayVar(&s.claims, "claim-header", nil, "")
	flags.StringArrayVar(&o.Headers.OnlyRoles, "only-role", nil, "")
	flags.StringArrayVar(&o.RequireRoles, "require-role", nil, "")
	flags.StringVar(&o.SignIn.URL, "login-url", "", "")
	flags.StringVar(&o.SignIn.Param, "login-param", "", "")
	flags.StringArrayVar(&o.SignIn.Hosts, "return-host", nil, "")
	flags.StringVar(&s.upstream, "upstream", "", "")
	flags.BoolVar(&o.Anonymous, "anonymous", false, "")
	flags.BoolVar(&o.TrustForwarded, "trust-forwarded", false, "")
	flags.StringArrayVar(&s.bridge, "bridge", nil, "")
	flags.StringVar(&s.store, "store", "", "")
	flags.Int64Var(&s.noteBytes, "note-bytes", defaultNoteBytes, "")
	flags.StringVar(&s.sliding, "sliding", "", "")
	duration(flags, &o.Site.Sessions.MaxLifetime, "max-lifetime", 0)
	flags.BoolVar(&s.inspectAllow, "inspect-allow", false, "")
	flags.BoolVar(&s.demoSignIn, "insecure-demo-signin", false, "")
	duration(flags, &s.running.Drain, "drain", 2*time.Second)
	duration(flags, &s.running.Timeout, "shutdown-timeout", 10*time.Second)
	duration(flags, &o.Interval, "watch", 10*time.Second)
	flags.IntVar(&o.Limits.HeaderBytes, "max-header-bytes", 64<<10, "")
	duration(flags, &o.Limits.BodyIdle, "body-idle", time.Minute)
	flags.StringVar(&s.format, "log-format", "text", "")
}

func (s *serve) run(ctx context.Context, _ []string, std streams) error {
	logger, err := s.logger(std)
	if err != nil {
		return err
	}
	s.keys.onRefresh = func(err error) {
		if err != nil {
			logger.Error("webfarm: bad key ring, the keys stay as they are", slog.Any("error", err))
		}
	}
	switch {
	case s.keys.keepAhead > 0 && s.keys.keys == "":
		return usageError("-keep-ahead goes with -keys")
	case s.keys.keepAhead >= keyLifetime:
		return usageError("-keep-ahead must be less than the 90d for which a key lives")
	}
	if err := s.keys.oneSite(ctx, std.in); err != nil {
		return err
	}
	if s.keys.keepAhead > 0 && len(s.keys.certificates) == 0 {
		logger.Warn("webfarm: the keys that -keep-ahead makes are not encrypted at rest; " +
			"-certificate encrypts them")
	}
	o, err := s.options(logger)
	if err != nil {
		return err
	}
	g, err := gateway.New(o)
	if err != nil {
		return setupError{err}
	}

	run := s.running
	if run.Public, err = net.Listen("tcp", s.listen); err != nil {
		return setupError{fmt.Errorf("webfarm: -listen: %w", err)}
	}
	defer run.Public.Close()
	admin := ""
	if s.admin != "" {
		if run.Admin, err = net.Listen("tcp", s.admin); err != nil {
			return setupError{fmt.Errorf("webfarm: -admin: %w", err)}
		}
		defer run.Admin.Close()
		admin = run.Admin.Addr().String()
	}
	public := run.Public.Addr().String()
	logger.Info("webfarm: listening", slog.String("address", public), slog.String("admin", admin))
	if s.listening != nil {
		s.listening(public, admin)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return g.Run(ctx, run)
}

// logger returns the log.
func (s *serve) logger(std streams) (*slog.Logger, error) {
	o := &slog.HandlerOptions{ReplaceAttr: flagAttr}
	switch {
	case std.json || s.format == "json":
		return slog.New(slog.NewJSONHandler(std.err, o)), nil
	case s.format == "text":
		return slog.New(slog.NewTextHandler(std.err, o)), nil
	}
	return nil, usageError(fmt.Sprintf("-log-format %q: text or json", s.format))
}

// options puts the flags together.
func (s *serve) options(logger *slog.Logger) (o gateway.Options, err error) {
	o = s.gateway
	o.Logger, o.Text = logger, inFlags
	o.Site.DataProtection, o.Site.Config = s.keys.ring, s.keys.admit
	o.Site.Roles = s.roles.reader()
	o.Site.Credentials = s.keys.list()
	for _, t := range s.types {
		o.Site.Credentials = append(o.Site.Credentials,
			cookie.Credential{Kind: cookie.KindKatana, AuthenticationType: t})
	}
	if s.bearer {
		o.Site.Credentials = append(o.Site.Credentials, cookie.Credential{Kind: cookie.KindBearer})
	}
	if len(s.keys.config) > 0 {
		if o.File, err = s.keys.file(s.keys.config[0]); err != nil {
			return o, err
		}
	}
	for _, names := range [][]string{o.Site.Older, o.Site.Next} {
		for i := range names {
			if names[i] == "" {
				return o, usageError("-older or -next is empty: the name of a web.config")
			}
			if names[i], err = s.keys.below(names[i]); err != nil {
				return o, err
			}
		}
	}
	switch s.sliding {
	case "":
	case "on":
		o.Site.Sessions.Sliding = cookie.On
	case "off":
		o.Site.Sessions.Sliding = cookie.Off
	default:
		return o, usageError(fmt.Sprintf("-sliding %q: on or off", s.sliding))
	}
	if len(s.bridge) > 0 {
		o.Site.Bridge = new(cookie.BridgeOptions)
		if !slices.Equal(s.bridge, []string{"both"}) {
			o.Site.Bridge.From = s.bridge
		}
	}
	switch s.store {
	case "":
	case "memory":
		// Bounded only in bytes: an entry that is dropped for lack of room is a forgotten sign-out.
		o.Site.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{
			MaxEntries: -1, MaxNoteBytes: s.noteBytes,
		})
	default:
		return o, usageError(fmt.Sprintf("-store %q: memory, or none", s.store))
	}
	for _, text := range s.claims {
		name, claim, ok := strings.Cut(text, "=")
		uri, isType := claimURI(claim)
		if !ok || !isType {
			return o, usageError(fmt.Sprintf("-claim-header %q: NAME=TYPE, with a URI or one of %s",
				text, claimNames()))
		}
		o.Headers.Claims = append(o.Headers.Claims, gateway.ClaimHeader{Name: name, Type: uri})
	}
	if s.upstream != "" {
		if o.Upstream, err = url.Parse(s.upstream); err != nil {
			return o, usageError("-upstream is not a URL")
		}
	} else if o.Anonymous || o.TrustForwarded {
		return o, usageError("-anonymous and -trust-forwarded go with -upstream")
	}
	if s.store == "" && s.noteBytes != defaultNoteBytes {
		return o, usageError("-note-bytes goes with -store memory")
	}
	if s.noteBytes <= 0 || o.Interval <= 0 || s.running.Timeout <= 0 ||
		o.Limits.HeaderBytes <= 0 || o.Limits.BodyIdle <= 0 {
		return o, usageError("a duration or number is out of range")
	}
	if s.demoSignIn && !isLoopbackHost(s.listen) {
		return o,
			usageError("-insecure-demo-signin needs -listen on the loopback interface, such as 127.0.0.1:8080")
	}
	if s.inspectAllow && s.keys.allowInsecure {
		// Unsigned cookies are decrypted unchecked. The layers shown would help a forger.
		return o, usageError("-inspect-allow does not go with -allow-insecure")
	}
	o.Page = func(g *gateway.Gateway) (http.Handler, error) {
		if s.demoSignIn && g.Site().Sessions() == nil {
			return nil,
				usageError("-insecure-demo-signin: the site has no cookie that can be issued")
		}
		_, site, files, err := s.keys.load()
		if err != nil {
			return nil, err
		}
		p := &gatewayPages{gateway: g, keys: s.keys, site: site,
			allow: s.inspectAllow, roles: s.roles, signIn: s.demoSignIn, log: logger, files: files}
		return p.handler(), nil
	}
	return o, nil
}
