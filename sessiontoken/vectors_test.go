package sessiontoken

import (
	"strconv"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/hostile"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// The JSON of the sessiontoken_*.json vectors, as far as this package's own
// tests need it; the suite of package testvectors runs all of them.

type keyJSON struct{ ValidationKey, DecryptionKey, Validation, Decryption string }

type tokenJSON struct {
	ID, ContextID, Context, EndpointID, KeyHex string
	KeyGeneration                              *string
	ValidFromTicks, ValidToTicks               string
	KeyEffectiveTicks, KeyExpirationTicks      string
	IsPersistent, IsReferenceMode              bool
	SecureConversationVersion                  string
	Identities                                 []identityJSON
}

type identityJSON struct {
	AuthenticationType, Label, NameClaimType, RoleClaimType string
	Claims                                                  []claimJSON
	Actor                                                   *identityJSON
	Bootstrap                                               *struct{ Kind, String, Hex string }
}

type claimJSON struct {
	Type, Value, ValueType, Issuer, OriginalIssuer string
	Properties                                     []struct{ Name, Value string }
}

type vectorJSON struct {
	Name, MachineKey, NBFXHex, XMLText, XMLHex, Error string
	CacheKey, CachedNBFXHex                           string
	Input                                             tokenJSON
	Expected                                          *tokenJSON
	Stages                                            struct {
		NBFXHex, NRBFHex, DeflatedHex,
		ProtectedHex string
	}
	Cookies []struct{ Name, Value string }
}

type fileJSON struct {
	MachineKeys map[string]keyJSON
	Vectors     []vectorJSON
}

// marshal returns the document of a token.
func marshal(f wif.Version, t *Token) ([]byte, error) {
	head := t.head()
	return appendDocument(new(wif.Writer), nil, t, &head, f)
}

// unmarshal reads a document. A token without identities passes.
func unmarshal(f wif.Version, doc []byte) (*Token, error) {
	d, err := new(wif.Reader).Read(doc[:len(doc):len(doc)], f)
	if err != nil {
		return nil, formatError(err)
	}
	return newToken(d, f), nil
}

// names returns the dictionary of a format.
func names(f wif.Version) hostile.Names { return f.Dictionary() }

// text joins the cookies of a vector.
func (v *vectorJSON) text() string {
	s := ""
	for _, c := range v.Cookies {
		s += c.Value
	}
	return s
}

func readFile(t testing.TB, name string) *fileJSON {
	t.Helper()
	f := testkit.Parsed[fileJSON](t, name)
	if len(f.Vectors) == 0 {
		t.Fatalf("%s: no vectors", name)
	}
	return f
}

func (f *fileJSON) vector(t testing.TB, name string) *vectorJSON {
	t.Helper()
	for i := range f.Vectors {
		if f.Vectors[i].Name == name {
			return &f.Vectors[i]
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

func (f *fileJSON) config(t testing.TB, name string) machinekey.Config {
	t.Helper()
	k := f.MachineKeys[name]
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret(testkit.Unhex(t, k.ValidationKey)),
		DecryptionKey: machinekey.NewSecret(testkit.Unhex(t, k.DecryptionKey)), AllowInsecure: true,
		AllowKnownKey: true, AllowWeakKey: true}
	cfg.Validation, cfg.Decryption = machinekey.Validation(k.Validation), machinekey.Decryption(k.Decryption)
	return cfg
}

func (f *fileJSON) ring(t testing.TB, name string) *machinekey.Ring {
	t.Helper()
	key, err := machinekey.New(f.config(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return ringOf(t, key)
}

// vectorTime lies inside the validity of all tokens meant to be valid.
var vectorTime = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func vectorNow() time.Time { return vectorTime }

func (f *fileJSON) codec(t testing.TB, key string, opts SessionOptions) *SessionCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = vectorNow
	}
	c, err := NewSessionCodec(f.ring(t, key), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ticks(t testing.TB, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := dotnet.Time(n)
	if !ok {
		t.Fatalf("ticks %s out of range", s)
	}
	return at
}

// token makes the Token that j describes.
func (j *tokenJSON) token(t testing.TB) *Token {
	t.Helper()
	tok := &Token{
		ID: j.ID, ContextID: machinekey.NewSecret([]byte(j.ContextID)), Context: j.Context, EndpointID: j.EndpointID,
		Key:       machinekey.NewSecret(testkit.Unhex(t, j.KeyHex)),
		ValidFrom: ticks(t, j.ValidFromTicks), ValidTo: ticks(t, j.ValidToTicks),
		KeyEffective: ticks(t, j.KeyEffectiveTicks), KeyExpires: ticks(t, j.KeyExpirationTicks),
		Persistent: j.IsPersistent, ReferenceMode: j.IsReferenceMode,
	}
	if j.KeyEffectiveTicks == "" { // as .NET's constructor does
		tok.KeyEffective, tok.KeyExpires = tok.ValidFrom, tok.ValidTo
	}
	if j.KeyGeneration != nil {
		tok.KeyGeneration = *j.KeyGeneration
	}
	if j.SecureConversationVersion == "http://schemas.xmlsoap.org/ws/2005/02/sc" {
		tok.SecureConversationFeb2005 = true
	}
	for i := range j.Identities {
		tok.Principal.Identities = append(tok.Principal.Identities, j.Identities[i].identity(t))
	}
	return tok
}

func (j *identityJSON) identity(t testing.TB) Identity {
	id := Identity{
		AuthenticationType: j.AuthenticationType, Label: j.Label,
		NameClaimType: j.NameClaimType, RoleClaimType: j.RoleClaimType,
	}
	for _, c := range j.Claims {
		claim := Claim{Type: c.Type, Value: c.Value, ValueType: c.ValueType, Issuer: c.Issuer,
			OriginalIssuer: c.OriginalIssuer}
		if len(c.Properties) > 0 {
			for _, p := range c.Properties {
				claim.Properties = append(claim.Properties, [2]string{p.Name, p.Value})
			}
		}
		id.Claims = append(id.Claims, claim)
	}
	if j.Actor != nil {
		actor := j.Actor.identity(t)
		id.Actor = &actor
	}
	if b := j.Bootstrap; b != nil {
		switch b.Kind {
		case "S":
			id.BootstrapKind, id.Bootstrap = "string", machinekey.NewSecret([]byte(b.String))
		case "B":
			id.BootstrapKind, id.Bootstrap = "bytes", machinekey.NewSecret(testkit.Unhex(t, b.Hex))
		case "X":
			id.BootstrapKind, id.Bootstrap = "token", machinekey.NewSecret([]byte(b.String))
		case "W":
			id.BootstrapKind, id.Bootstrap = "windows", machinekey.NewSecret([]byte{})
		default:
			t.Fatalf("bootstrap kind %q", b.Kind)
		}
	}
	return id
}
