package webconfig

import (
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
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
	// ProtectionDPAPI is WIF's default: only the machine that wrote a token
	// can read it.
	ProtectionDPAPI = "dpapi"
	// ProtectionMachineKeyProtect is MachineKey.Protect, under the rules of
	// Framework45 in every compatibility mode.
	ProtectionMachineKeyProtect = "machineKeyProtect"
	// ProtectionMachineKeyEncode is MachineKey.Encode, which depends on the
	// compatibility mode.
	ProtectionMachineKeyEncode = "machineKeyEncode"
	// ProtectionCustom is a class of the site's own. Often it is RSA with a
	// certificate, which is set in code and not in the web.config.
	ProtectionCustom = "custom"
)

// SessionHandler is the entry of <securityTokenHandlers> for session tokens.
// The zero value means that there is none.
type SessionHandler struct {
	// Type is the class, without its assembly.
	Type string
	// Protection is one of the Protection constants.
	Protection string
	// Lifetime is how long a token is valid.
	Lifetime time.Duration
	// CacheType is the class of the token cache with its assembly, as written;
	// empty for the built-in one (securityTokenCacheType, WIF 1.0 only).
	CacheType string
	// UseWindowsTokenService maps users to Windows accounts (WIF 1.0 only).
	UseWindowsTokenService bool
	// Line is the line of its <add>, 0 for the default handler.
	Line int
}

// builtInHandler returns the handler that a site has without any setting.
func builtInHandler(schema string) SessionHandler {
	h := SessionHandler{Type: handler45, Protection: ProtectionDPAPI, Lifetime: defaultTokenLife}
	if schema == SchemaWIF10 {
		h.Type = handler10
	}
	return h
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
func sessionHandler(s *Section, schema string) (SessionHandler, error) {
	current := builtInHandler(schema)
	list, err := unnamed(s, "securityTokenHandlers")
	if err != nil || list == nil {
		return current, err
	}
	a := list.Attributes()
	a.Lookup("name")
	if err := a.Done(); err != nil {
		return SessionHandler{}, err
	}
	if err := list.fewEnough(); err != nil {
		return SessionHandler{}, err
	}
	if err := list.OnlyChildren("add", "remove", "clear", "securityTokenHandlerConfiguration"); err != nil {
		return SessionHandler{}, err
	}
	var others []*Section // added handlers that say nothing of session tokens
	for _, e := range list.Element.Children {
		c := &Section{Path: list.Path + "/" + e.Name, File: list.File, RefLine: e.Line, Element: e}
		if list.File != "" {
			c.RefLine = list.RefLine
		}
		if e.Name == "clear" {
			current, others = SessionHandler{}, nil
			continue
		}
		if e.Name == "securityTokenHandlerConfiguration" {
			continue
		}
		a := c.Attributes()
		class := TypeName(a.NonEmpty("type", ""))
		if class == "" {
			a.Fail(CodeEmptyAttribute, "type", "", "the class of the handler")
		}
		if err := a.Done(); err != nil {
			return SessionHandler{}, err
		}
		if e.Name == "remove" {
			if class == current.Type {
				current = SessionHandler{}
			}
			others = slices.DeleteFunc(others, func(o *Section) bool { return typeOf(o) == class })
			continue
		}
		requirement, err := c.Child("sessionTokenRequirement")
		if err != nil {
			return SessionHandler{}, err
		}
		if requirement == nil && !strings.HasSuffix(class, handlerSuffix) {
			others = append(others, c)
			continue
		}
		if current.Type != "" {
			return SessionHandler{}, c.fault(CodeSessionHandlerNotRemoved, "type", quote(class),
				`<remove type="`+current.Type+`, …"/> before it: two handlers for session tokens are an error in .NET`)
		}
		if current, err = readHandler(c, class, requirement, schema); err != nil {
			return SessionHandler{}, err
		}
	}
	if current.Type == "" {
		for _, c := range others {
			if class := typeOf(c); !isPlatformClass(class) {
				return readHandler(c, class, nil, schema)
			}
		}
	}
	return current, nil
}

// typeOf returns the class that an entry names.
func typeOf(s *Section) string {
	class, _ := s.Attr("type")
	return TypeName(class)
}

// isPlatformClass reports the handlers that come with .NET or WIF. Those of
// them that handle session tokens are known by name.
func isPlatformClass(class string) bool {
	return strings.HasPrefix(class, "System.") || strings.HasPrefix(class, "Microsoft.IdentityModel.")
}

// readHandler reads one <add> and its <sessionTokenRequirement>, which may be
// absent.
func readHandler(s *Section, class string, requirement *Section, schema string) (SessionHandler, error) {
	h := SessionHandler{Type: class, Protection: ProtectionCustom, Line: s.RefLine}
	switch class {
	case handler45, handler10:
		h.Protection = ProtectionDPAPI
	case machineKey45:
		h.Protection = ProtectionMachineKeyProtect
	case machineKeyThink:
		h.Protection = ProtectionMachineKeyEncode
	}
	names := []string{"lifetime"}
	if schema == SchemaWIF10 {
		names = append(names, "useWindowsTokenService", "securityTokenCacheType", "securityTokenCacheSize")
	}
	a := foldNames(requirement, names).Attributes()
	h.Lifetime = a.TimeSpan("lifetime", defaultTokenLife, Infinite)
	if schema == SchemaWIF10 {
		h.UseWindowsTokenService = a.Bool("useWindowsTokenService", false)
		h.CacheType = a.Text("securityTokenCacheType", "")
		a.Lookup("securityTokenCacheSize")
	}
	return h, a.Done()
}

// foldNames returns the section with those attributes renamed that differ
// from one of names in case only: the reader of <sessionTokenRequirement>
// does not care, unlike System.Configuration.
func foldNames(s *Section, names []string) *Section {
	if s == nil {
		return nil
	}
	e, folded := *s.Element, *s
	e.Attrs = slices.Clone(e.Attrs)
	for i, a := range e.Attrs {
		for _, name := range names {
			if _, there := e.Attr(name); !there && a.Space == "" && fold.Equal(a.Name, name) {
				e.Attrs[i].Name = name
			}
		}
	}
	folded.Element = &e
	return &folded
}
