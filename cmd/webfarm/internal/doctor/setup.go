package doctor

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/site"
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
	// resign is the size of a signature that is not checked, see resigner; zero for none.
	resign int
}

// setup returns .NET's setup for a kind under the node's web.config. It reports false if the file
// allows none.
func (n *Node) setup(k Kind, authType string) (setup, bool) {
	s := setup{
		kind: k, authType: authType, validation: n.key.validation, mode: n.key.mode,
		validationKey: keyBytes{node: n, attribute: "validationKey", bytes: n.key.ValidationKey},
		decryptionKey: keyBytes{node: n, attribute: "decryptionKey", bytes: n.key.DecryptionKey},
		oldLayout:     n.switchOn(webconfig.UseLegacyFormsTicket),
	}
	s.protection = n.protection(k)
	s.encode = k.IsSession() && n.encodes(k)
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
	if n.session.On && k == n.session.Kind {
		switch n.session.Protection {
		case webconfig.ProtectionMachineKeyEncode, webconfig.ProtectionMachineKeyProtect:
			return n.session.Protection == webconfig.ProtectionMachineKeyEncode
		}
	}
	return k == WIF10
}

// protection is the attribute of the cookie that carries k.
func (n *Node) protection(k Kind) machinekey.Protection {
	switch k {
	case Forms:
		return ProtectionOf(n.forms)
	case Roles:
		return ProtectionOf(n.roles)
	case Anonymous:
		return ProtectionOf(n.anonymous)
	}
	return machinekey.ProtectionAll
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
	ring, err := s.ring()
	if err != nil {
		return o, false
	}
	switch {
	case s.kind == Forms:
		codec, err := s.formsCodec(ring, v)
		if err != nil {
			return o, false
		}
		o.take(anatomy.Of(ctx, codec.Decode, text))
	case s.kind == Roles:
		protector, err := s.roleProtector(ring)
		if err != nil {
			return o, false
		}
		payload, err := rolecookie.Decode(ctx, protector, text)
		o.err, o.whole = err, err == nil && isFormatterStream(payload)
		o.partly = err == nil && !o.whole
		if o.partly {
			o.err = errNotRoles
		}
		o.layers = []Layer{{"text", len(text), true}, {"machine key", 0, err == nil}}
	case s.kind == Anonymous:
		codec, err := sessiontoken.NewAnonymousCodec(ring, &sessiontoken.FormsOptions{
			Protection: s.protection, InsecureUnsigned: s.unsigned, Now: func() time.Time { return time.Time{} }})
		if err != nil {
			return o, false
		}
		id, err := codec.Decode(ctx, text)
		o.err, o.whole = err, err == nil
		o.layers = []Layer{{"text", len(text), true}, {"machine key", 0, err == nil}}
		if err == nil {
			o.to = id.Expires
			if id.Expires.Before(v.now) {
				o.err = fmt.Errorf("%w at %s", sessiontoken.ErrExpired,
					id.Expires.Format(time.RFC3339))
			}
		}
	case s.kind == site.Core, s.kind == site.CoreBearer, s.kind == site.CoreRefresh:
		codec, err := sessiontoken.NewCoreCodec(ring, s.ticketPurpose(),
			&sessiontoken.CoreOptions{Now: v.clock()})
		if err != nil {
			return o, false
		}
		o.take(anatomy.Of(ctx, codec.Decode, text))
	case s.kind.IsKatana():
		codec, err := sessiontoken.NewKatanaCodec(ring, s.ticketPurpose(),
			&sessiontoken.KatanaOptions{Now: v.clock()})
		if err != nil {
			return o, false
		}
		o.take(anatomy.Of(ctx, codec.Decode, text))
	case s.kind.IsSession():
		codec, err := s.sessionCodec(ring, v)
		if err != nil {
			return o, false
		}
		o.take(anatomy.Of(ctx, codec.Decode, text))
	default:
		return o, false
	}
	o.noteFormat()
	o.signed = s.resign == 0 && s.signs()
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

var errNotRoles = errors.New("doctor: the data is not a BinaryFormatter stream")

// isFormatterStream reports whether a payload begins like a BinaryFormatter stream: a record of type
// 0 that ends with the version 1.0. Role cookies have no other mark.
func isFormatterStream(b []byte) bool {
	return len(b) >= 17 && b[0] == 0 && string(b[9:17]) == "\x01\x00\x00\x00\x00\x00\x00\x00"
}

// ring makes the one key.
func (s setup) ring() (keyring, error) {
	if s.keys != nil {
		return ringKeys{s.keys}, nil
	}
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
	if err == nil && s.resign > 0 {
		return resigner{ring, s, s.resign}, nil
	}
	return ring, err
}

func (s setup) formsCodec(ring keyring, v view) (*sessiontoken.FormsCodec, error) {
	return sessiontoken.NewFormsCodec(ring, &sessiontoken.FormsOptions{
		Protection: s.protection, InsecureUnsigned: s.unsigned, InsecureOldLayout: s.oldLayout,
		Now: v.clock()})
}

func (s setup) roleProtector(ring keyring) (machinekey.Protector, error) {
	return ring.CookieProtector(machinekey.LegacyOptions{Protection: s.protection,
		InsecureUnsigned: s.unsigned}, machinekey.RolePurpose)
}

// ticketPurpose is the purpose of a ticket of Katana or ASP.NET Core.
func (s setup) ticketPurpose() sessiontoken.Purpose {
	switch s.kind {
	case Bearer:
		return sessiontoken.AccessToken("Bearer")
	case Refresh:
		return sessiontoken.RefreshToken("Bearer")
	case site.CoreBearer:
		return sessiontoken.AccessToken(s.authType)
	case site.CoreRefresh:
		return sessiontoken.RefreshToken(s.authType)
	case AuthCode:
		return sessiontoken.AuthorizationCode()
	}
	return sessiontoken.Cookie(s.authType)
}

// sessionOptions are the options of a codec of sessions, without transforms.
func (v view) sessionOptions(k Kind) *sessiontoken.SessionOptions {
	return &sessiontoken.SessionOptions{WIF10: k == WIF10, Endpoint: v.endpoint, Now: v.clock(),
		ClockSkew: cmp.Or(v.skew, -1)} // zero would mean the default
}

func (s setup) sessionCodec(ring keyring, v view) (*sessiontoken.SessionCodec, error) {
	o := v.sessionOptions(s.kind)
	var last sessiontoken.Protector
	var err error
	switch {
	case s.encode && s.unsigned:
		var p machinekey.Protector
		p, err = ring.EncodeProtector(machinekey.LegacyOptions{InsecureUnsigned: true})
		last = unsignedEncode{p}
	case s.encode:
		last, err = sessiontoken.MachineKeyEncodeTransform(ring)
	default:
		last, err = sessiontoken.MachineKeyTransform(ring)
	}
	if err != nil {
		return nil, err
	}
	o.Transforms = []sessiontoken.Protector{sessiontoken.DeflateTransform(), last}
	return sessiontoken.NewSessionCodec(ring, o)
}

// unsignedEncode is MachineKey.Encode under aspnet:UseLegacyMachineKeyEncryption, for old cookies.
// Its only check is the digest inside.
type unsignedEncode struct{ protector machinekey.Protector }

func (unsignedEncode) String() string { return "machine key (hex, unsigned)" }

func (unsignedEncode) Protect([]byte, []byte) ([]byte, error) { return nil, errNotIssued }

func (u unsignedEncode) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	protected, err := hex.DecodeString(string(data))
	if err != nil {
		return dst, "", sessiontoken.ErrInvalid
	}
	dst, _, err = u.protector.Unprotect(ctx, dst, protected) // the key id is of another form
	return dst, "", err
}

var errNotIssued = errors.New("doctor: data without a signature is not issued")

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
		o.from, _ = c.Properties.Time(sessiontoken.PropertyIssued)
		o.to, _ = c.Properties.Time(sessiontoken.PropertyExpires)
		o.principal(&sessiontoken.Principal{Identities: []sessiontoken.Identity{c.Identity}})
	case *sessiontoken.CoreTicket:
		o.from, _ = c.Properties.Time(sessiontoken.PropertyIssued)
		o.to, _ = c.Properties.Time(sessiontoken.PropertyExpires)
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
