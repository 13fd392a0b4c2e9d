package farm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreTicket is a ticket as the program writes it in JSON.
type coreTicket struct {
	Scheme     string         `json:"scheme"`
	Identities []coreIdentity `json:"identities"`
	Properties corePairs      `json:"properties"`
}

type coreIdentity struct {
	AuthenticationType string        `json:"authenticationType"`
	NameType           string        `json:"nameType"`
	RoleType           string        `json:"roleType"`
	Claims             []coreClaim   `json:"claims"`
	Bootstrap          string        `json:"bootstrap,omitempty"`
	Actor              *coreIdentity `json:"actor,omitempty"`
}

type coreClaim struct {
	Type           string    `json:"type"`
	Value          string    `json:"value"`
	ValueType      string    `json:"valueType"`
	Issuer         string    `json:"issuer"`
	OriginalIssuer string    `json:"originalIssuer"`
	Properties     corePairs `json:"properties,omitempty"`
}

// corePairs are the texts of a JSON object in their order, which counts: the
// bytes of a ticket follow it.
type corePairs [][2]string

func (p corePairs) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, pair := range p {
		if i > 0 {
			b = append(b, ',')
		}
		for k, text := range pair {
			quoted, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			b = append(b, quoted...)
			if k == 0 {
				b = append(b, ':')
			}
		}
	}
	return append(b, '}'), nil
}

func (p *corePairs) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		var pair [2]string
		for i := range pair {
			token, err := d.Token()
			if err != nil {
				return err
			}
			pair[i], _ = token.(string)
		}
		*p = append(*p, pair)
	}
	return nil
}

// newCoreTicket returns a ticket of ours with all defaults written out, as the
// program has them.
func newCoreTicket(t *sessiontoken.CoreTicket) *coreTicket {
	var identity func(i *sessiontoken.Identity) coreIdentity
	identity = func(i *sessiontoken.Identity) coreIdentity {
		o := coreIdentity{
			AuthenticationType: i.AuthenticationType,
			NameType:           cmp.Or(i.NameClaimType, dotnet.NameClaimType),
			RoleType:           cmp.Or(i.RoleClaimType, dotnet.RoleClaimType),
			Claims:             []coreClaim{},
			Bootstrap:          string(i.Bootstrap.Reveal()),
		}
		for _, c := range i.Claims {
			issuer := cmp.Or(c.Issuer, dotnet.LocalAuthority)
			o.Claims = append(o.Claims, coreClaim{c.Type, c.Value,
				cmp.Or(c.ValueType, dotnet.ValueTypeString), issuer,
				cmp.Or(c.OriginalIssuer, issuer), corePairs(c.Properties)})
		}
		if i.Actor != nil {
			actor := identity(i.Actor)
			o.Actor = &actor
		}
		return o
	}
	o := &coreTicket{Scheme: t.Scheme, Identities: []coreIdentity{},
		Properties: corePairs(t.Properties)}
	for i := range t.Principal.Identities {
		o.Identities = append(o.Identities, identity(&t.Principal.Identities[i]))
	}
	return o
}

// differs says how an answer differs from a ticket, or nothing.
func (o *coreTicket) differs(answer json.RawMessage) string {
	var got *coreTicket
	if err := json.Unmarshal(answer, &got); err != nil {
		return err.Error()
	}
	return o.same(got)
}

// same says how another ticket differs, or nothing.
func (o *coreTicket) same(got *coreTicket) string {
	if reflect.DeepEqual(got, o) {
		return ""
	}
	have, _ := json.Marshal(got)
	want, _ := json.Marshal(o)
	return fmt.Sprintf("%.2000s, want %.2000s", have, want)
}

// core returns a ticket that both sides can issue and read back as it is: no
// mark of a default as a text, and an end in the form of RFC 1123.
func (r random) core() *sessiontoken.CoreTicket {
	t := &sessiontoken.CoreTicket{Scheme: pick(r,
		[]string{"Cookies", "Identity.Application", r.text()}),
		Principal: &sessiontoken.Principal{}}
	for range pick(r, []int{0, 1, 1, 1, 1, 1, 1, 1, 2, 4}) {
		t.Principal.Identities = append(t.Principal.Identities, r.coreIdentity(r.claimCount(), 3))
	}
	if r.chance(90) {
		t.Properties.SetTime(sessiontoken.PropertyIssued, r.time())
	}
	if r.chance(90) {
		t.Properties.SetTime(sessiontoken.PropertyExpires, r.time())
	}
	if r.chance(30) {
		t.Properties.Set(sessiontoken.PropertyPersistent, pick(r, []string{"", "True"}))
	}
	if r.chance(20) {
		t.Properties.Set(".refresh", pick(r, []string{"True", "False"}))
	}
	for range max(0, r.IntN(12)-8) {
		t.Properties.Set(pick(r, []string{".redirect", ".TokenNames", ".Token.access_token",
			"p" + r.text()}), r.text())
	}
	return t
}

func (r random) coreIdentity(claims, actors int) sessiontoken.Identity {
	id := r.identity(claims, 0)
	id.Label = ""
	for _, s := range []*string{&id.NameClaimType, &id.RoleClaimType} {
		*s = strings.TrimSuffix(*s, "\x00")
	}
	if id.Bootstrap.Len() == 0 || id.BootstrapKind != "string" {
		id.BootstrapKind, id.Bootstrap = "", machinekey.Secret{}
	}
	if r.chance(5) {
		id.BootstrapKind, id.Bootstrap = "string", machinekey.NewSecret([]byte(r.some()))
	}
	if actors > 0 && r.chance(12) {
		actor := r.coreIdentity(r.IntN(3), actors-1)
		id.Actor = &actor
	}
	return id
}

// bare are keys that protect nothing, so that a codec shows the bytes of a
// ticket.
type bare struct{}

func (bare) Protector(...string) (seal.Protector, error) { return bare{}, nil }
func (bare) KeyStatus(string) (known, renew bool)        { return true, false }
func (bare) Protect(dst, plaintext []byte) ([]byte, error) {
	return append(dst, plaintext...), nil
}
func (bare) Unprotect(_ context.Context, dst, protected []byte) ([]byte, string, error) {
	return append(dst, protected...), "", nil
}

// coreBytes reads and writes tickets alone.
type coreBytes struct{ codec *sessiontoken.CoreCodec }

func newCoreBytes() (coreBytes, error) {
	c, err := sessiontoken.NewCoreCodec(bare{}, sessiontoken.Cookie("Cookies"), noEnd())
	return coreBytes{c}, err
}

// noEnd are options under which every ticket is in time.
func noEnd() *sessiontoken.CoreOptions {
	return &sessiontoken.CoreOptions{InsecureNoExpiry: true,
		Now: func() time.Time { return time.Time{} }}
}

func (c coreBytes) serialize(t *sessiontoken.CoreTicket) ([]byte, error) {
	text, err := c.codec.Encode(context.Background(), t)
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.DecodeString(text)
}

func (c coreBytes) deserialize(data []byte) (*sessiontoken.CoreTicket, error) {
	return c.codec.Decode(context.Background(), base64.RawURLEncoding.EncodeToString(data))
}
