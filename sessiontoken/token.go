package sessiontoken

import (
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Token is a WIF session token (System.IdentityModel.Tokens.SessionSecurityToken): who is signed
// in, and for how long. Make one with [SessionCodec.NewToken].
//
// Times have the resolution of .NET, 100 ns, and a range of the years 1 to
// 9999; both are UTC after reading.
type Token struct {
	// ID names this token; not empty.
	ID string
	// ContextID names the session, usually "urn:uuid:" and a UUID; not empty, without white
	// space at its ends. In reference mode it is as good as the cookie.
	ContextID machinekey.Secret `json:"-"`
	// KeyGeneration distinguishes keys of one session; usually empty.
	KeyGeneration string
	// EndpointID is the cookie path the token was issued for. Empty fits every path.
	EndpointID string
	// Context is free text; sites with WS-Federation keep the sign-out
	// address of the identity provider in it.
	Context string
	// Key is a symmetric key for WCF, 16 random bytes that a web site never uses.
	Key machinekey.Secret `json:"-"`
	// ValidFrom and ValidTo limit the session, clock skew apart.
	ValidFrom, ValidTo time.Time
	// KeyEffective and KeyExpires limit the key; .NET never checks them.
	KeyEffective, KeyExpires time.Time
	// Persistent asks for a cookie that outlives the browser.
	Persistent bool
	// ReferenceMode keeps the token in a store and only its name in the cookie.
	ReferenceMode bool
	// SecureConversationFeb2005 says that the envelope names the February 2005 version of
	// WS-SecureConversation in place of 1.3, which .NET writes. It has no other effect.
	SecureConversationFeb2005 bool
	// Principal is the signed-in user.
	Principal Principal

	openedBy string
}

// NewToken returns a token for p as .NET makes one at sign-in: fresh identifiers and key, valid
// from now for the codec's lifetime, for its endpoint. Change what should differ and give it to
// Encode. It fails only if [rand.Reader] does.
func (c *SessionCodec) NewToken(p Principal) (*Token, error) {
	var r [64]byte
	if _, err := io.ReadFull(rand.Reader, r[:]); err != nil {
		return nil, fmt.Errorf("sessiontoken: random source: %w", err)
	}
	now := tickTime(c.o.Now())
	id := append(newUUID([]byte("_"), r[:16]), '-')
	t := &Token{
		ID:         string(forms.AppendHex(id, r[16:32])),
		ContextID:  secret.Own(newUUID([]byte("urn:uuid:"), r[32:48])),
		EndpointID: c.o.Endpoint,
		Key:        secret.New(nonZero(r[48:64])),
		ValidFrom:  now,
		ValidTo:    now.Add(c.o.Lifetime),
		Principal:  p,
	}
	t.KeyEffective, t.KeyExpires = t.ValidFrom, t.ValidTo
	return t, nil
}

// OpenedBy returns the id of the key that opened the token, so that a token
// opened with an older key can be issued again. It is empty for a token that
// was not read from a cookie, or from one of certificates.
func (t *Token) OpenedBy() string { return t.openedBy }

// contextID is the text of ContextID.
func (t *Token) contextID() string { return string(secret.View(t.ContextID)) }

// Format implements [fmt.Formatter] for every verb, so that none prints claim values,
// the key, a bootstrap token or, in reference mode, the ContextID.
func (t Token) Format(s fmt.State, _ rune) {
	context := fmt.Sprintf("context %q", t.contextID())
	if t.ReferenceMode {
		context = "by reference"
	}
	fmt.Fprintf(s, "sessiontoken.Token{%s, identities %d, valid %s to %s}",
		context, len(t.Principal.Identities), t.ValidFrom.Format(time.RFC3339),
		t.ValidTo.Format(time.RFC3339))
}

// renew returns a copy of t that is valid from now on for another lifetime of t, if t is due:
//
//	0 < ValidTo + skew - now  <=  (ValidTo - ValidFrom + skew) / 2
//
// WIF itself never renews; this is the rule of Thinktecture.IdentityModel, which most sites use.
// Unlike there, where the new token gets a new ContextID and no EndpointID, all else is kept,
// with KeyEffective, so that it tells the time of the sign-in; see signedIn.
//
// WIF 1.0 refuses a key that is older than its token
// (SecurityContextSecurityToken): KeyEffective must be ValidFrom there.
func (t *Token) renew(now time.Time, skew time.Duration) (*Token, bool) {
	whole := t.ValidTo.Sub(t.ValidFrom)
	left := t.ValidTo.Add(skew).Sub(now)
	if left <= 0 || left > (whole+skew)/2 {
		return nil, false
	}
	renewed := *t
	renewed.ValidFrom = tickTime(now)
	renewed.ValidTo = renewed.ValidFrom.Add(whole)
	renewed.KeyExpires = renewed.ValidTo
	return &renewed, true
}

// signedIn returns when the session began: KeyEffective, which renew leaves and .NET
// never looks at. After ValidFrom, or in the year 1, where .NET has its zero time, it
// says nothing, and ValidFrom counts. A .NET node with sliding sessions of its own
// makes a new token, and so a new beginning.
func (t *Token) signedIn() time.Time {
	if t.KeyEffective.Year() <= 1 || t.KeyEffective.After(t.ValidFrom) {
		return t.ValidFrom
	}
	return t.KeyEffective
}

// newUUID appends a random UUID (version 4) in .NET's lower-case form.
func newUUID(dst, random []byte) []byte {
	g := [16]byte(random)
	g[7] = g[7]&0x0F | 0x40 // .NET keeps the third field little-endian
	g[8] = g[8]&0x3F | 0x80
	return dotnet.FormatGUID(dst, g)
}

// nonZero replaces zero bytes, which .NET's generator never makes.
func nonZero(key []byte) []byte {
	for i := range key {
		if key[i] == 0 {
			key[i] = byte(i + 1)
		}
	}
	return key
}

// tickTime returns t as .NET can hold it: in UTC, to 100 ns.
func tickTime(t time.Time) time.Time { return t.UTC().Truncate(100 * time.Nanosecond) }

// clock returns now, or the clock of this machine for nil.
func clock(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// tokenMemory holds a token of one identity, a short key and a short context id in one piece.
type tokenMemory struct {
	Token
	identity [1]Identity
	secrets  [64]byte
	boxes    [2]secret.Box
}

// newToken makes the token that a document describes. It allocates the token,
// its text, its claims and, where they do not fit into the token's own memory,
// the identities, the properties and the bytes.
func newToken(d *wif.Document, f wif.Version) *Token {
	m := new(tokenMemory)
	t := &m.Token
	text := string(d.Texts) // every string of the token is a part of this one
	str := func(s wif.Span) string { return text[s.Off : s.Off+s.Len] }
	strOr := func(s wif.Span, def string) string {
		if s.Len == 0 {
			return def
		}
		return text[s.Off : s.Off+s.Len]
	}

	t.ID = str(d.ID)
	t.KeyGeneration = str(d.KeyGeneration)
	t.EndpointID = str(d.EndpointID)
	t.Context = str(d.Context)
	t.ValidFrom, t.ValidTo = d.ValidFrom, d.ValidTo
	t.KeyEffective, t.KeyExpires = d.KeyEffective, d.KeyExpires
	t.Persistent, t.ReferenceMode = d.Persistent, d.Reference
	t.SecureConversationFeb2005 = d.SecureConversation == wif.SCFeb2005

	blob, contextID := m.secrets[:0], str(d.ContextID)
	if n := len(d.Blob) + len(contextID); n > len(m.secrets) {
		blob = make([]byte, 0, n)
	}
	blob = append(append(blob, d.Blob...), contextID...)
	t.ContextID = m.boxes[0].Own(blob[len(d.Blob):])
	t.Key = m.boxes[1].Own(blob[:d.KeyLen:d.KeyLen])

	properties := make(Properties, len(d.Properties))
	for i, p := range d.Properties {
		properties[i] = [2]string{str(p[0]), str(p[1])}
	}
	claims := make([]Claim, len(d.Claims))
	for i := range d.Claims {
		s, c := &d.Claims[i], &claims[i]
		c.Type, c.Value = str(s.Type), str(s.Value)
		c.ValueType = strOr(s.ValueType, dotnet.ValueTypeString)
		c.Issuer = strOr(s.Issuer, dotnet.LocalAuthority)
		c.OriginalIssuer = strOr(s.OriginalIssuer, c.Issuer)
		if a, b := s.Properties[0], s.Properties[1]; a < b {
			c.Properties = properties[a:b:b]
		}
	}

	identities := m.identity[:min(len(d.Identities), 1)]
	if len(d.Identities) > 1 {
		identities = make([]Identity, len(d.Identities))
	}
	// Top-level identities first, so that they are one slice; actors behind.
	root, next := 0, d.Roots
	for i := range d.Identities {
		if !d.Identities[i].IsActor {
			next = place(d, f, i, root, next, identities, claims, blob, str)
			root++
		}
	}
	if d.Roots > 0 {
		t.Principal.Identities = identities[:d.Roots:d.Roots]
	}
	return t
}

// place fills identities[at] from the i-th identity of the document, its
// actors from identities[next] on, and returns the next free place.
func place(d *wif.Document, f wif.Version, i, at, next int, identities []Identity, claims []Claim, blob []byte, str func(wif.Span) string) int {
	s, id := &d.Identities[i], &identities[at]
	id.AuthenticationType, id.Label = str(s.Authentication), str(s.Label)
	if f == wif.V45 {
		id.NameClaimType, id.RoleClaimType = dotnet.NameClaimType, dotnet.RoleClaimType
	}
	if s.NameType.Len > 0 {
		id.NameClaimType = str(s.NameType)
	}
	if s.RoleType.Len > 0 {
		id.RoleClaimType = str(s.RoleType)
	}
	if a, b := s.Claims[0], s.Claims[1]; a < b {
		id.Claims = claims[a:b:b]
	}
	if s.Bootstrap != wif.BootstrapNone {
		id.BootstrapKind, id.Bootstrap = bootstrapKinds[s.Bootstrap], secret.Own(blob[s.Data[0]:s.Data[1]:s.Data[1]])
	}
	if s.Actor >= 0 {
		id.Actor = &identities[next]
		next = place(d, f, int(s.Actor), next, next+1, identities, claims, blob, str)
	}
	return next
}

// appendDocument appends the document of t, whose head is given, to dst.
func appendDocument(w *wif.Writer, dst []byte, t *Token, head *wif.Head[string], f wif.Version) ([]byte, error) {
	err := w.Begin(dst, f, head, secret.View(t.Key))
	if err == nil {
		for i := range t.Principal.Identities {
			appendIdentity(w, &t.Principal.Identities[i])
		}
		dst, err = w.Done()
	}
	if err != nil {
		return dst, cannotIssue("%w", layerCause(err))
	}
	return dst, nil
}

// head returns what the envelope and the document say of t.
func (t *Token) head() wif.Head[string] {
	h := wif.Head[string]{
		ID: t.ID, ContextID: t.contextID(), KeyGeneration: t.KeyGeneration,
		EndpointID: t.EndpointID, Context: t.Context,
		Persistent: t.Persistent, Reference: t.ReferenceMode,
		ValidFrom: t.ValidFrom, ValidTo: t.ValidTo,
		KeyEffective: t.KeyEffective, KeyExpires: t.KeyExpires,
	}
	if t.SecureConversationFeb2005 {
		h.SecureConversation = wif.SCFeb2005
	}
	return h
}

func appendIdentity(w *wif.Writer, i *Identity) {
	w.StartIdentity(&wif.Identity[string]{
		Authentication: i.AuthenticationType, Label: i.Label, NameType: i.NameClaimType, RoleType: i.RoleClaimType,
	}, len(i.Claims))
	for k := range i.Claims {
		c := &i.Claims[k]
		w.WriteClaim(&wif.Claim[string]{
			Type: c.Type, Value: c.Value, ValueType: c.ValueType, Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer,
		}, c.Properties)
	}
	w.EndClaims()
	if i.Actor != nil && w.StartActor() {
		appendIdentity(w, i.Actor)
		w.EndActor()
	}
	kind := slices.Index(bootstrapKinds[:], i.BootstrapKind)
	if kind < 0 {
		kind = len(bootstrapKinds) // which the writer refuses
	}
	w.EndIdentity(wif.Bootstrap(kind), secret.View(i.Bootstrap))
}
