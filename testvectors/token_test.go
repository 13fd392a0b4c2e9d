package testvectors_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// namespaceFeb2005 is the older value of secureConversationVersion.
const (
	namespace13      = "http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"
	namespaceFeb2005 = "http://schemas.xmlsoap.org/ws/2005/02/sc"
)

// tokenJSON is a session token in a vector. Times are decimal tick counts.
type tokenJSON struct {
	ID, ContextID, Context, EndpointID    string
	KeyHex                                hexBytes
	KeyGeneration                         string
	ValidFromTicks, ValidToTicks          string
	KeyEffectiveTicks, KeyExpirationTicks string
	IsPersistent, IsReferenceMode         bool
	SecureConversationVersion             string
	Identities                            []identityJSON

	// Of a token too long to write out.
	Note        string
	ValueLength *int
}

type identityJSON struct {
	AuthenticationType, Label, NameClaimType, RoleClaimType string
	Claims                                                  []claimJSON
	Actor                                                   *identityJSON
	Bootstrap                                               *bootstrapJSON
}

type claimJSON struct {
	Type, Value, ValueType, Issuer, OriginalIssuer string
	Properties                                     []struct{ Name, Value string }
}

// bootstrapJSON is a BootstrapContext: kind "S" and String, or "B" and Hex. WIF
// 1.0 has "X", XML in String, and "W" for a Windows token that is not there.
type bootstrapJSON struct {
	Kind   string
	String *string
	Hex    *hexBytes
}

// token makes the token to issue.
func (j *tokenJSON) token(t *testing.T) *sessiontoken.Token {
	t.Helper()
	tok := &sessiontoken.Token{
		ID: j.ID, ContextID: machinekey.NewSecret([]byte(j.ContextID)), KeyGeneration: j.KeyGeneration,
		EndpointID: j.EndpointID, Context: j.Context, Key: machinekey.NewSecret(j.KeyHex),
		Persistent: j.IsPersistent, ReferenceMode: j.IsReferenceMode,
	}
	for _, at := range []struct {
		ticks string
		time  *time.Time
	}{
		{j.ValidFromTicks, &tok.ValidFrom}, {j.ValidToTicks, &tok.ValidTo},
		{cmp.Or(j.KeyEffectiveTicks, j.ValidFromTicks), &tok.KeyEffective}, // as .NET's constructor does
		{cmp.Or(j.KeyExpirationTicks, j.ValidToTicks), &tok.KeyExpires},
	} {
		n, err := strconv.ParseInt(at.ticks, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		if *at.time, ok = dotnet.Time(n); !ok {
			t.Fatalf("ticks %s out of range", at.ticks)
		}
	}
	switch j.SecureConversationVersion {
	case "", namespace13:
	case namespaceFeb2005:
		tok.SecureConversationFeb2005 = true
	default:
		t.Fatalf("secureConversationVersion %q", j.SecureConversationVersion)
	}
	for i := range j.Identities {
		tok.Principal.Identities = append(tok.Principal.Identities, j.Identities[i].identity(t))
	}
	return tok
}

func (j *identityJSON) identity(t *testing.T) sessiontoken.Identity {
	t.Helper()
	id := sessiontoken.Identity{AuthenticationType: j.AuthenticationType, Label: j.Label,
		NameClaimType: j.NameClaimType, RoleClaimType: j.RoleClaimType}
	for _, c := range j.Claims {
		claim := sessiontoken.Claim{Type: c.Type, Value: c.Value, ValueType: c.ValueType,
			Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer}
		for _, p := range c.Properties {
			claim.Properties = append(claim.Properties, [2]string{p.Name, p.Value})
		}
		id.Claims = append(id.Claims, claim)
	}
	if j.Actor != nil {
		actor := j.Actor.identity(t)
		id.Actor = &actor
	}
	switch b := j.Bootstrap; {
	case b == nil:
	case b.Kind == "S" && b.String != nil:
		id.BootstrapKind, id.Bootstrap = "string", machinekey.NewSecret([]byte(*b.String))
	case b.Kind == "B" && b.Hex != nil:
		id.BootstrapKind, id.Bootstrap = "bytes", machinekey.NewSecret(*b.Hex)
	case b.Kind == "X" && b.String != nil:
		id.BootstrapKind, id.Bootstrap = "token", machinekey.NewSecret([]byte(*b.String))
	case b.Kind == "W":
		id.BootstrapKind = "windows"
	default:
		t.Fatalf("bootstrap of kind %q", b.Kind)
	}
	return id
}

// model is a token that was read, as the vectors record it. A key that is not
// there is not compared; in the recorded set all are there.
type model struct{ tree map[string]any }

func (m *model) UnmarshalJSON(data []byte) error {
	return decodeBoth(data, new(tokenJSON), &m.tree)
}

// compare fails where the token that was read is not the recorded one.
func (m *model) compare(t *testing.T, f *file, got *sessiontoken.Token) {
	t.Helper()
	m.compareFormat(t, f, wif.V45, got)
}

func (m *model) compareFormat(t *testing.T, f *file, format wif.Version, got *sessiontoken.Token) {
	t.Helper()
	if n, ok := m.tree["valueLength"].(json.Number); ok {
		length := func(c sessiontoken.Claim) bool { return strconv.Itoa(len(c.Value)) == n.String() }
		if !slices.ContainsFunc(slices.Collect(got.Principal.All("")), length) {
			t.Errorf("no claim has a value of %s characters", n)
		}
		return
	}
	for _, difference := range differences("token", describe(format, got), m.tree, !f.own) {
		t.Error(difference)
	}
}

// describe writes a token the way the vectors of the format do.
func describe(format wif.Version, t *sessiontoken.Token) map[string]any {
	ticks := func(at time.Time) string {
		n, _ := dotnet.Ticks(at) // every time of a token that was read has a tick count
		return strconv.FormatInt(n, 10)
	}
	namespace := namespace13
	if t.SecureConversationFeb2005 {
		namespace = namespaceFeb2005
	}
	return map[string]any{
		"id": t.ID, "contextId": string(t.ContextID.Reveal()), "context": t.Context, "endpointId": t.EndpointID,
		"keyHex": hex.EncodeToString(t.Key.Reveal()), "keyGeneration": t.KeyGeneration,
		"validFromTicks": ticks(t.ValidFrom), "validToTicks": ticks(t.ValidTo),
		"keyEffectiveTicks": ticks(t.KeyEffective), "keyExpirationTicks": ticks(t.KeyExpires),
		"isPersistent": t.Persistent, "isReferenceMode": t.ReferenceMode, "secureConversationVersion": namespace,
		"identities": list(t.Principal.Identities,
			func(id sessiontoken.Identity) any { return describeIdentity(format, id) }),
	}
}

func describeIdentity(format wif.Version, id sessiontoken.Identity) any {
	d := map[string]any{
		"authenticationType": id.AuthenticationType, "label": id.Label,
		"nameClaimType": id.NameClaimType, "roleClaimType": id.RoleClaimType,
		"claims": list(id.Claims, describeClaim), "actor": nil, "bootstrap": nil,
	}
	if id.Actor != nil {
		d["actor"] = describeIdentity(format, *id.Actor)
	}
	switch id.BootstrapKind {
	case "bytes":
		d["bootstrap"] = map[string]any{"kind": "B",
			"hex": hex.EncodeToString(id.Bootstrap.Reveal())}
	case "string", "token":
		kind := "S" // without a handler .NET 4.5 shows a token as text
		if format == wif.V10 {
			kind = "X"
		}
		d["bootstrap"] = map[string]any{"kind": kind, "string": string(id.Bootstrap.Reveal())}
	case "windows":
		d["bootstrap"] = map[string]any{"kind": "W"}
	}
	return d
}

func describeClaim(c sessiontoken.Claim) any {
	return map[string]any{
		"type": c.Type, "value": c.Value, "valueType": c.ValueType, "issuer": c.Issuer, "originalIssuer": c.OriginalIssuer,
		"properties": list(c.Properties, func(p [2]string) any {
			return map[string]any{"name": p[0], "value": p[1]}
		}),
	}
}

func list[T any](items []T, describe func(T) any) []any {
	out := []any{}
	for _, item := range items {
		out = append(out, describe(item))
	}
	return out
}

// differences compares what was read with what is recorded, in which a missing
// key means anything unless whole. Null is the same as an empty text or list:
// Go makes no difference.
func differences(path string, got, want any, whole bool) []string {
	var out []string
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			out = append(out, differences(path+"."+key, got[key], want[key], whole)...)
		}
		if whole && len(want) != len(got) {
			out = append(out, fmt.Sprintf("%s: %d keys are recorded of %d", path,
				len(want), len(got)))
		}
		return out
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			break
		}
		for i := range want {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), got[i],
				want[i], whole)...)
		}
		return out
	case nil:
		if items, ok := got.([]any); got == nil || got == "" || ok && len(items) == 0 {
			return nil
		}
	default:
		if got == want {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: got %s, want %s", path, short(got), short(want))}
}

// short shows a value that may be very long.
func short(v any) string {
	s := fmt.Sprintf("%q", v)
	if b, ok := v.([]byte); ok {
		s = hex.EncodeToString(b)
	}
	if len(s) > 300 {
		s = fmt.Sprintf("%s… (%d characters)", s[:300], len(s))
	}
	return s
}
