package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// setup is everything that decides whether a credential opens.
type setup struct {
	kind       Kind
	authType   string // for Katana
	validation machinekey.Validation
	cipher     machinekey.Decryption
	// mode is the mode of forms, role and anonymous cookies. The two legacy modes differ only for
	// unsigned data.
	mode machinekey.Mode
	// encode is MachineKey.Encode in place of Protect, for sessions.
	encode bool
	// unsigned is the switch that leaves signatures out, in the legacy modes and for
	// MachineKey.Encode.
	unsigned bool
	// protection is for forms, role and anonymous cookies in the legacy modes, oldLayout for forms
	// cookies.
	protection machinekey.Protection
	oldLayout  bool

	validationKey, decryptionKey keyBytes
	// anyValidation and anyCipher say that a credential opens with any such key and algorithm.
	anyValidation, anyCipher bool
	keys                     sessiontoken.Keys // of a key ring, in place of both, else nil
	// anySignature is the size of a signature that is not checked; zero for none.
	anySignature int
}

// setup returns .NET's setup for a kind under the node's web.config. It reports false if the file
// allows none.
func (n *Node) setup(k Kind, authType string) (setup, bool) {
	s := setup{
		kind: k, authType: authType, validation: n.key.validation, mode: n.key.mode,
		validationKey: n.keyOf("validationKey"), decryptionKey: n.keyOf("decryptionKey"),
		oldLayout:  n.switchOn(webconfig.UseLegacyFormsTicket),
		protection: n.protection(k), encode: k.IsSession() && n.encodes(k),
	}
	switch {
	case s.encode:
		s.unsigned = n.switchOn(webconfig.UseLegacyMachineKeyEncryption)
	case k.IsModal():
		s.unsigned = n.switchOn(webconfig.UseLegacyEncryption) && isLegacy(n.key.mode)
	}
	mode := s.mode
	if !k.IsModal() && !s.encode {
		mode = machinekey.Framework45
	}
	s.cipher = n.key.cipher(mode)
	return s, n.key.Fault == nil && s.validation != ""
}

// encodes reports whether MachineKey.Encode protects the node's sessions of kind k, by its handler
// or by default of the generation.
func (n *Node) encodes(k Kind) bool {
	if p := n.session.Protection; n.session.On && k == n.session.Kind &&
		(p == webconfig.ProtectionMachineKeyEncode || p == webconfig.ProtectionMachineKeyProtect) {
		return p == webconfig.ProtectionMachineKeyEncode
	}
	return k == WIF10
}

// protection is the attribute of the cookie that carries k.
func (n *Node) protection(k Kind) machinekey.Protection {
	if !k.IsModal() {
		return machinekey.ProtectionAll
	}
	return ProtectionOf(n.site.Of(k, ""))
}

// view is the node's standard for contents: its path, clock and skew.
type view struct {
	endpoint string
	skew     time.Duration
	now      time.Time
}

func (v view) clock() func() time.Time { return func() time.Time { return v.now } }

// opened is the result of opening a credential.
type opened struct {
	layers []Layer
	// whole says that the contents were read. They may still be expired.
	whole bool
	// partly says that the data was authentic, but not of this format.
	partly bool
	// signed says that a MAC confirmed the contents. Only then are they authentic.
	signed   bool
	user     string
	from, to time.Time
	endpoint string
	noUser   bool     // no identity is authenticated
	lacks    []string // claims that ASP.NET Core Identity wants
	err      error
}

// Layer is one layer of a credential, from the outside to the inside.
type Layer struct {
	Layer string `json:"layer"`
	Size  int    `json:"size,omitempty"` // in characters or bytes
	OK    bool   `json:"ok"`
}

// open opens text under a setup with the codecs of package sessiontoken. It reports false for an
// illegal setup.
func (s setup) open(ctx context.Context, text string, v view) (o opened, ok bool) {
	c, err := s.codec(v)
	if err != nil {
		return o, false
	}
	o = c.open(ctx, text)
	o.noteFormat()
	o.signed = s.anySignature == 0 && s.signs()
	if o.partly && !s.signsPlaintext() && !o.recognised() {
		o.refuse()
	}
	return o, true
}

// signs reports whether opened data has passed a MAC, over the ciphertext or the plaintext.
func (s setup) signs() bool {
	return s.signsPlaintext() || !s.kind.IsModal() || !isLegacy(s.mode) ||
		!s.unsigned && s.protection != machinekey.InsecureProtectionNone
}

// signsPlaintext reports whether the MAC covers the plaintext, and so confirms the decryption key:
//
//	legacy, All, MachineKey.Encode   E(data || H(data)) || H(…)
//
// Elsewhere the MAC covers the ciphertext, or there is none. The padding alone then speaks for a
// decryption key, and one wrong key in 256 passes it. Protection Validation does not encrypt, and
// accepts any signed ciphertext.
func (s setup) signsPlaintext() bool {
	if !s.kind.IsModal() {
		return s.encode
	}
	return isLegacy(s.mode) && s.protection == machinekey.ProtectionAll
}

// recognised reports whether unreadable data was certainly decrypted with the right key: it has
// passed a layer with a mark of its own. Deflate has no mark, and about one in a hundred random
// texts passes it.
func (o *opened) recognised() bool {
	behind := false
	for _, l := range o.layers {
		switch {
		case strings.HasPrefix(l.Layer, "machine key"):
			behind = true
		case behind && l.OK && l.Layer != "deflate":
			return true
		}
	}
	return errors.Is(o.err, wif.ErrCoreWCF)
}

// refuse withdraws data that passed only the padding.
func (o *opened) refuse() {
	for i, l := range o.layers {
		if strings.HasPrefix(l.Layer, "machine key") {
			o.layers[i] = Layer{Layer: l.Layer}
			o.layers = o.layers[:i+1]
			break
		}
	}
	o.partly, o.err = false, sessiontoken.ErrInvalid
}

// noteFormat notes that the data was authentic, but not of this format.
func (o *opened) noteFormat() {
	var format *sessiontoken.FormatError
	o.partly = o.partly || !o.whole && errors.As(o.err, &format)
}

// settings are the keys and algorithms.
func (s setup) settings() netfx.Settings {
	return netfx.Settings{ValidationKey: s.validationKey.bytes, Validation: string(s.validation),
		DecryptionKey: s.decryptionKey.bytes, Decryption: string(s.cipher), Mode: string(s.mode)}
}

// machineKeys are keys with a compatibility mode.
type machineKeys interface {
	sessiontoken.Keys
	CookieProtector(o machinekey.LegacyOptions, purposes ...string) (machinekey.Protector, error)
	EncodeProtector(o machinekey.LegacyOptions) (machinekey.Protector, error)
}

// machineKeys makes the one key.
func (s setup) machineKeys() (machineKeys, error) {
	mode := s.mode
	if !s.kind.IsModal() {
		mode = machinekey.Framework45
		switch {
		case s.encode && s.mode == machinekey.Framework20SP1:
			mode = machinekey.Framework20SP1
		case s.encode: // unsigned data begins as in SP2
			mode = machinekey.Framework20SP2
		}
	}
	key, err := machinekey.New(machinekey.Config{
		ValidationKey: s.validationKey.bytes, Validation: s.validation,
		DecryptionKey: s.decryptionKey.bytes, Decryption: s.cipher,
		Mode: mode, AllowInsecure: true, AllowKnownKey: true, AllowWeakKey: true,
	})
	if err != nil {
		return nil, err
	}
	ring, err := machinekey.NewRing(key)
	if err == nil && s.anySignature > 0 {
		return anySignature{ring, s}, nil
	}
	return ring, err
}

// take keeps the public part of a report: layers without their facts, and the name and times of
// readable contents.
func (o *opened) take(r *anatomy.Report) {
	for _, l := range r.Layers {
		o.layers = append(o.layers, Layer{l.Name, l.Size, l.Err == nil})
	}
	o.err, o.whole = r.Err, r.Content != nil
	switch c := r.Content.(type) {
	case *sessiontoken.Token:
		o.from, o.to, o.endpoint = c.ValidFrom, c.ValidTo, c.EndpointID
		o.principal(&c.Principal)
	case *sessiontoken.FormsTicket:
		o.user, o.from, o.to = c.Name, c.IssueDate, c.Expiration
	case *sessiontoken.KatanaTicket:
		o.times(c.Properties)
		o.principal(&sessiontoken.Principal{Identities: []sessiontoken.Identity{c.Identity}})
	case *sessiontoken.CoreTicket:
		o.times(c.Properties)
		o.principal(c.Principal)
		for _, t := range []string{sessiontoken.ClaimTypeNameIdentifier, claimStamp} {
			if _, ok := c.Principal.First(t); !ok {
				o.lacks = append(o.lacks, t)
			}
		}
	}
}

// claimStamp is the claim by which ASP.NET Core Identity checks a user again
// (SecurityStampValidator).
const claimStamp = "AspNet.Identity.SecurityStamp"

func (o *opened) principal(p *sessiontoken.Principal) {
	o.user, o.noUser = p.Name(), !p.IsAuthenticated()
}

func (o *opened) times(p sessiontoken.Properties) {
	o.from, _ = p.Time(sessiontoken.PropertyIssued)
	o.to, _ = p.Time(sessiontoken.PropertyExpires)
}
