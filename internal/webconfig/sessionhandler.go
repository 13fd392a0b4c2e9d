package webconfig

import (
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// The classes that read and write session tokens.
const (
	handler45        = "System.IdentityModel.Tokens.SessionSecurityTokenHandler"
	handler10        = "Microsoft.IdentityModel.Tokens.SessionSecurityTokenHandler"
	machineKey45     = "System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler"
	machineKeyThink  = "Thinktecture.IdentityModel.Web.MachineKeySessionSecurityTokenHandler"
	handlerSuffix    = "SessionSecurityTokenHandler"
	defaultTokenLife = 10 * time.Hour // SessionSecurityTokenHandler.DefaultTokenLifetime
)

// The ways in which session tokens are protected.
const (
	ProtectionDPAPI             = "dpapi"             // WIF's default: only the machine that wrote a token can read it
	ProtectionMachineKeyProtect = "machineKeyProtect" // by the rules of Framework45 in every mode
	ProtectionMachineKeyEncode  = "machineKeyEncode"  // by those of the mode
	// ProtectionCustom is a class of the site's own. Often it is RSA with a
	// certificate, which is set in code and not in the web.config.
	ProtectionCustom = "custom"
)

// SessionHandler is the entry of <securityTokenHandlers> for session tokens.
// The zero value means that there is none.
type SessionHandler struct {
	Type       string        // the class, without its assembly
	Protection string        // one of the Protection constants
	Lifetime   time.Duration // of a token
	// CacheType is the class of the token cache with its assembly, as written;
	// empty for the built-in one (securityTokenCacheType, WIF 1.0 only).
	CacheType              string
	UseWindowsTokenService bool // maps users to Windows accounts (WIF 1.0 only)
	Line                   int  // of its <add>, 0 for the default handler
	SaysLifetime           bool // Lifetime is not left to its default
}

// sessionHandler reads the default <securityTokenHandlers> below s, and
// applies it to the built-in handler:
//
//	<clear/>           no handler
//	<remove type="…"/> no handler of that class
//	<add type="…"/>    this handler; refused while there is another
//
// Whether a class unknown here handles session tokens shows in its name, in
// its settings, or in that nothing else does.
func sessionHandler(s *Section, schema string) SessionHandler {
	current := SessionHandler{Type: handler45, Protection: ProtectionDPAPI, Lifetime: defaultTokenLife}
	if schema == SchemaWIF10 {
		current.Type = handler10
	}
	list := s.named("securityTokenHandlers", "")
	list.ignore("name")
	list.Done()
	var others []*Section // added handlers that say nothing of session tokens
	for _, c := range list.fewEntries("add", "remove", "clear",
		"securityTokenHandlerConfiguration") {
		switch c.Name {
		case "clear":
			current, others = SessionHandler{}, nil
			continue
		case "securityTokenHandlerConfiguration":
			continue
		}
		class := TypeName(c.NonEmpty("type", ""))
		if class == "" {
			c.Fail(CodeEmptyAttribute, "type", "", "the class of the handler")
		}
		c.Done()
		if c.Name == "remove" {
			if class == current.Type {
				current = SessionHandler{}
			}
			others = slices.DeleteFunc(others, func(o *Section) bool { return typeOf(o) == class })
			continue
		}
		requirement := c.Child("sessionTokenRequirement")
		if requirement.RefLine == 0 && !strings.HasSuffix(class, handlerSuffix) {
			others = append(others, c)
			continue
		}
		if current.Type != "" {
			c.fault(CodeSessionHandlerNotRemoved, "type", secret.Quote(class),
				`<remove type="`+current.Type+
					`, …"/> before it: two handlers for session tokens are an error in .NET`)
		}
		current = readHandler(c, class, requirement, schema)
	}
	if current.Type != "" {
		return current
	}
	for _, c := range others {
		// Those of .NET and WIF that handle session tokens are known by name.
		if class := typeOf(c); !strings.HasPrefix(class, "System.") &&
			!strings.HasPrefix(class, "Microsoft.IdentityModel.") {
			return readHandler(c, class, c.r.absent(""), schema)
		}
	}
	return current
}

func typeOf(s *Section) string {
	class, _ := s.Attr("type")
	return TypeName(class)
}

// readHandler reads one <add> and its <sessionTokenRequirement>, which may be
// absent.
func readHandler(s *Section, class string, requirement *Section, schema string) SessionHandler {
	h := SessionHandler{Type: class, Protection: ProtectionCustom, Line: s.RefLine}
	switch class {
	case handler45, handler10:
		h.Protection = ProtectionDPAPI
	case machineKey45:
		h.Protection = ProtectionMachineKeyProtect
	case machineKeyThink:
		h.Protection = ProtectionMachineKeyEncode
	}
	requirement.foldNames("lifetime")
	_, h.SaysLifetime = requirement.Attr("lifetime")
	h.Lifetime = requirement.TimeSpan("lifetime", defaultTokenLife, Infinite)
	if schema == SchemaWIF10 {
		requirement.foldNames("useWindowsTokenService", "securityTokenCacheType",
			"securityTokenCacheSize")
		h.UseWindowsTokenService = requirement.Bool("useWindowsTokenService", false)
		h.CacheType = requirement.Text("securityTokenCacheType", "")
		requirement.ignore("securityTokenCacheSize")
	}
	requirement.Done()
	return h
}

// foldNames renames those attributes that differ from one of names in case
// only: the reader of <sessionTokenRequirement> does not care, unlike
// System.Configuration. The element in the tree stays as it is.
func (s *Section) foldNames(names ...string) {
	e := *s.Element
	e.Attrs = slices.Clone(e.Attrs)
	for i, a := range e.Attrs {
		for _, name := range names {
			if _, there := e.Attr(name); !there && a.Space == "" && fold.Equal(a.Name, name) {
				e.Attrs[i].Name = name
			}
		}
	}
	s.Element = &e
}
