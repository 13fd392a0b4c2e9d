package sessiontoken

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
)

// Anatomy is what [SessionCodec.Inspect] found, layer by layer. It is for the
// operator who holds the key, never for the sender of the cookie.
type Anatomy struct {
	// Layers are the layers that were looked at, outermost first. If one
	// refused the value, it is the last.
	Layers []Layer
	// Token is set once the innermost layer has been read, also if a later
	// check refused it.
	Token *Token
	// OWIN is the same for a ticket of Katana.
	OWIN *OWINTicket
	// Forms is the same for a ticket of forms authentication.
	Forms *FormsTicket
	// Err is why the value would be refused, nil if it would not.
	Err error
}

// Layer is one layer of a credential.
type Layer struct {
	// Name is a short name such as "envelope" or "machine key".
	Name string
	// Size is the length of the layer's data in bytes.
	Size int
	// Facts are what the layer shows, in order.
	Facts []Fact
	// Err is why this layer refused the value.
	Err error
}

// Fact is one named value of a [Layer].
type Fact struct{ Name, Value string }

// Names of the layers.
const (
	layerText           = "text (base64)"
	layerEnvelope       = "envelope (XML)"
	layerMachineKey     = "machine key"
	layerMachineKeyText = "machine key (hex)"
	layerRSAEncryption  = "rsa encryption"
	layerRSASignature   = "rsa signature"
	layerStore          = "store"
	layerDeflate        = "deflate"
	layerNRBF           = "nrbf"
	layerPayload        = "payload"
	layerNBFX           = "nbfx"
	layerIDs            = "ids inside and outside"
	layerValidity       = "validity"
)

// Inspect opens value as Decode does and reports every layer, down to the one
// that refuses. Unlike the errors of Decode the report tells an attacker
// which layer that is, so it must not leave the operator's side.
func (c *SessionCodec) Inspect(ctx context.Context, value string) *Anatomy {
	a := new(Anatomy)
	t, err := c.open(ctx, value, a)
	if err != nil {
		a.Err = err
		return a
	}
	a.add(layerValidity, 0, Fact{"from", formatTime(t.ValidFrom)}, Fact{"to", formatTime(t.ValidTo)},
		Fact{"clock skew", c.o.ClockSkew.String()}, Fact{"endpoint", quoteOr(t.EndpointID, "any")})
	if a.Err = c.Valid(t); a.Err != nil {
		a.Layers[len(a.Layers)-1].Err = a.Err
	}
	return a
}

// add notes a layer. A nil Anatomy notes nothing, which is the request path.
func (a *Anatomy) add(name string, size int, facts ...Fact) {
	if a != nil {
		a.Layers = append(a.Layers, Layer{Name: name, Size: size, Facts: facts})
	}
}

// refuse notes the layer that refused the value and returns err.
func (a *Anatomy) refuse(name string, size int, err error) error {
	if a != nil {
		if n := len(a.Layers); n > 0 && a.Layers[n-1].Name == name {
			a.Layers[n-1].Err = err // a second step of the same layer
		} else {
			a.Layers = append(a.Layers, Layer{Name: name, Size: size, Err: err})
		}
	}
	return err
}

func (a *Anatomy) addEnvelope(size int, env *envelope) {
	if a == nil {
		return
	}
	mode := "the token is inside"
	if !env.hasCookie {
		mode = "reference to a store"
	}
	a.add(layerEnvelope, size,
		Fact{"id", string(env.id)}, Fact{"context id", string(env.contextID)},
		Fact{"key generation", quoteOr(string(env.keyGeneration), "none")}, Fact{"mode", mode})
}

// addKey notes a layer and the machine key that opened it, if one did.
func (a *Anatomy) addKey(name string, size int, key *machinekey.Key) {
	if a == nil {
		return
	}
	if key == nil {
		a.add(name, size)
		return
	}
	a.add(name, size, Fact{"opened by key", key.ID()})
}

func (a *Anatomy) addToken(size int, t *Token) {
	if a == nil {
		return
	}
	a.Token = t
	claims := 0
	for range t.Principal.All("") {
		claims++
	}
	a.add(layerNBFX, size,
		Fact{"identities", fmt.Sprint(len(t.Principal.Identities))}, Fact{"claims", fmt.Sprint(claims)},
		Fact{"persistent", fmt.Sprint(t.Persistent)}, Fact{"reference mode", fmt.Sprint(t.ReferenceMode)})
}

func formatTime(t time.Time) string { return t.Format("2006-01-02 15:04:05.9999999Z") }

// quoteOr returns s in quotes, or a word for the empty string.
func quoteOr(s, empty string) string {
	if s == "" {
		return empty
	}
	return strconv.Quote(s)
}
