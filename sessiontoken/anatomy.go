package sessiontoken

import (
	"cmp"
	"fmt"
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
	r.Add(layerEnvelope, size,
		fact("id", string(env.ID)), fact("context id", string(env.ContextID)),
		fact("key generation", quoteOr(string(env.KeyGeneration), "none")), fact("mode", mode))
}

// noteKey notes a layer and the machine key that opened it, if one did.
func noteKey(r *anatomy.Report, name string, size int, keyID string) {
	switch {
	case r == nil:
	case keyID == "":
		r.Add(name, size)
	default:
		r.Add(name, size, fact("opened by key", keyID))
	}
}

// noteMode notes which key opened the value, and how.
func noteMode(r *anatomy.Report, size int, keyID string, p *modeProtector) {
	if r == nil {
		return
	}
	facts := []anatomy.Fact{fact("opened by key", keyID)}
	if p.ring != nil {
		mode := p.mode(keyID)
		facts = append(facts, fact("mode", mode))
		if mode != machinekey.Framework45 {
			facts = append(facts,
				fact("protection", cmp.Or(p.legacy.Protection, machinekey.ProtectionAll)))
		}
	}
	if !p.authenticates(keyID) {
		facts = append(facts, fact("authentic", "no: anybody may have written it"))
	}
	r.Add(layerMachineKey, size, facts...)
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
	r.Add(layerNBFX, size, append(userFacts(&t.Principal),
		fact("persistent", t.Persistent), fact("reference mode", t.ReferenceMode))...)
}

func noteForms(r *anatomy.Report, size int, t *FormsTicket) {
	if r == nil {
		return
	}
	shown := *t // a copy, so that t need not leave the stack of ReadPrincipal
	r.Content = &shown
	r.Add(layerTicket, size,
		fact("version", t.Version), fact("name", strconv.Quote(t.Name)),
		fact("issued", formatTime(t.IssueDate)), fact("expires", formatTime(t.Expiration)),
		fact("persistent", t.Persistent), fact("user data", quoteOr(t.UserData, "none")),
		fact("cookie path", quoteOr(t.CookiePath, "none")))
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
	r.Add(layerKatana, size,
		fact("version", t.Version), fact("authentication type", quoteOr(t.Identity.AuthenticationType, "none")),
		fact("claims", len(t.Identity.Claims)), fact("properties", len(t.Properties)),
		fact("persistent", t.Properties.has(PropertyPersistent)), fact("mode", mode))
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
	facts := append([]anatomy.Fact{fact("scheme", quoteOr(t.Scheme, "none"))}, userFacts(t.Principal)...)
	r.Add(layerCore, size, append(facts, fact("properties", len(t.Properties)),
		fact("persistent", t.Properties.has(PropertyPersistent)), fact("mode", mode))...)
}

func noteTokenTimes(r *anatomy.Report, t *Token, skew time.Duration) {
	if r == nil {
		return
	}
	r.Add(layerValidity, 0, fact("from", formatTime(t.ValidFrom)),
		fact("to", formatTime(t.ValidTo)), fact("clock skew", skew),
		fact("endpoint", quoteOr(t.EndpointID, "any")))
}

func noteFormsTimes(r *anatomy.Report, t *FormsTicket, skew time.Duration) {
	if r == nil {
		return
	}
	r.Add(layerValidity, 0, fact("issued", formatTime(t.IssueDate)),
		fact("to", formatTime(t.Expiration)), fact("clock skew", skew))
}

func noteTimes(r *anatomy.Report, p Properties) {
	if r == nil {
		return
	}
	issued, _ := p.Get(PropertyIssued)
	expires, _ := p.Get(PropertyExpires)
	r.Add(layerValidity, 0, fact("issued", quoteOr(issued, "missing")),
		fact("expires", quoteOr(expires, "missing")))
}

func fact(name string, value any) anatomy.Fact {
	return anatomy.Fact{Name: name, Value: fmt.Sprint(value)}
}

// userFacts are the numbers of identities and of their claims.
func userFacts(p *Principal) []anatomy.Fact {
	claims := 0
	for range p.All("") {
		claims++
	}
	return []anatomy.Fact{fact("identities", len(p.Identities)), fact("claims", claims)}
}

func formatTime(t time.Time) string { return t.Format("2006-01-02 15:04:05.9999999Z") }

// quoteOr returns s in quotes, or a word for the empty string.
func quoteOr(s, empty string) string {
	if s == "" {
		return empty
	}
	return strconv.Quote(s)
}
