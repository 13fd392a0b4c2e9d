package farm

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The C# program itself is held to what was recorded from .NET: it reads every
// recorded cookie of the three kinds, refuses what .NET refused, and writes the
// recorded bytes. So a difference between it and the Go side is never two
// readings of the same mistake.

type vectorKey struct {
	ValidationKey, DecryptionKey, Validation, Decryption, CompatibilityMode string
}

// message is the request that makes the key known under a name. Settings of
// the site that matter to forms tickets follow.
func (k vectorKey) message(name string, more ...string) *Message {
	m := NewMessage("key", "name", name, "validationKey", k.ValidationKey, "decryptionKey",
		k.DecryptionKey)
	for _, f := range []Field{{"validation", k.Validation}, {"decryption", k.Decryption},
		{"mode", k.CompatibilityMode}} {
		if f.Value != "" {
			m.Add(f.Name, f.Value)
		}
	}
	m.Fields = append(m.Fields, NewMessage("", more...).Fields...)
	return m
}

type vectorProperty struct{ Name, Value string }

type vectorClaim struct {
	Type, Value, ValueType, Issuer, OriginalIssuer string
	Properties                                     []vectorProperty
}

type vectorIdentity struct {
	AuthenticationType, Label, NameClaimType, RoleClaimType string
	Claims                                                  []vectorClaim
	Actor                                                   *vectorIdentity
	Bootstrap                                               *struct{ Kind, String, Hex string }
}

type vectorToken struct {
	ID, ContextID, Context, EndpointID, KeyHex, KeyGeneration, SecureConversationVersion string
	ValidFromTicks, ValidToTicks, KeyEffectiveTicks, KeyExpirationTicks                  string
	IsPersistent, IsReferenceMode                                                        bool
	Identities                                                                           []vectorIdentity
	Note                                                                                 string
}

// claims turns recorded claims into ours, which have the same fields.
func claims(list []vectorClaim) []sessiontoken.Claim {
	var all []sessiontoken.Claim
	for _, c := range list {
		claim := sessiontoken.Claim{Type: c.Type, Value: c.Value, ValueType: c.ValueType,
			Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer}
		for _, p := range c.Properties {
			claim.Properties = append(claim.Properties, [2]string{p.Name, p.Value})
		}
		all = append(all, claim)
	}
	return all
}

func (v *vectorIdentity) identity(t *testing.T) *sessiontoken.Identity {
	id := &sessiontoken.Identity{
		AuthenticationType: v.AuthenticationType, Label: v.Label,
		NameClaimType: v.NameClaimType, RoleClaimType: v.RoleClaimType, Claims: claims(v.Claims),
	}
	if v.Actor != nil {
		id.Actor = v.Actor.identity(t)
	}
	if b := v.Bootstrap; b != nil {
		switch b.Kind {
		case "S":
			id.BootstrapKind, id.Bootstrap = "string", machinekey.NewSecret([]byte(b.String))
		case "B":
			id.BootstrapKind, id.Bootstrap = "bytes", machinekey.NewSecret(testkit.Unhex(t, b.Hex))
		default:
			t.Fatalf("bootstrap of kind %q", b.Kind)
		}
	}
	return id
}

// message returns the recorded token as fields. Tokens to issue leave out what
// .NET fills in.
func (v *vectorToken) message(t *testing.T, verb string, pairs ...string) *Message {
	m := NewMessage(verb, pairs...)
	for _, f := range []Field{
		{"id", v.ID}, {"contextId", v.ContextID}, {"keyGeneration", v.KeyGeneration},
		{"endpointId", v.EndpointID}, {"context", v.Context},
		{"key", strings.ToUpper(v.KeyHex)}, {"validFrom", v.ValidFromTicks},
		{"validTo", v.ValidToTicks}, {"keyEffective", or(v.KeyEffectiveTicks, v.ValidFromTicks)},
		{"keyExpires", or(v.KeyExpirationTicks, v.ValidToTicks)},
		{"persistent", flag(v.IsPersistent)}, {"reference", flag(v.IsReferenceMode)},
		{"secureConversation", or(v.SecureConversationVersion, versionSC13)},
	} {
		m.Add(f.Name, f.Value)
	}
	for i := range v.Identities {
		addIdentity(m, v.Identities[i].identity(t), "identity")
	}
	return m
}

// asker asks a pipe one thing at a time and counts what was compared.
type asker struct {
	t    *testing.T
	pipe *Pipe
	n    int
}

func (a *asker) ask(m *Message) *Message {
	a.t.Helper()
	answers, err := a.pipe.Call(m)
	if err != nil {
		a.t.Fatal(err)
	}
	return answers[0]
}

// setUp asks for what has to work.
func (a *asker) setUp(m *Message) {
	a.t.Helper()
	if r := a.ask(m); r.Verb != "ok" {
		a.t.Fatalf("%s: %v", m.Verb, r)
	}
}

// wants asks and compares the fields of the answer; nil: refused.
func (a *asker) wants(name string, m *Message, want []Field) {
	a.t.Helper()
	a.n++
	r := a.ask(m)
	switch {
	case want == nil && r.Verb == "ok":
		a.t.Errorf("%s: not refused", name)
	case want != nil && r.Verb != "ok":
		a.t.Errorf("%s: %v", name, r)
	case want != nil:
		if d := difference(r.Fields, want); d != "" {
			a.t.Errorf("%s: %s", name, d)
		}
	}
}

// readsRecorded asks about all that was recorded.
func readsRecorded(t *testing.T, pipe *Pipe) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, a *asker)
	}{
		{"sessions", readsSessions},
		{"damaged sessions", judgesDamaged},
		{"envelopes", judgesEnvelopes},
		{"forms", readsForms},
		{"katana", readsKatana},
		{"sliding", slidesKatana},
		{"chunks", chunksKatana},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, &asker{t: t, pipe: pipe}) })
	}
}

type vectorCookie struct{ Name, Value string }

// join returns the text of chunks, by the C# program's rules.
func (a *asker) join(scheme, name string, cookies []vectorCookie) *Message {
	m := NewMessage("join", "scheme", scheme, "name", name)
	for _, c := range cookies {
		m.Add("cookie", c.Name)
		m.Add("value", c.Value)
	}
	return a.ask(m)
}

func readsSessions(t *testing.T, a *asker) {
	var file struct {
		MachineKeys map[string]vectorKey
		Vectors     []struct {
			Name, MachineKey, CookieName string
			ChunkSize                    int
			Cookies                      []vectorCookie
			Input, Expected              *vectorToken
			Stages                       struct{ NbfxHex string }
			ReadWithoutCache             *struct{}
		}
	}
	testkit.JSON(t, "sessiontoken_45.json", &file)
	for name, key := range file.MachineKeys {
		a.setUp(key.message(name))
	}
	for _, v := range file.Vectors {
		joined := a.join("wif", or(v.CookieName, "FedAuth"), v.Cookies)
		read := NewMessage("read", "kind", "fedauth", "key", v.MachineKey, "text",
			joined.Get("value"))
		if v.ReadWithoutCache != nil {
			a.wants(v.Name, read, nil)
			continue
		}
		a.wants(v.Name, read, v.Expected.message(t, "").Fields)
		if v.Stages.NbfxHex != "" {
			m := v.Input.message(t, "bytes", "kind", "fedauth")
			a.wants(v.Name+", document", m, []Field{{"hex", strings.ToUpper(v.Stages.NbfxHex)}})
		}
		if v.ChunkSize > 0 {
			var chunks []Field
			for _, c := range v.Cookies {
				chunks = append(chunks, Field{"cookie", c.Name}, Field{"value", c.Value})
			}
			split := NewMessage("split", "scheme", "wif", "name", or(v.CookieName, "FedAuth"),
				"value", joined.Get("value"), "size", strconv.Itoa(v.ChunkSize))
			a.wants(v.Name+", chunks", split, chunks)
		}
	}
	t.Logf("sessiontoken_45.json: %d comparisons of %d vectors", a.n, len(file.Vectors))
}

func judgesDamaged(t *testing.T, a *asker) {
	var file struct {
		MachineKeys map[string]vectorKey
		Vectors     []struct {
			Name, MachineKey string
			Cookies          []vectorCookie
			Error            string
			TokenRead        *vectorToken
		}
	}
	testkit.JSON(t, "sessiontoken_negative.json", &file)
	for name, key := range file.MachineKeys {
		a.setUp(key.message(name))
	}
	for _, v := range file.Vectors {
		joined := a.join("wif", "FedAuth", v.Cookies)
		read := NewMessage("read", "kind", "fedauth", "key", v.MachineKey, "text",
			joined.Get("value"))
		switch {
		case v.Error == "NoCookie":
			a.wants(v.Name, NewMessage("join", "scheme", "wif", "name", "FedAuth"), nil)
		case v.Error != "":
			a.wants(v.Name, read, nil)
		case v.TokenRead.Note != "": // too long to be written out
			a.n++
			if r := a.ask(read); r.Verb != "ok" {
				t.Errorf("%s: %v", v.Name, r)
			}
		default:
			a.wants(v.Name, read, v.TokenRead.message(t, "").Fields)
		}
	}
	t.Logf("sessiontoken_negative.json: %d comparisons of %d vectors", a.n, len(file.Vectors))
}

func judgesEnvelopes(t *testing.T, a *asker) {
	var file struct {
		MachineKeys map[string]vectorKey
		Vectors     []struct {
			Name, MachineKey, XMLHex, Error string
			Expected                        *vectorToken
			FromCache                       bool
		}
	}
	testkit.JSON(t, "sessiontoken_envelope.json", &file)
	for name, key := range file.MachineKeys {
		a.setUp(key.message(name))
	}
	cached := 0
	for _, v := range file.Vectors {
		if v.FromCache { // .NET did not read the cookie at all
			cached++
			continue
		}
		text := base64.StdEncoding.EncodeToString(testkit.Unhex(t, v.XMLHex))
		read := NewMessage("read", "kind", "fedauth", "key", v.MachineKey, "text", text)
		if v.Error != "" {
			a.wants(v.Name, read, nil)
		} else {
			a.wants(v.Name, read, v.Expected.message(t, "").Fields)
		}
	}
	t.Logf("sessiontoken_envelope.json: %d comparisons of %d vectors, %d of a cache left out", a.n,
		len(file.Vectors), cached)
}

type vectorFormsTicket struct {
	Version                               int
	Name, UserData, CookiePath            string
	IssueDateUtcTicks, ExpirationUtcTicks int64
	IsPersistent                          bool
}

func (v *vectorFormsTicket) add(m *Message) {
	addForms(m, &sessiontoken.FormsTicket{
		Version: byte(v.Version), Name: v.Name, UserData: v.UserData, CookiePath: v.CookiePath,
		IssueDate: fromTicks(v.IssueDateUtcTicks), Expiration: fromTicks(v.ExpirationUtcTicks), Persistent: v.IsPersistent,
	})
}

func readsForms(t *testing.T, a *asker) {
	var file struct {
		Vectors []struct {
			Name, Op, Layout, Cookie                        string
			Valid, Renewed, LoneSurrogate, TooLongToDecrypt bool
			MachineKey                                      vectorKey
			AppSettings                                     map[string]bool
			Forms                                           struct{ Protection string }
			Ticket, Expected                                *vectorFormsTicket
			NowUtcTicks                                     int64
			NewIssueDateUtcTicks, NewExpirationUtcTicks     int64
		}
	}
	testkit.JSON(t, "formsauth.json", &file)
	old, surrogates := 0, 0
	for _, v := range file.Vectors {
		if v.AppSettings["aspnet:UseLegacyFormsAuthenticationTicketCompatibility"] {
			old++ // the layout of before 2011, which the program does not know
			continue
		}
		if v.LoneSurrogate {
			surrogates++ // no line of UTF-8 can carry the text
			continue
		}
		want := v.Expected
		if want == nil {
			want = v.Ticket
		}
		if v.Op == "renew" {
			if v.Renewed {
				renewed := *want
				renewed.IssueDateUtcTicks, renewed.ExpirationUtcTicks = v.NewIssueDateUtcTicks, v.NewExpirationUtcTicks
				want = &renewed
			}
			m, answer := NewMessage("renew", "kind", "forms", "now",
				strconv.FormatInt(v.NowUtcTicks, 10)), NewMessage("")
			v.Ticket.add(m)
			want.add(answer)
			a.wants(v.Name, m, answer.Fields)
			continue
		}
		more := []string{"useLegacyEncryption", flag(v.AppSettings["aspnet:UseLegacyEncryption"])}
		if v.Forms.Protection != "" {
			more = append([]string{"protection", v.Forms.Protection}, more...)
		}
		a.setUp(v.MachineKey.message("site", more...))
		read := NewMessage("read", "kind", "forms", "key", "site", "text", v.Cookie)
		if !v.Valid || v.TooLongToDecrypt {
			a.wants(v.Name, read, nil)
			continue
		}
		answer := NewMessage("")
		want.add(answer)
		a.wants(v.Name, read, answer.Fields)
	}
	t.Logf("formsauth.json: %d comparisons of %d vectors, left out: %d of the old layout, %d with half a surrogate pair", a.n, len(file.Vectors), old, surrogates)
}
