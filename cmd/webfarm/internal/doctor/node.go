package doctor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Node is one node of the farm: what its web.config says about keys and
// cookies, with .NET's defaults filled in. It is immutable and prints without
// key bytes.
type Node struct {
	file string // as the operator named it

	key      machineKey
	keyFault error // why <machineKey> cannot be used as it stands

	session   sessionSettings
	forms     formsSettings
	roles     cookieSettings
	anonymous cookieSettings
	switches  map[string]bool // of <appSettings>
	warnings  []Warning
}

// Warning is a remark on a web.config that is no obstacle by itself.
type Warning struct {
	Code string `json:"code"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// machineKey is <machineKey> taken as far as it goes: bytes that are there are
// kept even where .NET or another machine could not use them.
type machineKey struct {
	validationKey, decryptionKey machinekey.Secret // empty where there are none
	// The words behind the hex digits, or in place of them.
	validationFlags, decryptionFlags []string
	validation                       machinekey.Validation // zero if unknown
	decryption                       machinekey.Decryption
	decryptionKnown                  bool
	mode                             machinekey.Mode
	modeFrom                         string // "explicit", "targetFramework" or "default"
	modeLine                         int
	targetFramework                  string // as written, empty if there is none
	line                             int
}

// sessionSettings are those of Windows Identity Foundation.
type sessionSettings struct {
	on         bool // the file has a section of WIF
	kind       Kind // FedAuth or WIF10
	protection string
	handler    string // the class
	name       string
	path       string // empty where the file does not say
	domain     string
	chunkSize  int
	custom     bool // <cookieHandler mode="Custom">
	lifetime   time.Duration
	skew       time.Duration
	requireSSL bool
}

// cookieSettings are those of a cookie of System.Web.
type cookieSettings struct {
	on         bool
	name       string
	protection machinekey.Protection
}

// formsSettings are those of <forms>.
type formsSettings struct {
	cookieSettings
	path, domain string
	timeout      time.Duration
	sliding      bool
	requireSSL   bool
	sameSite     string
}

// Load reads the web.config at path. It fails only for a file that cannot be
// read at all; a fault in a section is kept and becomes a finding or a
// warning.
func Load(path string) (*Node, error) {
	f, err := webconfig.Load(path)
	if err != nil {
		return nil, err
	}
	return newNode(path, f), nil
}

// Parse is Load for one file as a reader, called name in reports.
func Parse(name string, r io.Reader) (*Node, error) {
	f, err := webconfig.Parse(r, nil)
	if err != nil {
		return nil, err
	}
	return newNode(name, f), nil
}

// Format implements fmt.Formatter for every verb, so that none prints a key.
func (n *Node) Format(s fmt.State, _ rune) { io.WriteString(s, "node of "+n.file) }

// File returns the name that the node was loaded by.
func (n *Node) File() string { return n.file }

func newNode(name string, f *webconfig.File) *Node {
	n := &Node{
		file: name,
		session: sessionSettings{kind: FedAuth, protection: webconfig.ProtectionMachineKeyProtect, name: "FedAuth",
			chunkSize: 2000, lifetime: sessiontoken.DefaultLifetime, skew: sessiontoken.DefaultClockSkew, requireSSL: true},
		forms: formsSettings{cookieSettings: cookieSettings{name: ".ASPXAUTH"}, path: sessiontoken.DefaultFormsPath,
			timeout: sessiontoken.DefaultFormsTimeout, sliding: true, sameSite: "Lax"},
		roles: cookieSettings{name: ".ASPXROLES"},
		// .NET's default here is another than everywhere else
		anonymous: cookieSettings{name: ".ASPXANONYMOUS", protection: machinekey.ProtectionValidation},
		switches:  map[string]bool{},
	}
	n.warn(f.Warnings())
	n.readKey(f)
	identity, federation, remarks, err := f.IdentityAndFederation()
	n.fault(err)
	n.warn(remarks)
	if err == nil && identity != nil {
		n.session.read(identity, federation)
	}
	authentication, err := f.Authentication()
	n.fault(err)
	n.warn(authentication.Warnings)
	n.warn(authentication.ProtectionWarnings(n.key.mode.String()))
	if err == nil && authentication.Forms != nil {
		n.forms.read(authentication.Forms)
	}
	settings, err := f.AppSettings()
	n.fault(err)
	n.warn(settings.Warnings)
	for _, s := range settings.Switches {
		n.switches[s.Key] = s.On
	}
	cora, err := f.Cora()
	n.fault(err)
	if cora != nil {
		n.warn(cora.Warnings)
	}
	n.fault(n.roles.read(f, "roleManager"))
	n.fault(n.anonymous.read(f, "anonymousIdentification"))
	return n
}

// warn keeps the remarks on a section.
func (n *Node) warn(remarks []webconfig.Warning) {
	for _, w := range remarks {
		n.warnings = append(n.warnings, Warning{w.Code, w.Line, printable(w.Text)})
	}
}

// fault notes a section that .NET would not start with.
func (n *Node) fault(err error) {
	var bad *webconfig.Error
	switch {
	case errors.As(err, &bad):
		n.warnings = append(n.warnings, Warning{bad.Code, bad.Line, printable(bad.Error()) + "; .NET does not start with it, the defaults were taken here"})
	case err != nil:
		n.warnings = append(n.warnings, Warning{"settings_not_read", 0, printable(err.Error())})
	}
}

// readKey takes what there is of <machineKey>, whatever is wrong with it.
func (n *Node) readKey(f *webconfig.File) {
	m, err := f.MachineKey()
	n.keyFault = err
	n.warn(m.Warnings)
	k := &n.key
	k.validation, k.mode, k.modeFrom, k.decryptionKnown = machinekey.HMACSHA256, machinekey.Framework20SP1, "default", true
	runtime, err := f.HTTPRuntime()
	if err == nil && runtime.Line > 0 {
		k.targetFramework = runtime.TargetFramework
	}
	if err == nil && runtime.TargetsFramework45() {
		k.mode, k.modeFrom, k.modeLine = machinekey.Framework45, "targetFramework", runtime.Line
	}
	s, err := f.Section("system.web", "machineKey")
	if err != nil || s == nil {
		return
	}
	k.line = s.RefLine
	text := func(name, absent string) string {
		if v, ok := s.Attr(name); ok {
			return strings.TrimSpace(v)
		}
		return absent
	}
	if mode := modeOf(text("compatibilityMode", "")); mode != machinekey.ModeUnknown {
		k.mode, k.modeFrom, k.modeLine = mode, "explicit", s.RefLine
	}
	k.validation = validationOf(text("validation", "HMACSHA256"))
	k.decryption, k.decryptionKnown = decryptionOf(text("decryption", "Auto"))
	k.validationKey, k.validationFlags = cutKey(text("validationKey", "AutoGenerate,IsolateApps"))
	k.decryptionKey, k.decryptionFlags = cutKey(text("decryptionKey", "AutoGenerate,IsolateApps"))
	if found, attribute := n.weakness(); found != "" {
		weak := Warning{CodeWeakKey, k.line, fmt.Sprintf("whoever guesses the key can sign in as anybody: the %s is %s", attribute, found)}
		n.warnings = append([]Warning{weak}, n.warnings...)
	} else if short := secret.Short(k.validationKey); short != "" {
		n.warnings = append(n.warnings, Warning{secret.CodeShort, k.line, short})
	}
}

// cutKey takes a key apart into its bytes and the words that stand with it.
func cutKey(text string) (key machinekey.Secret, flags []string) {
	for i, part := range strings.SplitN(text, ",", 5) {
		if i == 0 {
			if b, err := hex.DecodeString(part); err == nil && len(b) > 0 && len(b) <= 512 {
				key = machinekey.NewSecret(b)
				continue
			}
		}
		switch part {
		case "AutoGenerate", "IsolateApps", "IsolateByAppId":
			flags = append(flags, part)
		}
	}
	return key, flags
}

// isolated reports whether a fixed key has words behind it.
func (k *machineKey) isolated() bool {
	return k.validationKey.Len() > 0 && len(k.validationFlags) > 0 || k.decryptionKey.Len() > 0 && len(k.decryptionFlags) > 0
}

// cipher is the one that .NET uses in a mode.
func (k *machineKey) cipher(mode machinekey.Mode) machinekey.Decryption {
	switch {
	case k.decryption != machinekey.Auto:
		return k.decryption
	case isLegacy(mode) && k.decryptionKey.Len() == 8:
		return machinekey.InsecureDES
	}
	return machinekey.AES
}

func isLegacy(m machinekey.Mode) bool {
	return m == machinekey.Framework20SP1 || m == machinekey.Framework20SP2
}

// read takes the settings of WIF.
func (s *sessionSettings) read(id *webconfig.Identity, f *webconfig.Federation) {
	s.on = true
	if id.Schema == webconfig.SchemaWIF10 {
		s.kind = WIF10
	}
	s.protection, s.handler = id.Session.Protection, id.Session.Type
	if id.Session.Lifetime > 0 {
		s.lifetime = id.Session.Lifetime
	}
	s.skew = id.MaximumClockSkew
	h := f.CookieHandler
	s.name, s.path, s.domain, s.chunkSize, s.requireSSL = h.Name, h.Path, h.Domain, h.ChunkSize, h.RequireSSL
	s.custom = h.Mode == "Custom"
}

// read takes the settings of <forms>.
func (s *formsSettings) read(f *webconfig.Forms) {
	s.on = true
	s.name, s.path, s.domain = f.Name, f.Path, f.Domain
	s.timeout = time.Duration(f.TimeoutMinutes) * time.Minute
	s.protection = protectionOf(f.Protection)
	s.sliding, s.requireSSL, s.sameSite = f.SlidingExpiration, f.RequireSSL, f.CookieSameSite
}

// read takes the settings of <roleManager> or <anonymousIdentification>.
func (s *cookieSettings) read(f *webconfig.File, section string) error {
	element, err := f.Section("system.web", section)
	if err != nil || element == nil {
		return err
	}
	a := element.Attributes()
	on := a.Bool("enabled", false)
	if section == "roleManager" {
		on = a.Bool("cacheRolesInCookie", false) && on
	}
	name := a.NonEmpty("cookieName", s.name)
	protection := a.Enum("cookieProtection", s.protection.String(), "None", "Validation", "Encryption", "All")
	if err := a.DonePartly(); err != nil {
		return err
	}
	s.on, s.name, s.protection = on, name, protectionOf(protection)
	return nil
}

// protections are the values of the attribute protection.
var protections = []machinekey.Protection{
	machinekey.ProtectionAll, machinekey.ProtectionEncryption, machinekey.ProtectionValidation, machinekey.InsecureProtectionNone,
}

func protectionOf(name string) machinekey.Protection {
	for _, p := range protections {
		if p.String() == name {
			return p
		}
	}
	return machinekey.ProtectionAll
}

func modeOf(name string) machinekey.Mode {
	for _, m := range []machinekey.Mode{machinekey.Framework20SP1, machinekey.Framework20SP2, machinekey.Framework45} {
		if m.String() == name {
			return m
		}
	}
	return machinekey.ModeUnknown
}

// validations and ciphers are the algorithms that are tried. LegacyTripleDES
// and LegacyAES sign as HMACSHA1 does.
var (
	validations = []machinekey.Validation{
		machinekey.HMACSHA1, machinekey.HMACSHA256, machinekey.HMACSHA384, machinekey.HMACSHA512, machinekey.InsecureMD5,
	}
	ciphers = []machinekey.Decryption{machinekey.AES, machinekey.InsecureTripleDES, machinekey.InsecureDES}
)

func validationOf(name string) machinekey.Validation {
	for v := machinekey.HMACSHA1; v <= machinekey.LegacyAES; v++ {
		if v.String() == name {
			return v
		}
	}
	return 0
}

// effective is the algorithm that signs cookies: the names of ciphers mean
// HMAC-SHA1 there.
func effective(v machinekey.Validation) machinekey.Validation {
	if v == machinekey.LegacyTripleDES || v == machinekey.LegacyAES {
		return machinekey.HMACSHA1
	}
	return v
}

func decryptionOf(name string) (machinekey.Decryption, bool) {
	for d := machinekey.Auto; d <= machinekey.InsecureDES; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return machinekey.Auto, false
}
