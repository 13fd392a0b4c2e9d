package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// tokenReport is a session token without what is secret in it: its key and
// the bootstrap tokens.
type tokenReport struct {
	ID            string           `json:"id"`
	ContextID     string           `json:"contextId"`
	KeyGeneration string           `json:"keyGeneration,omitempty"`
	EndpointID    string           `json:"endpointId"`
	Context       string           `json:"context,omitempty"`
	ValidFrom     time.Time        `json:"validFrom"`
	ValidTo       time.Time        `json:"validTo"`
	SecondsLeft   int64            `json:"secondsLeft"` // negative when over; clock skew apart
	Persistent    bool             `json:"persistent"`
	ReferenceMode bool             `json:"referenceMode"`
	Identities    []identityReport `json:"identities"`
}

type identityReport struct {
	Name               string          `json:"name"`
	AuthenticationType string          `json:"authenticationType"`
	Authenticated      bool            `json:"authenticated"`
	NameClaimType      string          `json:"nameClaimType"`
	RoleClaimType      string          `json:"roleClaimType"`
	Label              string          `json:"label,omitempty"`
	Bootstrap          string          `json:"bootstrap,omitempty"` // its size, not its content
	Claims             []claimReport   `json:"claims"`
	Actor              *identityReport `json:"actor,omitempty"`
}

type claimReport struct {
	Type           string           `json:"type"`
	Value          string           `json:"value"`            // empty if hidden
	Hidden         bool             `json:"hidden,omitempty"` // a secret of its own
	ValueType      string           `json:"valueType"`
	Issuer         string           `json:"issuer"`
	OriginalIssuer string           `json:"originalIssuer"`
	Properties     []propertyReport `json:"properties,omitempty"`
}

type propertyReport struct {
	Name   string `json:"name"`
	Value  string `json:"value"`            // empty if hidden
	Hidden bool   `json:"hidden,omitempty"` // a secret of its own
}

func newPropertyReport(p [2]string) propertyReport {
	if isSecret(p[0]) {
		return propertyReport{Name: p[0], Hidden: true}
	}
	return propertyReport{Name: p[0], Value: p[1]}
}

func newPropertyReports(list sessiontoken.Properties) []propertyReport {
	reports := []propertyReport{}
	for _, p := range list {
		reports = append(reports, newPropertyReport(p))
	}
	return reports
}

// shown is the value for people.
func (p propertyReport) shown() string {
	switch {
	case p.Hidden:
		return hidden
	case p.Value == "":
		return `""`
	}
	return abridged(p.Value)
}

// hidden stands for the value of a secret.
const hidden = "(not shown: a secret of its own)"

// isSecret reports whether a claim or property of this name holds a credential
// of its own: a token of another service, or the stamp from which ASP.NET
// Identity computes the codes of a second factor.
func isSecret(name string) bool {
	return name == "AspNet.Identity.SecurityStamp" || strings.HasSuffix(strings.ToLower(name), "_token")
}

func newTokenReport(t *sessiontoken.Token, now time.Time) *tokenReport {
	r := &tokenReport{
		ID:            t.ID,
		ContextID:     string(secret.View(t.ContextID)),
		KeyGeneration: t.KeyGeneration,
		EndpointID:    t.EndpointID,
		Context:       t.Context,
		ValidFrom:     t.ValidFrom,
		ValidTo:       t.ValidTo,
		SecondsLeft:   t.ValidTo.Unix() - now.Unix(),
		Persistent:    t.Persistent,
		ReferenceMode: t.ReferenceMode,
	}
	for i := range t.Principal.Identities {
		r.Identities = append(r.Identities, newIdentityReport(&t.Principal.Identities[i]))
	}
	return r
}

func newIdentityReport(id *sessiontoken.Identity) identityReport {
	r := identityReport{
		Name:               id.Name(),
		AuthenticationType: id.AuthenticationType,
		Authenticated:      id.IsAuthenticated(),
		NameClaimType:      id.NameClaimType,
		RoleClaimType:      id.RoleClaimType,
		Label:              id.Label,
		Claims:             []claimReport{},
	}
	if id.Bootstrap.Kind != sessiontoken.BootstrapNone {
		r.Bootstrap = bootstrapText(id.Bootstrap)
	}
	for _, c := range id.Claims {
		claim := claimReport{Type: c.Type, Value: c.Value, ValueType: c.ValueType, Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer}
		if isSecret(c.Type) {
			claim.Value, claim.Hidden = "", true
		}
		for _, p := range c.Properties {
			claim.Properties = append(claim.Properties, newPropertyReport(p))
		}
		r.Claims = append(r.Claims, claim)
	}
	if id.Actor != nil { // as deep as the codec reads, which is bounded
		actor := newIdentityReport(id.Actor)
		r.Actor = &actor
	}
	return r
}

// bootstrapText says how much of a bootstrap token there is, not what.
func bootstrapText(b sessiontoken.Bootstrap) string {
	switch b.Kind {
	case sessiontoken.BootstrapString:
		return fmt.Sprintf("string of %d bytes", b.Data.Len())
	case sessiontoken.BootstrapBytes:
		return fmt.Sprintf("%d bytes", b.Data.Len())
	case sessiontoken.BootstrapWindows:
		return "Windows token stub"
	}
	return fmt.Sprintf("token of %d bytes", b.Data.Len())
}
