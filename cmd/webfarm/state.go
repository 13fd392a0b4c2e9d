package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// middleware is what sends a state string to an identity provider: its class
// and its AuthenticationType decide the key.
type middleware struct{ class, authType string }

// middlewares are Katana's, with their short names and default AuthenticationTypes.
var middlewares = []struct {
	short string
	middleware
}{
	{"google", middleware{katana.StateGoogle, "Google"}},
	{"facebook", middleware{katana.StateFacebook, "Facebook"}},
	{"microsoft", middleware{katana.StateMicrosoft, "Microsoft"}},
	{"openidconnect", middleware{katana.StateOpenIDConnect, "OpenIdConnect"}},
	{"wsfederation", middleware{katana.StateWSFederation, "Federation"}},
}

// findMiddleware returns the middleware of -class and -auth-type. Either may be left out for a
// middleware with its default AuthenticationType.
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
		return middleware{}, usageError("-kind state needs -class, the middleware: one of " +
			known + " or the whole name of the class")
	case !strings.Contains(class, "."):
		return middleware{},
			usageError(fmt.Sprintf("-class %q: one of %s or the whole name of the class", class,
				known))
	case authType == "":
		return middleware{}, usageError("-class with another class needs its -auth-type")
	}
	return middleware{class, authType}, nil
}

// layerState is the innermost layer of a state string. No other credential has it.
const layerState = "katana properties"

// openState inspects a state string: the outer layers of a ticket around bare properties.
func (c *codecs) openState(ctx context.Context, authType, text string) (opened, error) {
	m := middleware{c.stateClass, authType}
	keys, err := c.keysOf(kindState)
	if err != nil {
		return opened{}, setupError{err}
	}
	protector, err := keys.Protector(machinekey.UserPurpose, m.class, m.authType, "v1")
	if err != nil {
		return opened{}, setupError{err}
	}
	o := opened{Report: new(anatomy.Report)}
	protected, ok := katana.AppendTextDecode(nil, text)
	if !ok {
		o.Err = o.Refuse(layerURLText, len(text), sessiontoken.ErrInvalid)
		return o, nil
	}
	o.Add(layerURLText, len(text))
	plain, key, err := protector.Unprotect(ctx, nil, protected)
	if err != nil {
		o.Err = o.Refuse(layerSealed, len(protected), sessiontoken.ErrInvalid)
		return o, nil
	}
	o.Add(layerSealed, len(protected), anatomy.Fact{Name: "opened by key", Value: key})
	if o.state, err = katana.ReadState(plain); err != nil {
		o.Err = o.Refuse(layerState, 0, err)
		return o, nil
	}
	o.Add(layerState, 0)
	return o, nil
}

// stateReport is the state of a remote sign-in.
type stateReport struct {
	Class      string           `json:"class"`
	Properties []propertyReport `json:"properties"`
}

func (r *stateReport) print(b *bytes.Buffer) {
	fmt.Fprint(b, "\nState of a remote sign-in\n")
	writeTable(b, "  ", [][]string{
		{"class", abridged(r.Class)},
		{"", "it says where to go after the sign-in and which browser asked, and signs nobody in"},
	})
	printProperties(b, r.Properties)
}
