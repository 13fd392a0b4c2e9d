package sessiontoken

import (
	"slices"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// tokenMemory holds a token of one identity, a short key and a short context id
// in one piece.
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
