package cookie

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// ErrNoneAccepted means that a site has no credential that another machine can
// read. The text of the error says what was looked for, and why
// each was not accepted.
var ErrNoneAccepted = errors.New("cookie: the site has no credential to accept")

// Site is what decides about the credentials of one site: the keys, the sessions
// that users can sign in to, and the guard that accepts them. [LoadSite] makes it
// from a web.config, [NewSite] from keys and settings in Go. It is safe for
// concurrent use as far as its guard is.
type Site struct {
	// Guard accepts the credentials of the site. [Guard.Accept] adds others.
	Guard

	path      string // empty unless it can be watched
	fsys      fs.FS  // where path is, nil for the machine's disks
	o         SiteOptions
	ring      *machinekey.Ring  // nil without machine keys
	keys      sessiontoken.Keys // of MachineKey.Protect: ring, or a key ring in its place
	sessions  []*Sessions
	sq        *SQSession
	decisions site.Decisions
}

// SiteOptions are what a web.config does not say. Nil and the zero value are
// fine for FedAuth and forms tickets.
type SiteOptions struct {
	// Older are the names of earlier web.configs, the latest first: paths, or
	// files beside the one of LoadSiteFS. Their keys,
	// each in the mode of its own file, are read with and never written with,
	// and sessions that they open are issued again with the key of the site.
	// Nothing else in these files counts.
	Older []string
	// Next are the names of web.configs to come. Their keys are read with, as
	// some nodes may have them already, and what they open is left as it is.
	Next []string
	// Credentials are what the file does not say, as .NET has it in code, or says
	// otherwise: Katana's cookies and access tokens are accepted only if they are
	// here, and SQSession is left to the product unless it is.
	Credentials []Credential
	// DataProtection is the key ring of ASP.NET Core: that of cookies and tokens
	// of ASP.NET Core in Credentials, and of a web.config that names the class
	// CompatibilityDataProtector. Such a site has the application name of its
	// <machineKey>, or else the one that the ring was opened with.
	DataProtection *dataprotection.Ring
	// Sessions is what holds for every cookie. Its Store also holds the session
	// tokens in reference mode. Its Logger is that of the guard too, and gets every
	// decision at the start, one record each with "from", "what", "why", "accepted"
	// if it is about a credential and, where an element decided, "line": warnings
	// at Warn, the others at Info.
	// Sliding and MaxLifetime hold unless a Credential says otherwise; SQSession has its
	// own. What differs between cookies, Cookie, ChunkSize and PersistentLifetime,
	// is an error here: say it in Credentials.
	Sessions SessionsOptions
	// Roles makes role claims from the user data of forms tickets; see
	// [sessiontoken.FormsOptions].
	Roles func(userData string) []string
	// Bridge carries users between a cookie of System.Web and one of ASP.NET Core.
	Bridge *BridgeOptions
	// Config changes what each file says of its keys, or cfg of NewSite, before
	// [machinekey.New] sees it: it sets what no file can, such as AllowInsecure,
	// AllowKnownKey and KnownKeys. AllowInsecure also admits the switches of
	// <appSettings> that weaken forms tickets. [Site.Watch] calls it too.
	Config func(*machinekey.Config)
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// LoadSite sets up what the web.config of a .NET site says: the keys, and a guard
// for the credentials.
//
//	accepted                  if the file has
//	FedAuth, WIF 4.5          <system.identityModel> or <system.identityModel.services>
//	                          with MachineKeySessionSecurityTokenHandler
//	FedAuth, WIF 1.0          <microsoft.identityModel> with Thinktecture's handler
//	Forms                     <authentication mode="Forms">
//	Katana, Bearer, Core      nothing: they are asked for in SiteOptions.Credentials
//	SQSession                 <sequence.engine>, and it is asked for there
//
// They are tried in this order. A credential that no other machine can read,
// such as session tokens under DPAPI, or that a class of the site's own
// writes, is not accepted, and [Site.String] says why. If none is left, the
// error matches [ErrNoneAccepted].
//
// A fault in any section that concerns cookies is a [*machinekey.ConfigError]
// with its line, as .NET would not start either. Its codes are those of
// [machinekey.LoadWebConfig], and invalid_timeout, invalid_timespan,
// invalid_chunk_size, session_handler_not_removed, invalid_cookie_name, and
// insecure_algorithm, insecure_setting, known_key and weak_key for what needs
// SiteOptions.Config.
//
// Settings of machine.config and of parent sites are not seen. requireSSL is
// not enforced: whether the browser used TLS is known to the proxy in front.
func LoadSite(path string, o *SiteOptions) (*Site, error) {
	s, err := buildSite(path, site.Load, site.Load, nil, o)
	if err == nil {
		s.path = path
	}
	return s, err
}

// LoadSiteFS is [LoadSite] for a file of fsys. A configSource may lead to any
// file of fsys, unlike in .NET: with os.Root.FS of the folder above, as for a
// ConfigMap and a Secret of Kubernetes that are mounted side by side. [Site.Watch]
// follows fsys.
func LoadSiteFS(fsys fs.FS, name string, o *SiteOptions) (*Site, error) {
	load := func(name string, so *site.Options) (*site.Site, error) {
		return site.LoadFS(fsys, name, so)
	}
	s, err := buildSite(name, load, load, nil, o)
	if err == nil {
		s.path, s.fsys = name, fsys
	}
	return s, err
}

// ParseSite is [LoadSite] for a web.config that stands alone: a configSource is
// an error. [Site.Watch] cannot follow it.
func ParseSite(r io.Reader, o *SiteOptions) (*Site, error) {
	parse := func(name string, so *site.Options) (*site.Site, error) { return site.Parse(name, r, so) }
	return buildSite("web.config", parse, site.Load, nil, o)
}

// NewSite sets up a site without a web.config, from keys that are kept elsewhere
// and SiteOptions.Credentials, which name all that is accepted; each has the
// defaults of .NET. A zero cfg is a site with SiteOptions.DataProtection alone;
// credentials of .NET Framework are then as with CompatibilityDataProtector.
//
// When the keys change, give them to [machinekey.Ring.Replace] of [Site.Ring].
func NewSite(cfg machinekey.Config, o *SiteOptions) (*Site, error) {
	of := func(name string, so *site.Options) (*site.Site, error) {
		if so.Ring != nil && cfg.ValidationKey.Len() == 0 && cfg.DecryptionKey.Len() == 0 {
			return site.New(site.RingAlone(so.Ring), so)
		}
		return site.New(site.Key{MachineKey: webconfig.MachineKey{Validation: string(cfg.Validation),
			Decryption: string(cmp.Or(cfg.Decryption, machinekey.Auto)),
			Mode:       string(cfg.Mode), ModeFrom: name}}, so)
	}
	return buildSite("the options", of, site.Load, &cfg, o)
}

// Ring returns the machine keys of the site, nil if it has a key ring of ASP.NET
// Core alone. The guard follows its changes.
func (s *Site) Ring() *machinekey.Ring { return s.ring }

// Sessions returns what users sign in to: the sessions of the site's first
// cookie, in the order of [LoadSite]; nil if there is none that can be issued.
func (s *Site) Sessions() *Sessions {
	for _, one := range s.sessions {
		if one.never == nil {
			return one
		}
	}
	return nil
}

// SessionsOf returns the sessions of the cookie of that name, if it can be
// issued.
func (s *Site) SessionsOf(name string) (*Sessions, bool) {
	for _, one := range s.sessions {
		if one.never == nil && one.template.Name == name {
			return one, true
		}
	}
	return nil, false
}

// SignOut is [Sessions.SignOut] for every cookie of the site. If a store fails,
// nothing is written.
func (s *Site) SignOut(w http.ResponseWriter, r *http.Request) error {
	for _, one := range s.sessions {
		if err := one.signOut(r); err != nil {
			return err
		}
	}
	for _, one := range s.sessions { // without the store
		if err := one.writeSignOut(w, r); err != nil {
			return err
		}
	}
	if _, err := r.Cookie(markerName); s.bridge != nil && err == nil {
		return s.bridge.writeMarker(w, r, nil, false)
	}
	return nil
}

// SQSession returns the session of Cora SeQuence, and false if the file has
// none, or does not tell the name of its cookie and the options do not either.
func (s *Site) SQSession() (*SQSession, bool) { return s.sq, s.sq != nil }

// Watch follows the keys of the file until ctx is done, and returns its error;
// see [machinekey.Watch]. Other settings are read once: changes of them need a
// new start. A changed and a broken file are logged with SessionsOptions.Logger. Nil
// options are those of LoadSite. A key ring of ASP.NET Core in the place of the
// keys follows its repository by itself: Watch then only waits.
func (s *Site) Watch(ctx context.Context, o *machinekey.WatchOptions) error {
	if s.path == "" {
		return errors.New("cookie: only a site of LoadSite or LoadSiteFS has a file to watch")
	}
	if s.ring == nil || s.keys != sessiontoken.Keys(s.ring) {
		<-ctx.Done()
		return ctx.Err()
	}
	var w machinekey.WatchOptions
	if o != nil {
		w = *o
	}
	w.FS = s.fsys
	change := w.Config
	w.Config = func(cfg *machinekey.Config) {
		for _, change := range []func(*machinekey.Config){s.o.Config, change} {
			if change != nil {
				change(cfg)
			}
		}
	}
	if logger := s.o.Sessions.Logger; logger != nil {
		onChange, onError := w.OnChange, w.OnError
		w.OnChange = func(old, now *machinekey.Key) {
			logger.LogAttrs(ctx, slog.LevelInfo, "cookie: machine key changed",
				slog.String("old", old.ID()), slog.String("now", now.ID()))
			if onChange != nil {
				onChange(old, now)
			}
		}
		w.OnError = func(err error) {
			logger.LogAttrs(ctx, slog.LevelError, "cookie: bad key file, the keys stay as they are",
				slog.Any("error", err))
			if onError != nil {
				onError(err)
			}
		}
	}
	return machinekey.Watch(ctx, s.ring, s.path, &w)
}

// String explains every decision with its line in the file, one line each and
// without any key:
//
//	mode     Framework45, by targetFramework (line 9)
//	FedAuth  accepted: cookie "FedAuth", … (line 30)
func (s *Site) String() string { return s.decisions.String() }

// logDecisions logs what was decided about the site that was made of name.
func (s *Site) logDecisions(name string) {
	logger := s.o.Sessions.Logger
	if logger == nil {
		return
	}
	for _, d := range s.decisions {
		level := slog.LevelInfo
		if d.What == "warning" {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("from", name), slog.String("what", d.What)}
		if d.Accepted != nil {
			attrs = append(attrs, slog.Bool("accepted", *d.Accepted))
		}
		if d.Line > 0 {
			attrs = append(attrs, slog.Int("line", d.Line))
		}
		logger.LogAttrs(context.Background(), level, "cookie: site",
			append(attrs, slog.String("why", d.Why))...)
	}
}

// LogValue implements [slog.LogValuer]. The value is String in text; in JSON it
// is a list of the decisions, each with the attributes of its record.
func (s *Site) LogValue() slog.Value { return slog.AnyValue(s.decisions) }
