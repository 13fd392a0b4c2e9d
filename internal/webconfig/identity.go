package webconfig

import (
	"math"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
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
	Schema           string        // SchemaWIF45 or SchemaWIF10
	SaveBootstrap    bool          // session tokens carry the token of the sign-in
	MaximumClockSkew time.Duration // in the validity of tokens; may be [Infinite]
	SaysClockSkew    bool          // MaximumClockSkew is not left to its default
	// ReplayDetection is <tokenReplayDetection enabled>, and ReplayPeriod its
	// expirationPeriod, [Infinite] by default.
	ReplayDetection bool
	ReplayPeriod    time.Duration
	AudienceMode    string         // Always, BearerKeyOnly or Never
	AudienceURIs    []string       // that tokens of a sign-in may be for
	Session         SessionHandler // of session tokens; its Type is empty if there is none
	// SessionCacheType is the class of the cache of session tokens with its
	// assembly, empty for the built-in one. It matters in reference mode only.
	SessionCacheType string
	Line             int // of the element, or of a section that implies it
}

// identityModel45 reads <system.identityModel>. wanted is the name of the
// configuration that <federationConfiguration> asks for, empty for the
// default; by is that section.
func identityModel45(s *Section, wanted string, by *Section) *Identity {
	s.Done()
	c := s.named("identityConfiguration", wanted)
	if c.RefLine == 0 && wanted != "" {
		by.fault(CodeInvalidEnum, "identityConfigurationName", secret.Quote(wanted),
			"the name of an <identityConfiguration>")
	}
	c.ignore("name")
	id := &Identity{
		Schema:           SchemaWIF45,
		SaveBootstrap:    c.Bool("saveBootstrapContext", false),
		MaximumClockSkew: c.TimeSpanOrInfinite("maximumClockSkew", 5*time.Minute),
		Line:             c.RefLine,
	}
	_, id.SaysClockSkew = c.Attr("maximumClockSkew")
	c.Done()
	cache := c.Child("caches").Child("sessionSecurityTokenCache")
	id.SessionCacheType = cache.Text("type", "")
	cache.DonePartly() // the class may bring attributes of its own
	id.readCommon(c)
	return id
}

// identityModel10 reads <microsoft.identityModel>, which also holds the
// settings of federation.
func identityModel10(s *Section) (*Identity, *Federation) {
	s.Done()
	c := s.named("service", "")
	c.ignore("name")
	id := &Identity{Schema: SchemaWIF10, SaveBootstrap: c.Bool("saveBootstrapTokens", false),
		Line: c.RefLine}
	c.Done()
	skew := c.Child("maximumClockSkew")
	id.MaximumClockSkew = skew.TimeSpanOrInfinite("value", 5*time.Minute)
	_, id.SaysClockSkew = skew.Attr("value")
	skew.Done()
	id.readCommon(c)
	id.SessionCacheType = id.Session.CacheType
	federated := c.Child("federatedAuthentication")
	federated.Bool("enabled", true)
	federated.Done()
	return id, readFederation(federated, SchemaWIF10)
}

// readCommon reads the elements that both generations have.
func (id *Identity) readCommon(s *Section) {
	replay := s.Child("tokenReplayDetection")
	id.ReplayDetection = replay.Bool("enabled", false)
	id.ReplayPeriod = replay.TimeSpanOrInfinite("expirationPeriod", Infinite)
	if id.Schema == SchemaWIF10 {
		replay.ignore("capacity", "purgeInterval")
	}
	replay.Done()
	id.readAudience(s.Child("audienceUris"))
	id.Session = sessionHandler(s, id.Schema)
}

// readAudience reads <audienceUris mode="…"><add value="…"/>.
func (id *Identity) readAudience(list *Section) {
	id.AudienceMode = list.Enum("mode", "Always", "Always", "BearerKeyOnly", "Never")
	list.Done()
	for _, c := range list.fewEntries("add", "remove", "clear") {
		if c.Name == "clear" {
			id.AudienceURIs = nil
			continue
		}
		uri := c.NonEmpty("value", "")
		c.Done()
		if c.Name == "add" && uri != "" {
			id.AudienceURIs = append(id.AudienceURIs, uri)
		} else {
			id.AudienceURIs = slices.DeleteFunc(id.AudienceURIs,
				func(u string) bool { return u == uri })
		}
	}
}
