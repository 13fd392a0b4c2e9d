package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// middleware is what sends a state string to an identity provider: its class
// and its AuthenticationType decide the key.
type middleware struct{ class, authType string }

// middlewares are those of Katana with their short names and the
// AuthenticationTypes that they have if the site names none.
var middlewares = []struct {
	short string
	middleware
}{
	{"google", middleware{sessiontoken.KatanaStateGoogle, "Google"}},
	{"facebook", middleware{sessiontoken.KatanaStateFacebook, "Facebook"}},
	{"microsoft", middleware{sessiontoken.KatanaStateMicrosoft, "Microsoft"}},
	{"openidconnect", middleware{sessiontoken.KatanaStateOpenIDConnect, "OpenIdConnect"}},
	{"wsfederation", middleware{sessiontoken.KatanaStateWSFederation, "Federation"}},
}

// findMiddleware returns the one that -class and -auth-type mean. Either may
// be left out for a middleware that has its usual AuthenticationType.
func findMiddleware(class, authType string) (middleware, error) {
	var names []string
	for _, m := range middlewares {
		names = append(names, m.short)
		switch {
		case class == "" && authType == m.authType:
			return m.middleware, nil
		case strings.EqualFold(class, m.short), class == m.class:
			return middleware{m.class, cmp.Or(authType, m.authType)}, nil
		}
	}
	switch known := strings.Join(names, ", "); {
	case class == "":
		return middleware{}, usageError("-kind state needs -class, the middleware: one of " + known + " or the whole name of the class")
	case !strings.Contains(class, "."):
		return middleware{}, usageError(fmt.Sprintf("-class %q: one of %s or the whole name of the class", class, known))
	case authType == "":
		return middleware{}, usageError("-class with another class needs its -auth-type")
	}
	return middleware{class, authType}, nil
}

// layerState is the layer of a state string that no other credential has.
const layerState = "katana properties"

// openState inspects a state string. It has the outer layers of a ticket, and
// inside the properties as they are.
func (c *codecs) openState(ctx context.Context, authType, text string) (opened, error) {
	m := middleware{c.stateClass, authType}
	// Of a ticket under the same purposes only the outer layers are looked at.
	outer, err := sessiontoken.NewKatanaCodec(c.ring, []string{m.class, m.authType, "v1"}, nil)
	if err != nil {
		return opened{}, setupError{err}
	}
	codec, err := sessiontoken.NewKatanaStateCodec(c.ring, m.class, m.authType)
	if err != nil {
		return opened{}, setupError{err}
	}
	o := opened{Report: &anatomy.Report{}}
	for _, layer := range anatomy.Of(ctx, outer.Decode, text).Layers {
		switch layer.Name {
		case "text (base64url)", layerSealed:
			o.Layers = append(o.Layers, layer)
			o.Err = layer.Err
		}
	}
	if o.Err != nil {
		return o, nil
	}
	o.state, o.Err = codec.Decode(ctx, text)
	o.Layers = append(o.Layers, anatomy.Layer{Name: layerState, Err: o.Err})
	if o.Err == nil && o.state == nil {
		o.state = sessiontoken.Properties{}
	}
	return o, nil
}

// stateReport is the state of a remote sign-in.
type stateReport struct {
	Class      string           `json:"class"`
	Properties []propertyReport `json:"properties"`
}

func newStateReport(class string, p sessiontoken.Properties) *stateReport {
	return &stateReport{class, newPropertyReports(p)}
}

func (r *stateReport) print(b *bytes.Buffer) {
	fmt.Fprint(b, "\nState of a remote sign-in\n")
	writeTable(b, "  ", [][]string{
		{"class", abridged(r.Class)},
		{"", "it says where to go after the sign-in and which browser asked, and signs nobody in"},
	})
	printProperties(b, r.Properties)
}
