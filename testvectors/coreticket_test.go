package testvectors_test

import (
	"cmp"
	stdbase64 "encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/coreticket"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreTicket is a cookie ticket of ASP.NET Core, as it is written or read.
type coreTicket struct {
	Scheme     string
	Identities []coreIdentity
	Properties corePairs
}

type coreIdentity struct {
	AuthenticationType, NameType, RoleType string
	Claims                                 []coreClaim
	Bootstrap                              *string
	Actor                                  *coreIdentity
}

type coreClaim struct {
	Type, Value, ValueType, Issuer, OriginalIssuer string
	Properties                                     corePairs
}

// corePairs are the texts of an object. The order, which JSON does not keep, is
// that of the bytes. Null is written as an empty text.
type corePairs [][2]string

func (p *corePairs) UnmarshalJSON(data []byte) error {
	var texts map[string]*string
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	for key, text := range texts {
		if text == nil {
			text = new(string)
		}
		*p = append(*p, [2]string{key, *text})
	}
	return nil
}

// sortAs puts p into the order of other.
func (p corePairs) sortAs(other corePairs) {
	index := func(pair [2]string) int {
		return slices.IndexFunc(other, func(o [2]string) bool { return o[0] == pair[0] })
	}
	slices.SortFunc(p, func(a, b [2]string) int { return cmp.Compare(index(a), index(b)) })
}

// sortAs puts all properties of o into the order of other.
func (o *coreTicket) sortAs(other *coreTicket) {
	o.Properties.sortAs(other.Properties)
	for i := range min(len(o.Identities), len(other.Identities)) {
		o.Identities[i].sortAs(&other.Identities[i])
	}
}

func (i *coreIdentity) sortAs(other *coreIdentity) {
	for k := range min(len(i.Claims), len(other.Claims)) {
		i.Claims[k].Properties.sortAs(other.Claims[k].Properties)
	}
	if i.Actor != nil && other.Actor != nil {
		i.Actor.sortAs(other.Actor)
	}
}

type coreTicketModel struct {
	coreTicket
	tree map[string]any
}

func (m *coreTicketModel) UnmarshalJSON(data []byte) error {
	return decodeBoth(data, &m.coreTicket, &m.tree)
}

// write writes the ticket.
func (o *coreTicket) write() ([]byte, error) {
	w := coreticket.NewWriter(nil)
	w.Begin(o.Scheme, len(o.Identities))
	for i := range o.Identities {
		o.Identities[i].write(w)
	}
	w.Properties(len(o.Properties))
	o.Properties.write(w)
	return w.End()
}

func (i *coreIdentity) write(w *coreticket.Writer) {
	w.Identity(i.AuthenticationType, i.NameType, i.RoleType, len(i.Claims))
	for _, c := range i.Claims {
		w.Claim(c.Type, c.Value, c.ValueType, c.Issuer, c.OriginalIssuer, len(c.Properties))
		c.Properties.write(w)
	}
	bootstrap := ""
	if i.Bootstrap != nil {
		bootstrap = *i.Bootstrap
	}
	w.EndIdentity(bootstrap, i.Actor != nil)
	if i.Actor != nil {
		i.Actor.write(w)
	}
}

func (p corePairs) write(w *coreticket.Writer) {
	for _, pair := range p {
		w.Pair(pair[0], pair[1])
	}
}

// readCoreTicket reads a ticket.
func readCoreTicket(data []byte) (*coreTicket, error) {
	var r coreticket.Reader
	if err := r.Read(data); err != nil {
		return nil, err
	}
	all := string(data)
	pairs := func(s coreticket.Span) (p corePairs) {
		for _, pair := range r.Pairs[s.From:s.To] {
			p = append(p, [2]string{pair.Key.In(all), pair.Value.In(all)})
		}
		return p
	}
	var identity func(i *coreticket.Identity) coreIdentity
	identity = func(i *coreticket.Identity) coreIdentity {
		out := coreIdentity{AuthenticationType: i.AuthenticationType.In(all),
			NameType: i.NameClaimType.In(all), RoleType: i.RoleClaimType.In(all)}
		for _, c := range r.Claims[i.Claims.From:i.Claims.To] {
			out.Claims = append(out.Claims, coreClaim{c.Type.In(all), c.Value.In(all),
				c.ValueType.In(all), c.Issuer.In(all), c.OriginalIssuer.In(all),
				pairs(c.Properties)})
		}
		if i.HasBootstrap {
			text := i.Bootstrap.In(all)
			out.Bootstrap = &text
		}
		if i.Actor >= 0 {
			actor := identity(&r.Actors[i.Actor])
			out.Actor = &actor
		}
		return out
	}
	t := &coreTicket{Scheme: r.Scheme.In(all), Properties: pairs(r.Properties)}
	for i := range r.Identities {
		t.Identities = append(t.Identities, identity(&r.Identities[i]))
	}
	return t, nil
}

// describe writes the ticket the way the vectors do.
func (o *coreTicket) describe() map[string]any {
	pairs := func(p corePairs) map[string]any {
		d := map[string]any{}
		for _, pair := range p {
			d[pair[0]] = pair[1]
		}
		return d
	}
	var identity func(i coreIdentity) any
	identity = func(i coreIdentity) any {
		d := map[string]any{"authenticationType": i.AuthenticationType, "nameType": i.NameType,
			"roleType": i.RoleType,
			"claims": list(i.Claims, func(c coreClaim) any {
				d := map[string]any{"type": c.Type, "value": c.Value, "valueType": c.ValueType,
					"issuer": c.Issuer, "originalIssuer": c.OriginalIssuer}
				if c.Properties != nil {
					d["properties"] = pairs(c.Properties)
				}
				return d
			})}
		if i.Bootstrap != nil {
			d["bootstrap"] = *i.Bootstrap
		}
		if i.Actor != nil {
			d["actor"] = identity(*i.Actor)
		}
		return d
	}
	return map[string]any{"scheme": o.Scheme, "identities": list(o.Identities, identity),
		"properties": pairs(o.Properties)}
}

func (m *coreTicketModel) compare(t *testing.T, f *file, got *coreTicket) {
	t.Helper()
	for _, difference := range differences("ticket", got.describe(), m.tree, !f.own) {
		t.Error(difference)
	}
}

// coreTicketVector is a ticket with its text, a ticket alone, or a text alone.
type coreTicketVector struct {
	Name, Note      string
	Ring            string
	ApplicationName string
	Purposes        []string
	Input           *coreTicketModel
	Serialized      hexBytes
	Text            string
	Result          string // "ticket", "null" or "exception"
	Error           string
	Ticket          *coreTicketModel
	Reserialized    hexBytes
}

func runCoreTicket(t *testing.T, f *file) {
	var content struct {
		header
		About                      string
		Tickets, Serialized, Texts []coreTicketVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Tickets), len(content.Serialized), len(content.Texts))
	name := func(v *coreTicketVector) string { return v.Name }
	each(t, f, content.Tickets, name, func(t *testing.T, v *coreTicketVector) { v.both(t, f) })
	each(t, f, content.Serialized, name, func(t *testing.T, v *coreTicketVector) {
		got, err := readCoreTicket(v.Serialized)
		v.judge(t, f, got, err)
		v.byCodec(t, got, err)
	})
	each(t, f, content.Texts, name, func(t *testing.T, v *coreTicketVector) {
		serialized, err := v.open(t)
		var got *coreTicket
		if err == nil {
			got, err = readCoreTicket(serialized)
		}
		v.judge(t, f, got, err)
		v.byCodec(t, got, err)
	})
}

// open takes the text apart.
func (v *coreTicketVector) open(t *testing.T) ([]byte, error) {
	t.Helper()
	protected, ok := base64.AppendDecodeWeb(nil, v.Text)
	if !ok {
		return nil, errors.New("no base64url")
	}
	p := corePayload{Ring: v.Ring, ApplicationName: v.ApplicationName, Purposes: v.Purposes}
	out, _, err := p.protector(t, nil).Unprotect(t.Context(), nil, protected)
	return out, err
}

// judge compares a verdict.
func (v *coreTicketVector) judge(t *testing.T, f *file, got *coreTicket, err error) {
	t.Helper()
	switch v.Result {
	case "ticket":
		if err != nil {
			f.refused(t, v.Name, err, errors.Is(err, coreticket.ErrUnsupported))
			return
		}
		if v.Ticket != nil {
			v.Ticket.compare(t, f, got)
		}
	case "null", "exception":
		if err == nil {
			t.Error("read, .NET refuses")
		}
		if version := errors.Is(err, coreticket.ErrVersion); version && v.Result == "exception" {
			t.Errorf("%v, .NET throws", err)
		}
	default:
		t.Fatalf("no test for result %q", v.Result)
	}
}

// both reads the text, and writes the ticket.
func (v *coreTicketVector) both(t *testing.T, f *file) {
	serialized, err := v.open(t)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "serialized", serialized, v.Serialized)
	got, err := readCoreTicket(v.Serialized)
	if err != nil {
		t.Fatal(err)
	}
	if v.Ticket == nil || v.Input == nil {
		t.Fatal("no ticket or no input")
	}
	v.Ticket.compare(t, f, got)
	again, err := got.write()
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "reserialized", again, v.Reserialized)
	v.Input.sortAs(got)
	written, err := v.Input.write()
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "written", written, v.Serialized)
	v.byCodec(t, got, nil)
}

// byCodec opens the text, or one around the bytes, with the codec of
// sessiontoken, which is to find the same ticket or the same fault. A codec
// also wants an end that .NET can read, and no reference to a store.
func (v *coreTicketVector) byCodec(t *testing.T, want *coreTicket, wantErr error) {
	t.Helper()
	p := corePayload{Ring: cmp.Or(v.Ring, "AES_256_CBC-HMACSHA256"),
		ApplicationName: v.ApplicationName}
	purpose, ok := corePurpose(v.Purposes)
	if !ok && v.Purposes != nil {
		t.Fatalf("no codec for purposes %q", v.Purposes)
	}
	ring := p.ring(t, nil)
	codec, err := sessiontoken.NewCoreCodec(ring, purpose,
		&sessiontoken.CoreOptions{InsecureNoExpiry: true,
			Now: func() time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	text := v.Text
	if v.Ring == "" { // bytes alone
		protector, err := ring.Protector("Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", "Cookies", "v2")
		if err != nil {
			t.Fatal(err)
		}
		protected, err := protector.Protect(nil, v.Serialized)
		if err != nil {
			t.Fatal(err)
		}
		text = stdbase64.RawURLEncoding.EncodeToString(protected)
	}
	got, err := codec.Decode(t.Context(), text)
	var inside *sessiontoken.FormatError
	switch {
	case wantErr != nil:
		if err == nil || !errors.Is(err, sessiontoken.ErrInvalid) &&
			!errors.Is(err, sessiontoken.ErrUnsupported) {
			t.Errorf("by the codec: %v, want an error as %v", err, wantErr)
		}
		if !errors.As(wantErr, new(*layer.Error)) {
			if err != sessiontoken.ErrInvalid {
				t.Errorf("by the codec: %v, want ErrInvalid as it is", err)
			}
		} else if !errors.As(err, &inside) || inside.Layer != "core ticket" {
			t.Errorf("by the codec: %v, want a FormatError of the ticket", err)
		}
		return
	case want.has("Microsoft.AspNetCore.Authentication.Cookies-SessionId"):
		if !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("by the codec: %v, want ErrNotInStore", err)
		}
		return
	case want.oddEnd():
		if !errors.Is(err, sessiontoken.ErrUnsupported) {
			t.Errorf("by the codec: %v, want ErrUnsupported", err)
		}
		return
	case err != nil:
		t.Fatalf("by the codec: %v", err)
	}
	for _, difference := range differences("by the codec", describeCore(got).describe(),
		want.describe(), true) {
		t.Error(difference)
	}
	again, err := codec.Encode(t.Context(), got)
	if err != nil { // what .NET reads and a writer could not mean
		if _, writeErr := want.write(); writeErr == nil {
			t.Errorf("by the codec: %v", err)
		}
		return
	}
	back, err := codec.Decode(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences("issued again", describeCore(back).describe(),
		want.describe(), true) {
		t.Error(difference)
	}
}

// corePurpose returns the purpose of a codec for recorded purposes.
func corePurpose(purposes []string) (sessiontoken.Purpose, bool) {
	if len(purposes) == 3 {
		switch purposes[0] + "|" + purposes[2] {
		case "Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware|v2":
			return sessiontoken.Cookie(purposes[1]), true
		case "Microsoft.AspNetCore.Authentication.BearerToken|BearerToken":
			return sessiontoken.AccessToken(purposes[1]), true
		case "Microsoft.AspNetCore.Authentication.BearerToken|RefreshToken":
			return sessiontoken.RefreshToken(purposes[1]), true
		}
	}
	return sessiontoken.Cookie("Cookies"), false
}

// has reports whether there is a claim of a type.
func (o *coreTicket) has(claimType string) bool {
	for _, i := range o.Identities {
		if slices.ContainsFunc(i.Claims, func(c coreClaim) bool { return c.Type == claimType }) {
			return true
		}
	}
	return false
}

// oddEnd reports whether there is an end that .NET cannot read.
func (o *coreTicket) oddEnd() bool {
	for _, p := range o.Properties {
		if p[0] == ".expires" {
			_, ok := dotnet.ParseRFC1123(p[1])
			return !ok
		}
	}
	return false
}

// describeCore returns a ticket of the codec as the suite has it.
func describeCore(c *sessiontoken.CoreTicket) *coreTicket {
	var identity func(i *sessiontoken.Identity) coreIdentity
	identity = func(i *sessiontoken.Identity) coreIdentity {
		out := coreIdentity{AuthenticationType: i.AuthenticationType, NameType: i.NameClaimType,
			RoleType: i.RoleClaimType}
		for _, c := range i.Claims {
			out.Claims = append(out.Claims, coreClaim{c.Type, c.Value, c.ValueType, c.Issuer,
				c.OriginalIssuer, corePairs(c.Properties)})
		}
		if i.BootstrapKind == "string" {
			text := string(i.Bootstrap.Reveal())
			out.Bootstrap = &text
		}
		if i.Actor != nil {
			actor := identity(i.Actor)
			out.Actor = &actor
		}
		return out
	}
	o := &coreTicket{Scheme: c.Scheme, Properties: corePairs(c.Properties)}
	for i := range c.Principal.Identities {
		o.Identities = append(o.Identities, identity(&c.Principal.Identities[i]))
	}
	return o
}
