package farm

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The fields of tokens in the order of the C# program (SessionToken.cs,
// FormsGlue.cs, OwinGlue.cs). Two tokens are equal if their fields are.

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// ticks counts 100 ns from the year 1, by a sum of its own.
func ticks(t time.Time) string {
	return strconv.FormatInt((t.Unix()+62135596800)*1e7+int64(t.Nanosecond())/100, 10)
}

// fromTicks is the inverse of ticks.
func fromTicks(n int64) time.Time {
	return time.Unix(n/1e7-62135596800, n%1e7*100).UTC()
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func or(s, byDefault string) string {
	if s == "" {
		return byDefault
	}
	return s
}

const (
	versionSC13      = "http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"
	versionSCFeb2005 = "http://schemas.xmlsoap.org/ws/2005/02/sc"
)

func addSession(m *Message, t *sessiontoken.Token) {
	version := versionSC13
	if t.SecureConversationFeb2005 {
		version = versionSCFeb2005
	}
	m.Add("id", t.ID)
	m.Add("contextId", string(t.ContextID.Reveal()))
	m.Add("keyGeneration", t.KeyGeneration)
	m.Add("endpointId", t.EndpointID)
	m.Add("context", t.Context)
	m.Add("key", upperHex(t.Key.Reveal()))
	m.Add("validFrom", ticks(t.ValidFrom))
	m.Add("validTo", ticks(t.ValidTo))
	m.Add("keyEffective", ticks(t.KeyEffective))
	m.Add("keyExpires", ticks(t.KeyExpires))
	m.Add("persistent", flag(t.Persistent))
	m.Add("reference", flag(t.ReferenceMode))
	m.Add("secureConversation", version)
	for i := range t.Principal.Identities {
		addIdentity(m, &t.Principal.Identities[i], "identity")
	}
}

// addIdentity fills in what .NET's constructors do for empty texts.
func addIdentity(m *Message, i *sessiontoken.Identity, name string) {
	m.Add(name, i.AuthenticationType)
	m.Add("label", i.Label)
	m.Add("nameType", or(i.NameClaimType, sessiontoken.ClaimTypeName))
	m.Add("roleType", or(i.RoleClaimType, sessiontoken.ClaimTypeRole))
	switch i.BootstrapKind {
	case "string":
		m.Add("bootstrapText", string(i.Bootstrap.Reveal()))
	case "bytes":
		m.Add("bootstrapBytes", upperHex(i.Bootstrap.Reveal()))
	case "token":
		m.Add("bootstrapToken", string(i.Bootstrap.Reveal()))
	}
	for _, c := range i.Claims {
		issuer := or(c.Issuer, dotnet.LocalAuthority)
		m.Add("claim", c.Type)
		m.Add("value", c.Value)
		m.Add("valueType", or(c.ValueType, dotnet.ValueTypeString))
		m.Add("issuer", issuer)
		m.Add("originalIssuer", or(c.OriginalIssuer, issuer))
		for _, p := range c.Properties {
			m.Add("property", p[0])
			m.Add("propertyValue", p[1])
		}
	}
	if i.Actor != nil {
		addIdentity(m, i.Actor, "actor")
		m.Add("endActor", "")
	}
}

func addForms(m *Message, t *sessiontoken.FormsTicket) {
	m.Add("version", strconv.Itoa(int(t.Version)))
	m.Add("name", t.Name)
	m.Add("issued", ticks(t.IssueDate))
	m.Add("expires", ticks(t.Expiration))
	m.Add("persistent", flag(t.Persistent))
	m.Add("userData", t.UserData)
	m.Add("path", t.CookiePath)
}

func addKatana(m *Message, t *sessiontoken.KatanaTicket) {
	addIdentity(m, &t.Identity, "identity")
	for _, p := range t.Properties {
		m.Add("ticketProperty", p[0])
		m.Add("ticketValue", p[1])
	}
}

// addKatanaTimes adds what the properties of a ticket say.
func addKatanaTimes(m *Message, p sessiontoken.Properties) {
	for _, name := range []string{"issued", "expires"} {
		value := ""
		if at, ok := p.Time("." + name); ok {
			value = ticks(at)
		}
		m.Add(name, value)
	}
	_, persistent := p.Get(sessiontoken.PropertyPersistent)
	m.Add("persistent", flag(persistent))
}

// difference says where two lists of fields part, or "".
func difference(got, want []Field) string {
	for i := range max(len(got), len(want)) {
		var g, w Field
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return "field " + strconv.Itoa(i) + ": got " + short(g) + ", want " + short(w)
		}
	}
	return ""
}

func short(f Field) string {
	v := strconv.QuoteToASCII(f.Value)
	if len(v) > 200 {
		v = v[:200] + "…"
	}
	return f.Name + "=" + v
}
