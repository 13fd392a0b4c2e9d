package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func serveCommand() command {
	return command{"serve", "tell nginx, Traefik or Envoy who the user is, or be the proxy itself",
		func(flags *pflag.FlagSet) action {
			s := new(serve)
			s.define(flags)
			return noArguments(s.run)
		}}
}

// defaultNoteBytes is the default of sessiontoken.MemoryOptions.MaxNoteBytes.
const defaultNoteBytes = 256 << 20

// serve is the subcommand of that name.
type serve struct {
	keys   keyFlags // -config, once
	older  []string
	next   []string
	types  []string
	roles  formsRoles // in the user data of forms tickets
	bearer bool
	bridge []string

	listen, admin string
	userHeader    string
	rolesHeader   string
	claims        []string
	onlyRoles     []string
	require       []string
	login         gateway.SignInOptions
	hosts         []string

	upstream  string
	anonymous bool
	trust     bool

	store   string
	sliding string
	maxLife time.Duration

	inspectAllow bool
	demoSignIn   bool
	drain, end   time.Duration
	interval     time.Duration
	maxHeader    int
	bodyIdle     time.Duration
	noteBytes    int64
	format       string
	json         bool
	// listening, if not nil, gets the addresses; for tests.
	listening func(public, admin string)
}

func (s *serve) define(flags *pflag.FlagSet) {
	s.keys.define(flags)
	flags.BoolVar(&s.keys.allowKnown, "allow-known-key", false, "")
	flags.BoolVar(&s.keys.allowWeak, "allow-weak-key", false, "")
	s.keys.defineRing(flags)
	flags.StringVar(&s.keys.cookie, "cookie", "", "")
	flags.StringArrayVar(&s.older, "older", nil, "")
	flags.StringArrayVar(&s.next, "next", nil, "")
	flags.StringArrayVar(&s.types, "auth-type", nil, "")
	flags.BoolVar(&s.bearer, "bearer", false, "")
	flags.Func("forms-roles", "", s.roles.set)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9090", "")
	flags.StringVar(&s.userHeader, "user-header", gateway.DefaultUserHeader, "")
	flags.StringVar(&s.rolesHeader, "roles-header", gateway.DefaultRolesHeader, "")
	flags.StringArrayVar(&s.claims, "claim-header", nil, "")
	flags.StringArrayVar(&s.onlyRoles, "only-role", nil, "")
	flags.StringArrayVar(&s.require, "require-role", nil, "")
	flags.StringVar(&s.login.URL, "login-url", "", "")
	flags.StringVar(&s.login.Param, "login-param", "", "")
	flags.StringArrayVar(&s.hosts, "return-host", nil, "")
	flags.StringVar(&s.upstream, "upstream", "", "")
	flags.BoolVar(&s.anonymous, "anonymous", false, "")
	flags.BoolVar(&s.trust, "trust-forwarded", false, "")
	flags.StringArrayVar(&s.bridge, "bridge", nil, "")
	flags.StringVar(&s.store, "store", "", "")
	flags.Int64Var(&s.noteBytes, "note-bytes", defaultNoteBytes, "")
	flags.StringVar(&s.sliding, "sliding", "", "")
	flags.DurationVar(&s.maxLife, "max-lifetime", 0, "")
	flags.BoolVar(&s.inspectAllow, "inspect-allow", false, "")
	flags.BoolVar(&s.demoSignIn, "insecure-demo-signin", false, "")
	flags.DurationVar(&s.drain, "drain", 2*time.Second, "")
	flags.DurationVar(&s.end, "shutdown-timeout", 10*time.Second, "")
	flags.DurationVar(&s.interval, "watch", 10*time.Second, "")
	flags.IntVar(&s.maxHeader, "max-header-bytes", 64<<10, "")
	flags.DurationVar(&s.bodyIdle, "body-idle", time.Minute, "")
	flags.StringVar(&s.format, "log-format", "text", "")
	flags.BoolVar(&s.json, "json", false, "")
}

func (s *serve) run(ctx context.Context, std streams) error {
	logger, err := s.logger(std.err)
	if err != nil {
		return err
	}
	s.keys.onRefresh = func(err error) {
		if err != nil {
			logger.Error("webfarm: bad key ring, the keys stay as they are", slog.Any("error", err))
		}
	}
	if err := s.keys.oneSite(ctx, std.in); err != nil {
		return err
	}
	o, err := s.options(logger)
	if err != nil {
		return err
	}
	g, err := gateway.New(o)
	if err != nil {
		var reported usageError
		if errors.As(err, &reported) {
			return err
		}
		return setupError{err}
	}

	run := gateway.RunOptions{Drain: s.drain, Timeout: s.end}
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
func (s *serve) logger(w io.Writer) (*slog.Logger, error) {
	o := &slog.HandlerOptions{ReplaceAttr: flagAttr}
	switch {
	case s.json || s.format == "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case s.format == "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, usageError(fmt.Sprintf("-log-format %q: text or json", s.format))
}

// credentials are the credentials of the flags.
func (s *serve) credentials() []cookie.Credential {
	list := s.keys.list()
	for _, t := range s.types {
		list = append(list, cookie.Credential{Kind: cookie.KindKatana, AuthenticationType: t})
	}
	if s.bearer {
		list = append(list, cookie.Credential{Kind: cookie.KindBearer})
	}
	return list
}

// options puts the flags together.
func (s *serve) options(logger *slog.Logger) (gateway.Options, error) {
	var o gateway.Options
	known, err := loadKnown(s.keys.knownKeys)
	if err != nil {
		return o, err
	}
	o = gateway.Options{
		Site: cookie.SiteOptions{
			DataProtection: s.keys.ring, Older: s.older, Next: s.next, Credentials: s.credentials(), Roles: s.roles.reader(),
			Config:   s.keys.admit(known),
			Sessions: cookie.SessionsOptions{MaxLifetime: s.maxLife},
		},
		Headers:        gateway.HeaderOptions{User: s.userHeader, Roles: s.rolesHeader, OnlyRoles: s.onlyRoles},
		RequireRoles:   s.require,
		SignIn:         s.login,
		Anonymous:      s.anonymous,
		TrustForwarded: s.trust,
		Watch:          machinekey.WatchOptions{Interval: s.interval},
		Limits:         gateway.Limits{HeaderBytes: s.maxHeader, BodyIdle: s.bodyIdle},
		Logger:         logger,
	}
	if len(s.keys.config) > 0 {
		if o.File, err = s.keys.file(s.keys.config[0]); err != nil {
			return o, err
		}
	}
	for _, names := range []*[]string{&o.Site.Older, &o.Site.Next} {
		if *names, err = s.keys.allBelow(*names); err != nil {
			return o, err
		}
	}
	o.SignIn.Hosts = s.hosts
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
		o.Site.Bridge = &cookie.BridgeOptions{From: s.bridge}
		if slices.Equal(s.bridge, []string{"both"}) {
			o.Site.Bridge.From = nil
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
	} else if s.anonymous || s.trust {
		return o, usageError("-anonymous and -trust-forwarded go with -upstream")
	}
	if s.store == "" && s.noteBytes != defaultNoteBytes {
		return o, usageError("-note-bytes goes with -store memory")
	}
	if s.noteBytes <= 0 || s.interval <= 0 || s.drain < 0 || s.end <= 0 || s.maxLife < 0 ||
		s.maxHeader <= 0 || s.bodyIdle <= 0 {
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
