package sessiontoken

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/codec"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Defaults of WIF (SessionSecurityTokenHandler.DefaultLifetime and
// SecurityTokenHandlerConfiguration.DefaultMaxClockSkew).
const (
	defaultSessionLifetime = 10 * time.Hour
	defaultClockSkew       = 5 * time.Minute
)

// SessionOptions are the settings of a [SessionCodec]. The zero value reads and writes what a
// site with MachineKeySessionSecurityTokenHandler and no further settings does.
type SessionOptions struct {
	// WIF10 says that all nodes use WIF 1.0 (Microsoft.IdentityModel) in place of
	// WIF 4.5 (System.IdentityModel). It is never guessed: the two documents look
	// alike but number their names differently.
	WIF10 bool
	// Transforms stand between the token and the envelope, in WIF's order: the first
	// one protects first. The last one must authenticate what it opens. Nil means
	// deflate and the machine keys: MachineKey.Protect, or MachineKey.Encode for WIF10.
	Transforms []Protector
	// Endpoint is the cookie path of the site, as in <cookieHandler path>, compared
	// exactly. A token that names another one is refused, and NewToken names this one.
	// Empty: not checked, and new tokens fit every path.
	Endpoint string
	// ClockSkew widens the validity of a token at both ends. Zero means
	// 5 minutes, the default of WIF; a negative value means none.
	ClockSkew time.Duration
	// Lifetime is that of NewToken. Zero means 10 hours, the default of WIF.
	Lifetime time.Duration
	// Store holds the tokens in reference mode, protected with the ring. Nil:
	// such cookies are neither read nor issued.
	Store Store
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// SessionCodec reads and writes the text of FedAuth cookies as WIF does, with
// MachineKeySessionSecurityTokenHandler unless the options say otherwise. It
// is safe for concurrent use.
//
// The text is an onion of six layers. [SessionCodec.Decode] takes them off, Encode puts them on:
//
//	text            base64
//	envelope        XML with the ids and the protected bytes       (attacker's bytes up to here)
//	machine key     IV || ciphertext || tag, section "Protector" of package machinekey
//	deflate         raw RFC 1951, at most 1 MiB when inflated      (authenticated from here on)
//	nrbf            one SessionSecurityToken with one byte array
//	nbfx            the token document
//
// SessionOptions.Transforms can put other layers in the place of machine key
// and deflate; with WIF10 there is no nrbf.
type SessionCodec struct {
	o       SessionOptions
	version wif.Version
	keys    Keys // may be nil
	chain   chain
	store   Protector
	scratch sync.Pool // of *sessionScratch
}

// NewSessionCodec returns a codec for keys, whose later changes it follows. Nil options
// are the zero options. The keys may be nil if the options name Transforms and no Store.
// It fails if a key cannot be used for this kind of credential
// ([machinekey.ConfigError]), or if the last of the Transforms does not authenticate.
func NewSessionCodec(keys Keys, opts *SessionOptions) (*SessionCodec, error) {
	if ring, ok := keys.(*machinekey.Ring); ok && ring == nil {
		keys = nil
	}
	c := &SessionCodec{o: *cmp.Or(opts, new(SessionOptions)), keys: keys}
	c.o.ClockSkew = max(cmp.Or(c.o.ClockSkew, defaultClockSkew), 0)
	c.o.Lifetime, c.o.Now = cmp.Or(c.o.Lifetime, defaultSessionLifetime), clock(c.o.Now)
	if c.o.Lifetime < 0 {
		return nil, errors.New("sessiontoken: SessionOptions.Lifetime is negative")
	}
	if c.o.WIF10 {
		c.version = wif.V10
	}
	var err error
	if c.o.Transforms == nil {
		if c.o.Transforms, err = defaultTransforms(keys, c.version); err != nil {
			return nil, err
		}
	}
	if c.chain, err = newChain(c.o.Transforms); err != nil {
		return nil, err
	}
	if c.o.Store != nil {
		if keys == nil {
			return nil, errors.New("sessiontoken: SessionOptions.Store needs keys")
		}
		if isNote(c.storeKey("", "")) {
			return nil,
				fmt.Errorf("sessiontoken: SessionOptions.Endpoint is %q, which a Store takes for a note", c.o.Endpoint)
		}
		// As in the shared token cache of Thinktecture's repository.
		if c.store, err = protector(keys, "PassiveSessionTokenCache"); err != nil {
			return nil, err
		}
	}
	c.scratch.New = func() any { return new(sessionScratch) }
	return c, nil
}

// sessionScratch is memory that the next call uses again.
type sessionScratch struct {
	text, xml, packed []byte
	turn              [2][]byte // what the transforms read and write in turn
	read              wif.Reader
	write             wif.Writer
}

// maxScratch is the size above which a buffer is not kept.
const maxScratch = 256 << 10

func (c *SessionCodec) release(s *sessionScratch) {
	if max(cap(s.text), cap(s.turn[0]), cap(s.turn[1])) <= maxScratch {
		c.scratch.Put(s)
	}
}

// Decode opens the text of a session cookie, its chunks already joined, and
// checks that it is valid now and for this endpoint.
//
// The error is [ErrInvalid] for everything that is not authentic, with no detail;
// [ErrUnsupported] for a value of the handler that is WIF's default; a [*FormatError] for
// authentic data that does not parse; [ErrNotYetValid], [ErrExpired] or [ErrEndpoint];
// [ErrNotInStore] for a reference that leads nowhere; or what the store returned.
func (c *SessionCodec) Decode(ctx context.Context, value string) (*Token, error) {
	r := anatomy.From(ctx)
	s := c.scratch.Get().(*sessionScratch)
	defer c.release(s)

	// Text to XML.
	xml, ok := wif.AppendTextDecode(s.xml[:0], value)
	s.xml = xml[:0]
	if !ok {
		return nil, r.Refuse(layerText, len(value), ErrInvalid)
	}
	r.Add(layerText, len(value))

	// XML to ids and protected bytes; nothing of it can be trusted.
	var env wif.Envelope
	var protected []byte
	if ok = wif.ParseEnvelope(xml, &env); ok {
		noteEnvelope(r, len(xml), &env)
		protected, ok = env.AppendProtected(s.packed[:0])
		s.packed = protected[:0]
	}
	if !ok {
		return nil, r.Refuse(layerEnvelope, len(xml), ErrInvalid)
	}

	// Protected bytes to the payload, one transform after the other, or what
	// the store has: authentic from here on.
	var payload []byte
	var key string
	var err error
	if bytes.HasPrefix(protected, []byte(dpapiHead)) {
		return nil, r.Refuse(c.chain[len(c.chain)-1].name, len(protected), errDPAPI)
	}
	if env.HasCookie {
		payload, key, err = c.chain.decode(ctx, &s.turn, protected, r)
	} else {
		payload, key, err = c.fetch(ctx, s, &env, r)
	}
	if err != nil {
		return nil, err
	}

	// Payload to the document.
	data, err := wif.ParsePayload(payload, c.version)
	if err != nil {
		return nil, r.Refuse(payloadLayer(c.version), len(payload), formatError(err))
	}
	if c.version == wif.V45 {
		r.Add(layerNRBF, len(payload))
	}

	// Document to the token.
	doc, err := s.read.Read(data, c.version)
	if err != nil {
		return nil, r.Refuse(layerNBFX, len(data), formatError(err))
	}
	t := newToken(doc, c.version)
	t.openedBy = key
	noteToken(r, len(data), t)

	// The ids outside must be those inside.
	if err := checkIDs(&env, t); err != nil {
		return nil, r.Refuse(layerIDs, 0, err)
	}
	r.Add(layerIDs, 0)

	// The clock and the endpoint.
	noteTokenTimes(r, t, c.o.ClockSkew)
	if err := c.valid(t); err != nil {
		return nil, r.Refuse(layerValidity, 0, err)
	}
	return t, nil
}

// Traits are for package cookie.
func (c *SessionCodec) Traits() codec.Traits[*Token, *Principal] {
	return codec.Traits[*Token, *Principal]{Keys: c.keys, Store: c.o.Store, Now: c.o.Now,
		Lifetime: c.o.Lifetime, ClockSkew: c.o.ClockSkew, Path: c.o.Endpoint, WIF10: c.o.WIF10, Valid: c.valid,
		Principal: func(t *Token) *Principal { return &t.Principal }, SignedIn: (*Token).signedIn,
		Renew: func(t *Token, now time.Time) (*Token, bool) { return t.renew(now, c.o.ClockSkew) }}
}

// ReadPrincipal implements [Reader] with Decode.
func (c *SessionCodec) ReadPrincipal(ctx context.Context, value string) (*Principal, error) {
	t, err := c.Decode(ctx, value)
	if err != nil {
		return nil, err
	}
	return &t.Principal, nil
}

// checkIDs compares the ids of the envelope and the token, and wants an identity.
func checkIDs(env *wif.Envelope, t *Token) error {
	var fault error
	switch {
	case string(env.ContextID) != string(secret.View(t.ContextID)):
		fault = errors.New("outer Identifier differs from the inner ContextId (ID4229)")
	case !env.HasID || string(env.ID) != t.ID:
		fault = errors.New("outer Id differs from the inner Id (ID4227)")
	case len(t.Principal.Identities) == 0:
		fault = wif.ErrIdentities
	default:
		return nil
	}
	return &FormatError{Layer: "token", Offset: -1, Err: fault}
}

// valid compares a token with the clock and the endpoint
// (SessionSecurityTokenHandler.ValidateToken; equality is valid). The error is
// [ErrNotYetValid], [ErrExpired] or [ErrEndpoint].
func (c *SessionCodec) valid(t *Token) error {
	if t.EndpointID != "" && c.o.Endpoint != "" && t.EndpointID != c.o.Endpoint {
		return fmt.Errorf("%w: token is for %q, this is %q (ID4291)", ErrEndpoint,
			t.EndpointID, c.o.Endpoint)
	}
	now := c.o.Now()
	if t.ValidFrom.After(now.Add(c.o.ClockSkew)) {
		return fmt.Errorf("%w before %s (ID4255)", ErrNotYetValid, t.ValidFrom.Format(time.RFC3339))
	}
	if t.ValidTo.Before(now.Add(-c.o.ClockSkew)) {
		return fmt.Errorf("%w at %s (ID4255)", ErrExpired, t.ValidTo.Format(time.RFC3339))
	}
	return nil
}

// Encode returns the text of a session cookie for t, ready to be cut into chunks, and leaves t
// as it is. A token in reference mode is put into the store and only named in the text.
//
// It refuses what .NET or Decode could not read back: empty identifiers, text
// that is not UTF-8, times outside the years 1 to 9999, more than 1 MiB.
func (c *SessionCodec) Encode(ctx context.Context, t *Token) (string, error) {
	s := c.scratch.Get().(*sessionScratch)
	defer c.release(s)

	// The token to the document.
	head := t.head()
	doc, err := appendDocument(&s.write, s.turn[1][:0], t, &head, c.version)
	s.turn[1] = doc[:0]
	if err != nil {
		return "", err
	}

	// Document to the payload.
	payload := wif.AppendPayload(s.xml[:0], doc, c.version)
	s.xml = payload[:0]
	if len(payload) > limits.Token {
		return "", cannotIssue("token of %d bytes, .NET reads at most %d (ID1068)", len(payload),
			limits.Token)
	}

	// Payload to protected bytes, through all transforms, or for the store.
	var protected []byte
	switch {
	case !t.ReferenceMode:
		protected, err = c.chain.encode(&s.turn, payload)
	case c.o.Store == nil:
		err = cannotIssue("token in reference mode and no store")
	default:
		protected, err = c.store.Protect(nil, payload)
	}
	if err != nil {
		return "", err
	}

	// Ids and protected bytes to XML.
	xml, err := wif.AppendEnvelope(s.xml[:0], &head, protected, t.ReferenceMode)
	s.xml = xml[:0]
	if err != nil {
		return "", cannotIssue("%w", err)
	}
	if t.ReferenceMode {
		key := c.storeKey(t.contextID(), t.KeyGeneration)
		if err := c.o.Store.Put(ctx, key, protected, t.ValidTo.Add(c.o.ClockSkew)); err != nil {
			return "", storeError(err)
		}
	}

	// XML to text.
	if n := wif.TextLen(len(xml)); n > limits.Text {
		return "", cannotIssue("text of %d characters, at most %d are read", n, limits.Text)
	}
	s.text = wif.AppendText(s.text[:0], xml)
	return string(s.text), nil
}

// dpapiHead begins what the Windows DPAPI protects: version 1 and the GUID of
// its default provider.
const dpapiHead = "\x01\x00\x00\x00\xD0\x8C\x9D\xDF\x01\x15\xD1\x11\x8C\x7A\x00\xC0\x4F\xC2\x97\xEB"
