package sessiontoken

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Names of the layers in an [anatomy.Report].
const (
	layerText           = "text (base64)"
	layerURLText        = "text (base64url)"
	layerFormsText      = "text (hex or URL token)"
	layerEnvelope       = "envelope (XML)"
	layerMachineKey     = "machine key"
	layerMachineKeyText = "machine key (hex)"
	layerRSAEncryption  = "rsa encryption"
	layerRSASignature   = "rsa signature"
	layerStore          = "store"
	layerDeflate        = "deflate"
	layerTransform      = "transform" // one of the user's
	layerGzip           = "gzip"
	layerNRBF           = "nrbf"
	layerPayload        = "payload"
	layerNBFX           = "nbfx"
	layerTicket         = "forms ticket"
	layerKatana         = "katana ticket"
	layerKeyRing        = "key ring"
	layerCore           = "core ticket"
	layerIDs            = "ids inside and outside"
	layerValidity       = "validity"
)

// The functions below note what a layer shows. Without a report, which is the
// request path, they do nothing.

func noteEnvelope(r *anatomy.Report, size int, env *wif.Envelope) {
	if r == nil {
		return
	}
	mode := "the token is inside"
	if !env.HasCookie {
		mode = "reference to a store"
	}
	note(r, layerEnvelope, size, "id", string(env.ID), "context id", string(env.ContextID),
		"key generation", quoteOr(string(env.KeyGeneration), "none"), "mode", mode)
}

// noteKey notes a layer and the machine key that opened it, if one did.
func noteKey(r *anatomy.Report, name string, size int, keyID string) {
	switch {
	case r == nil:
	case keyID == "":
		r.Add(name, size)
	default:
		note(r, name, size, "opened by key", keyID)
	}
}

// noteMode notes which key opened the value, and how.
func noteMode(r *anatomy.Report, size int, keyID string, p *modeProtector) {
	if r == nil {
		return
	}
	facts := []any{"opened by key", keyID}
	if p.ring != nil {
		mode := p.mode(keyID)
		facts = append(facts, "mode", mode)
		if mode != machinekey.Framework45 {
			facts = append(facts, "protection", cmp.Or(p.legacy.Protection, machinekey.ProtectionAll))
		}
	}
	if !p.authenticates(keyID) {
		facts = append(facts, "authentic", "no: anybody may have written it")
	}
	note(r, layerMachineKey, size, facts...)
}

// payloadLayer is the layer around the document. WIF 1.0 has none; there the
// name says where data of another kind was refused.
func payloadLayer(f wif.Version) string {
	if f == wif.V45 {
		return layerNRBF
	}
	return layerPayload
}

func noteToken(r *anatomy.Report, size int, t *Token) {
	if r == nil {
		return
	}
	r.Content = t
	note(r, layerNBFX, size, "identities", len(t.Principal.Identities),
		"claims", claimCount(&t.Principal), "persistent", t.Persistent, "reference mode", t.ReferenceMode)
}

func noteForms(r *anatomy.Report, size int, t *FormsTicket, skew time.Duration) {
	if r == nil {
		return
	}
	shown := *t // a copy, so that t need not leave the stack of ReadPrincipal
	r.Content = &shown
	note(r, layerTicket, size, "version", t.Version, "name", strconv.Quote(t.Name),
		"issued", formatTime(t.IssueDate), "expires", formatTime(t.Expiration),
		"persistent", t.Persistent, "user data", quoteOr(t.UserData, "none"),
		"cookie path", quoteOr(t.CookiePath, "none"))
	note(r, layerValidity, 0, "issued", formatTime(t.IssueDate), "to", formatTime(t.Expiration),
		"clock skew", skew)
}

func noteKatana(r *anatomy.Report, size int, t *KatanaTicket) {
	if r == nil {
		return
	}
	r.Content = t
	mode := "the ticket is inside"
	if isKatanaReference(&t.Identity) {
		mode = "reference to a store"
	}
	note(r, layerKatana, size, "version", t.Version,
		"authentication type", quoteOr(t.Identity.AuthenticationType, "none"),
		"claims", len(t.Identity.Claims), "properties", len(t.Properties),
		"persistent", t.Properties.has(PropertyPersistent), "mode", mode)
}

func noteCore(r *anatomy.Report, size int, t *CoreTicket) {
	if r == nil {
		return
	}
	r.Content = t
	mode := "the ticket is inside"
	if t.isReference() {
		mode = "reference to the store of a .NET node"
	}
	note(r, layerCore, size, "scheme", quoteOr(t.Scheme, "none"),
		"identities", len(t.Principal.Identities), "claims", claimCount(t.Principal),
		"properties", len(t.Properties), "persistent", t.Properties.has(PropertyPersistent), "mode", mode)
}

func noteTokenTimes(r *anatomy.Report, t *Token, skew time.Duration) {
	if r == nil {
		return
	}
	note(r, layerValidity, 0, "from", formatTime(t.ValidFrom), "to", formatTime(t.ValidTo),
		"clock skew", skew, "endpoint", quoteOr(t.EndpointID, "any"))
}

func noteTimes(r *anatomy.Report, p Properties) {
	if r == nil {
		return
	}
	issued, _ := p.Get(PropertyIssued)
	expires, _ := p.Get(PropertyExpires)
	note(r, layerValidity, 0, "issued", quoteOr(issued, "missing"),
		"expires", quoteOr(expires, "missing"))
}

// note adds a layer with facts: names and values in turn.
func note(r *anatomy.Report, name string, size int, facts ...any) {
	var all []anatomy.Fact
	for pair := range slices.Chunk(facts, 2) {
		all = append(all, anatomy.Fact{Name: pair[0].(string), Value: fmt.Sprint(pair[1])})
	}
	r.Add(name, size, all...)
}

// claimCount is the number of claims of all identities.
func claimCount(p *Principal) (n int) {
	for range p.All("") {
		n++
	}
	return n
}

func formatTime(t time.Time) string { return t.Format("2006-01-02 15:04:05.9999999Z") }

// quoteOr returns s in quotes, or a word for the empty string.
func quoteOr(s, empty string) string {
	if s == "" {
		return empty
	}
	return strconv.Quote(s)
}
