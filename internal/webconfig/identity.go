package webconfig

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// The two generations of Windows Identity Foundation.
const (
	SchemaWIF45 = "wif45" // System.IdentityModel, part of .NET 4.5
	SchemaWIF10 = "wif10" // Microsoft.IdentityModel, for .NET 3.5 and 4.0
)

// Infinite is the time span that .NET writes as "Infinite"
// (System.TimeSpan.MaxValue).
const Infinite time.Duration = math.MaxInt64

// Identity says how the site reads and writes tokens. It is the default
// configuration of WIF, which passive federation uses, with all defaults
// filled in:
//
//	4.5   <system.identityModel><identityConfiguration>
//	1.0   <microsoft.identityModel><service>
type Identity struct {
	// Schema is SchemaWIF45 or SchemaWIF10.
	Schema string
	// SaveBootstrap says that session tokens carry the token of the sign-in.
	SaveBootstrap bool
	// MaximumClockSkew is allowed for when the validity of a token is judged.
	// It may be [Infinite].
	MaximumClockSkew time.Duration
	// ReplayDetection is <tokenReplayDetection enabled>, and ReplayPeriod its
	// expirationPeriod, [Infinite] by default.
	ReplayDetection bool
	ReplayPeriod    time.Duration
	// AudienceMode is one of Always, BearerKeyOnly, Never.
	AudienceMode string
	// AudienceURIs are the audiences that tokens of a sign-in may be for.
	AudienceURIs []string
	// Session is the handler of session tokens; its Type is empty if there is
	// none.
	Session SessionHandler
	// SessionCacheType is the class of the cache of session tokens with its
	// assembly, as written; empty for the built-in one. It matters in reference
	// mode only.
	SessionCacheType string
	// Line is the line of the element, or of a section that implies it.
	Line int
}

// identityModel45 reads <system.identityModel>. wanted is the name of the
// configuration that <federationConfiguration> asks for, empty for the
// default; by is that section.
func (f *File) identityModel45(wanted string, by *Section) (*Identity, error) {
	s, err := f.Section("system.identityModel")
	if err != nil {
		return nil, err
	}
	if err := s.Attributes().Done(); err != nil {
		return nil, err
	}
	c, err := named(s, "identityConfiguration", wanted)
	if err != nil {
		return nil, err
	}
	if c == nil && wanted != "" {
		return nil, by.fault(CodeInvalidEnum, "identityConfigurationName", quote(wanted), "the name of an <identityConfiguration>")
	}
	a := c.Attributes()
	a.Lookup("name")
	id := &Identity{
		Schema:           SchemaWIF45,
		SaveBootstrap:    a.Bool("saveBootstrapContext", false),
		MaximumClockSkew: a.TimeSpanOrInfinite("maximumClockSkew", 5*time.Minute),
		Line:             lineOf(c),
	}
	if err := a.Done(); err != nil {
		return nil, err
	}
	caches, err := c.Child("caches")
	if err != nil {
		return nil, err
	}
	cache, err := caches.Child("sessionSecurityTokenCache")
	if err != nil {
		return nil, err
	}
	ca := cache.Attributes() // the class may bring attributes of its own
	id.SessionCacheType = ca.Text("type", "")
	if err := ca.DonePartly(); err != nil {
		return nil, err
	}
	return id, id.readCommon(c)
}

// identityModel10 reads <microsoft.identityModel>, which also holds the
// settings of federation.
func (f *File) identityModel10(s *Section) (*Identity, *Federation, error) {
	if err := s.Attributes().Done(); err != nil {
		return nil, nil, err
	}
	c, err := unnamed(s, "service")
	if err != nil {
		return nil, nil, err
	}
	a := c.Attributes()
	a.Lookup("name")
	id := &Identity{Schema: SchemaWIF10, SaveBootstrap: a.Bool("saveBootstrapTokens", false), Line: lineOf(c)}
	if err := a.Done(); err != nil {
		return nil, nil, err
	}
	skew, err := c.Child("maximumClockSkew")
	if err != nil {
		return nil, nil, err
	}
	sa := skew.Attributes()
	id.MaximumClockSkew = sa.TimeSpanOrInfinite("value", 5*time.Minute)
	if err := sa.Done(); err != nil {
		return nil, nil, err
	}
	if err := id.readCommon(c); err != nil {
		return nil, nil, err
	}
	id.SessionCacheType = id.Session.CacheType
	federated, err := c.Child("federatedAuthentication")
	if err != nil {
		return nil, nil, err
	}
	fa := federated.Attributes()
	fa.Bool("enabled", true)
	if err := fa.Done(); err != nil {
		return nil, nil, err
	}
	fed, err := readFederation(federated, SchemaWIF10)
	return id, fed, err
}

// readCommon reads the elements that both generations have.
func (id *Identity) readCommon(s *Section) error {
	replay, err := s.Child("tokenReplayDetection")
	if err != nil {
		return err
	}
	a := replay.Attributes()
	id.ReplayDetection = a.Bool("enabled", false)
	id.ReplayPeriod = a.TimeSpanOrInfinite("expirationPeriod", Infinite)
	if id.Schema == SchemaWIF10 {
		a.Lookup("capacity")
		a.Lookup("purgeInterval")
	}
	if err := a.Done(); err != nil {
		return err
	}
	if err := id.readAudience(s); err != nil {
		return err
	}
	id.Session, err = sessionHandler(s, id.Schema)
	return err
}

// readAudience reads <audienceUris mode="…"><add value="…"/>.
func (id *Identity) readAudience(s *Section) error {
	list, err := s.Child("audienceUris")
	if err != nil {
		return err
	}
	a := list.Attributes()
	id.AudienceMode = a.Enum("mode", "Always", "Always", "BearerKeyOnly", "Never")
	if err := a.Done(); err != nil || list == nil {
		return err
	}
	if err := list.fewEnough(); err != nil {
		return err
	}
	if err := list.OnlyChildren("add", "remove", "clear"); err != nil {
		return err
	}
	for _, e := range list.Element.Children {
		c := &Section{Path: list.Path + "/" + e.Name, File: list.File, RefLine: list.RefLine, Element: e}
		if e.Name == "clear" {
			id.AudienceURIs = nil
			continue
		}
		a := c.Attributes()
		uri := a.NonEmpty("value", "")
		if err := a.Done(); err != nil {
			return err
		}
		if e.Name == "add" && uri != "" {
			id.AudienceURIs = append(id.AudienceURIs, uri)
		} else {
			id.AudienceURIs = slices.DeleteFunc(id.AudienceURIs, func(u string) bool { return u == uri })
		}
	}
	return nil
}

// unnamed returns the child without the attribute name, nil if there is none.
func unnamed(s *Section, child string) (*Section, error) { return named(s, child, "") }

// named returns the child whose attribute name has that value, nil if there is
// none. No attribute and an empty one are the same: they mean the default.
func named(s *Section, child, name string) (*Section, error) {
	all, err := s.ChildSections(child)
	if err != nil {
		return nil, err
	}
	var found *Section
	for _, c := range all {
		if n, _ := c.Attr("name"); n != name {
			continue
		}
		if found != nil {
			return nil, c.fault(CodeDuplicateSection, "", fmt.Sprintf("also on line %d", found.Line), "one element of each name")
		}
		found = c
	}
	return found, nil
}

// lineOf returns the line of a section in the file that was parsed, 0 if it is
// absent.
func lineOf(s *Section) int {
	if s == nil {
		return 0
	}
	return s.RefLine
}
