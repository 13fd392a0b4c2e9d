package doctor

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Node is one node of the farm: the keys and cookies of its web.config, with .NET's defaults. It is
// immutable and prints without key bytes.
type Node struct {
	file string // as the operator named it
	site *site.Site
	key  machineKey
	ring *Ring // of ASP.NET Core, nil without one

	session, forms, roles, anonymous *site.Credential // of the site
	warnings                         []Warning
}

// Warning is a remark on a web.config that does not affect reading.
type Warning struct {
	Code string `json:"code"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// machineKey is the readable part of <machineKey>, with the algorithms of package machinekey.
type machineKey struct {
	site.Key
	validation      machinekey.Validation // zero if unknown
	decryption      machinekey.Decryption
	decryptionKnown bool
	mode            machinekey.Mode
}

// Format implements fmt.Formatter. No verb prints a key.
func (n *Node) Format(s fmt.State, _ rune) { io.WriteString(s, "node of "+n.file) }

// File returns the name of the file.
func (n *Node) File() string { return n.file }

// New returns the node of a resolved site. A fault in a section becomes a finding or a warning.
func New(s *site.Site) *Node {
	n := &Node{file: s.File, site: s, key: machineKey{Key: s.Key},
		session: s.Session, forms: s.Forms, roles: s.Roles, anonymous: s.Anonymous}
	k := &n.key
	k.mode = machinekey.Mode(k.Mode)
	if v := machinekey.Validation(k.Validation); slices.Contains(validations, effective(v)) {
		k.validation = v
	}
	k.decryption = machinekey.Decryption(k.Decryption)
	k.decryptionKnown = k.decryption == machinekey.Auto || slices.Contains(ciphers, k.decryption)
	if !k.decryptionKnown {
		k.decryption = machinekey.Auto
	}
	if found, attribute := n.weakness(); found != "" {
		n.warnings = append(n.warnings, Warning{"weak_key", k.Line,
			fmt.Sprintf("whoever guesses the key can sign in as anybody: the %s is %s",
				attribute, found)})
	} else if short := secret.Short(k.ValidationKey); short != "" {
		n.warnings = append(n.warnings, Warning{secret.CodeShort, k.Line, short})
	}
	for _, w := range s.Warnings {
		n.warnings = append(n.warnings, Warning{w.Code, w.Line, printable(w.Text)})
	}
	for _, f := range s.Faults {
		if f != s.Key.Fault { // that one becomes a finding
			n.warnings = append(n.warnings, Warning{f.Code, f.Line,
				printable(f.Error()) +
					"; .NET does not start with it, the defaults were taken here"})
		}
	}
	return n
}

// switchOn reports whether a switch of <appSettings> is on.
func (n *Node) switchOn(key string) bool { return n.site.AppSettings.Switch(key).On }

// nameOf returns the name of the cookie for k, by default the session's.
func (n *Node) nameOf(k Kind, authType string) string {
	return cmp.Or(n.site.Of(k, authType).Name, n.session.Name)
}

// CookieNames are the names of the site's cookies, without Katana's.
func (n *Node) CookieNames() []string { return n.site.Names() }

// skew is the clock skew of sessions, zero for none.
func (n *Node) skew() time.Duration { return max(n.session.ClockSkew, 0) }

// Config returns a resolved key. Its fault is a [*machinekey.ConfigError].
func Config(k *site.Key) (machinekey.Config, error) {
	if k.Fault != nil {
		return machinekey.Config{}, (*machinekey.ConfigError)(k.Fault)
	}
	return machinekey.Config{ValidationKey: k.ValidationKey, DecryptionKey: k.DecryptionKey,
		Validation: machinekey.Validation(k.Validation), Decryption: machinekey.Decryption(k.Decryption),
		Mode: machinekey.Mode(k.Mode)}, nil
}

// ProtectionOf is the attribute protection of a cookie of System.Web.
func ProtectionOf(c *site.Credential) machinekey.Protection {
	return cmp.Or(machinekey.Protection(c.Protection), machinekey.ProtectionAll)
}

// cipher is .NET's cipher in a mode.
func (k *machineKey) cipher(mode machinekey.Mode) machinekey.Decryption {
	switch {
	case k.decryption != machinekey.Auto:
		return k.decryption
	case isLegacy(mode) && k.DecryptionKey.Len() == 8:
		return machinekey.InsecureDES
	}
	return machinekey.AES
}

func isLegacy(m machinekey.Mode) bool {
	return m == machinekey.Framework20SP1 || m == machinekey.Framework20SP2
}

// protections are the values of the attribute protection that sign.
var protections = []machinekey.Protection{
	machinekey.ProtectionAll, machinekey.ProtectionEncryption, machinekey.ProtectionValidation}

// validations and ciphers are the algorithms to try. LegacyTripleDES and LegacyAES sign as HMACSHA1
// does.
var (
	validations = []machinekey.Validation{
		machinekey.HMACSHA1, machinekey.HMACSHA256, machinekey.HMACSHA384, machinekey.HMACSHA512,
		machinekey.InsecureMD5,
	}
	ciphers = []machinekey.Decryption{machinekey.AES, machinekey.InsecureTripleDES,
		machinekey.InsecureDES}
)

// effective is the algorithm that signs cookies. The names of ciphers mean HMAC-SHA1 there.
func effective(v machinekey.Validation) machinekey.Validation {
	if v == machinekey.LegacyTripleDES || v == machinekey.LegacyAES {
		return machinekey.HMACSHA1
	}
	return v
}

// Kind is one kind of credential.
type Kind = site.Kind

// The kinds of credential.
const (
	FedAuth   = site.FedAuth
	WIF10     = site.WIF10
	Forms     = site.Forms
	Katana    = site.Katana
	Bearer    = site.Bearer
	Refresh   = site.Refresh
	AuthCode  = site.AuthCode
	State     = site.State
	Roles     = site.Roles
	Anonymous = site.Anonymous
)

// Chunking is the scheme by which cookies carry k.
func Chunking(k Kind) chunks.Scheme {
	if k.Scheme() == site.SchemeNone {
		return chunks.Single
	}
	return chunks.Scheme(k.Scheme())
}
