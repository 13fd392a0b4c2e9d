package site

import (
	"errors"
	"io"
	"io/fs"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// Infinite is the time span that .NET writes as "Infinite".
const Infinite = webconfig.Infinite

// NotAsked is why a credential is refused that neither a file nor Options name.
const NotAsked = "not asked for"

// Site is everything that decides about the credentials of one site. It is not
// changed after it was made.
type Site struct {
	File string // the name of the web.config as it was given, empty without one
	Key  Key
	// Session is the session of Windows Identity Foundation, in the generation
	// that the site has. It and the next three are always there, with .NET's
	// defaults where the site has none of them; On says whether it does.
	Session, Forms, Roles, Anonymous *Credential

	Katana      []*Credential            // in the order of Options
	Core        []*Credential            // cookies of ASP.NET Core and, of the kind Bearer, tokens of AddBearerToken
	Bearer      *Credential              // access token of Katana, nil unless Options ask for it
	SQSession   *Credential              // of Cora SeQuence, nil for a site without it
	HTTPCookies webconfig.HTTPCookies    // the defaults of other cookies
	AppSettings webconfig.AppSettings    // the switches, as they stand in the file
	Locations   []webconfig.CoraLocation // with settings of their own for SQSession
	Warnings    []webconfig.Warning      // of all sections, in the order of reading
	// Faults are what .NET would not start with, in that order too. The
	// settings have the defaults in their place.
	Faults []*webconfig.Error

	every []Settings // of Options, for every sign-in
	// The lines of <modules> that remove what reads forms tickets and sessions.
	formsRemoved, sessionRemoved int
}

// Options are what is said in Go.
type Options struct {
	// Credentials are the settings that the file does not have, or other ones.
	// What is said of a credential replaces what the file says of it, and has
	// the site accept one that the file does not know. Settings without a Kind
	// are for all sign-ins but SQSession, as far as they count for each.
	Credentials []Settings
	// Ring is what there is to know of the key ring of Data Protection that the
	// site has, nil without one.
	Ring *Ring
}

// Ring is a key ring of ASP.NET Core's Data Protection.
type Ring struct {
	ApplicationName string // with which the ring was opened
}

// Load resolves the web.config at path. Every file is opened once. A
// configSource is looked up below the folder of the file and cannot lead out of
// it, not even by a symbolic link.
//
// The error is a [*webconfig.Error] for a file that cannot be read at all, and
// an [*OptionError]. A fault in a section is kept; see [Site.Err].
func Load(path string, o *Options) (*Site, error) {
	f, err := webconfig.Load(path)
	return resolve(path, f, err, o)
}

// LoadFS is Load for a file of fsys.
func LoadFS(fsys fs.FS, name string, o *Options) (*Site, error) {
	f, err := webconfig.LoadFS(fsys, name)
	return resolve(name, f, err, o)
}

// Parse is Load for one file as a reader, called name in reports. It has no
// files beside it, so a configSource is a fault.
func Parse(name string, r io.Reader, o *Options) (*Site, error) {
	f, err := webconfig.Parse(r, nil)
	return resolve(name, f, err, o)
}

// New resolves a site without a file: a key, whose mode was decided already,
// and what is said in Go.
func New(key Key, o *Options) (*Site, error) {
	s := newSite("")
	s.Key = key
	return s, s.finish(o)
}

func newSite(name string) *Site {
	s := &Site{File: name, Session: newCredential(FedAuth), Forms: newCredential(Forms),
		Roles: newCredential(Roles), Anonymous: newCredential(Anonymous)}
	for _, c := range s.Credentials() {
		c.refuse(0, NotAsked)
	}
	s.HTTPCookies.SameSite = "Unspecified"
	return s
}

// resolve reads the sections of a file that could be read.
func resolve(name string, f *webconfig.File, err error, o *Options) (*Site, error) {
	if err != nil {
		return nil, err
	}
	s := newSite(name)
	s.warn(nil, f.Warnings())
	if o == nil {
		o = new(Options)
	}
	s.readKey(f, o.Ring)
	if s.AppSettings, err = f.AppSettings(); s.fault(err) == nil {
		s.warn(nil, s.AppSettings.Warnings)
	}
	for _, c := range []*Credential{s.Forms, s.Roles, s.Anonymous} {
		c.Unsigned = s.legacySwitch(webconfig.UseLegacyEncryption)
	}
	s.Forms.OldLayout = s.AppSettings.Switch(webconfig.UseLegacyFormsTicket) // in every mode
	authentication, err := f.Authentication()
	s.fault(err)
	if cookies, err := f.HTTPCookies(); s.fault(err) == nil {
		s.HTTPCookies = cookies
	}
	for _, c := range s.Credentials() {
		c.inherit(s.HTTPCookies)
	}
	if err == nil {
		s.readForms(authentication)
	}
	s.formsRemoved, s.sessionRemoved = f.ModuleRemoved(webconfig.FormsModule), f.ModuleRemoved(webconfig.SessionModule)
	s.readSession(f)
	s.readCora(f)
	s.readCookie(f, s.Roles, "roleManager")
	s.readCookie(f, s.Anonymous, "anonymousIdentification")
	if err := s.finish(o); err != nil {
		return nil, err
	}
	return s, nil
}

// fault keeps what .NET would not start with.
func (s *Site) fault(err error) *webconfig.Error {
	if err == nil {
		return nil
	}
	var bad *webconfig.Error
	if !errors.As(err, &bad) { // unreachable: webconfig has no other errors
		bad = &webconfig.Error{Code: webconfig.CodeUnreadable, Err: err}
	}
	s.Faults = append(s.Faults, bad)
	return bad
}

// warn keeps warnings, those of one credential with it too.
func (s *Site) warn(c *Credential, list []webconfig.Warning) {
	s.Warnings = append(s.Warnings, list...)
	if c != nil {
		c.Warnings = append(c.Warnings, list...)
	}
}

// Err returns the first fault, nil if .NET would start.
func (s *Site) Err() error {
	if len(s.Faults) > 0 {
		return s.Faults[0]
	}
	return nil
}

// Credentials returns those of the site, in the order in which they are tried.
func (s *Site) Credentials() []*Credential {
	list := []*Credential{s.Session, s.Forms, s.Roles, s.Anonymous}
	list = append(append(list, s.Katana...), s.Core...)
	for _, c := range []*Credential{s.Bearer, s.SQSession} {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}
