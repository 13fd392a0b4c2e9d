package sessiontoken

import (
	"context"
	"fmt"
	"strconv"

	"github.com/webfarm-go/webfarm/machinekey"
)

// Names of the layers of a forms cookie.
const (
	layerFormsText = "text (hex or URL token)"
	layerTicket    = "forms ticket"
)

// Inspect opens value as Decode does and reports every layer, down to the one
// that refuses. Like that of [SessionCodec.Inspect] the report must not leave
// the operator's side.
func (c *FormsCodec) Inspect(_ context.Context, value string) *Anatomy {
	a := new(Anatomy)
	t := new(FormsTicket)
	if a.Err = c.open(value, t, a); a.Err != nil {
		return a
	}
	a.add(layerValidity, 0, Fact{"issued", formatTime(t.IssueDate)}, Fact{"to", formatTime(t.Expiration)},
		Fact{"clock skew", c.o.ClockSkew.String()})
	if a.Err = c.Valid(t); a.Err != nil {
		a.Layers[len(a.Layers)-1].Err = a.Err
	}
	return a
}

// addMode notes which key opened the value, and how.
func (a *Anatomy) addMode(size int, key *machinekey.Key, p modeProtector) {
	if a == nil {
		return
	}
	facts := []Fact{{"opened by key", key.ID()}, {"mode", key.Mode().String()}}
	if key.Mode() != machinekey.Framework45 {
		facts = append(facts, Fact{"protection", p.Options().Protection.String()})
	}
	if !p.Authenticates(key) {
		facts = append(facts, Fact{"authentic", "no: anybody may have written it"})
	}
	a.add(layerMachineKey, size, facts...)
}

func (a *Anatomy) addTicket(size int, t *FormsTicket) {
	if a == nil {
		return
	}
	shown := *t // a copy, so that t need not leave the stack of ReadPrincipal
	a.Forms = &shown
	a.add(layerTicket, size,
		Fact{"version", strconv.Itoa(int(t.Version))}, Fact{"name", strconv.Quote(t.Name)},
		Fact{"issued", formatTime(t.IssueDate)}, Fact{"expires", formatTime(t.Expiration)},
		Fact{"persistent", fmt.Sprint(t.Persistent)}, Fact{"user data", quoteOr(t.UserData, "none")},
		Fact{"cookie path", quoteOr(t.CookiePath, "none")})
}
