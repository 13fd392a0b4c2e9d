package sessiontoken

import (
	"context"
	"fmt"
)

// Names of layers that only tickets of Katana have.
const (
	layerURLText = "text (base64url)"
	layerGzip    = "gzip"
	layerOWIN    = "owin ticket"
)

// Inspect opens value as Decode does and reports every layer, down to the one
// that refuses; see [SessionCodec.Inspect]. It leaves the store as it is.
func (c *OWINCodec) Inspect(ctx context.Context, value string) *Anatomy {
	a := new(Anatomy)
	t, err := c.open(ctx, value, a)
	if err != nil {
		a.Err = err
		return a
	}
	var facts []Fact
	for _, name := range []string{OWINIssued, OWINExpires} {
		text, _ := t.Properties.Get(name)
		facts = append(facts, Fact{name[1:], quoteOr(text, "missing")})
	}
	a.add(layerValidity, 0, facts...)
	if a.Err = c.Valid(t); a.Err != nil {
		a.Layers[len(a.Layers)-1].Err = a.Err
	}
	return a
}

func (a *Anatomy) addOWIN(size int, t *OWINTicket) {
	if a == nil {
		return
	}
	a.OWIN = t
	mode := "the ticket is inside"
	if isOWINReference(&t.Identity) {
		mode = "reference to a store"
	}
	a.add(layerOWIN, size,
		Fact{"version", t.Version.String()}, Fact{"authentication type", quoteOr(t.Identity.AuthenticationType, "none")},
		Fact{"claims", fmt.Sprint(len(t.Identity.Claims))}, Fact{"properties", fmt.Sprint(len(t.Properties))},
		Fact{"persistent", fmt.Sprint(t.Properties.Persistent())}, Fact{"mode", mode})
}
