package sessiontoken

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// The JSON of owin.json; see the README of package testvectors.

type katanaFileJSON struct {
	Keys    map[string]keyJSON
	Vectors []katanaVectorJSON
	State   []katanaVectorJSON
	Handler []katanaHandlerJSON
}

type katanaVectorJSON struct {
	ID, Desc, Key, Format, Expect, FailStage   string
	KeyInline                                  *keyJSON
	Purposes                                   []string
	Text, ProtectedHex, GzipHex, SerializedHex *string
	Input, Ticket                              *katanaTicketJSON
	Properties                                 [][2]string // of a state
}

type katanaTicketJSON struct {
	AuthenticationType            *string
	NameType, RoleType            string
	IsAuthenticated, IsPersistent bool
	Name, Bootstrap, RedirectURI  *string
	Claims                        []claimJSON
	Properties                    [][2]string
	IssuedUTC, ExpiresUTC         *time.Time
	AllowRefresh                  *bool
	Actor, Label                  any // given, and not serialized
}

func readKatanaFile(t testing.TB) *katanaFileJSON {
	t.Helper()
	f := testkit.Parsed[katanaFileJSON](t, "owin.json")
	if len(f.Vectors) != 127 || len(f.State) != 3 || len(f.Handler) != 35 {
		t.Fatalf("%d vectors, %d states, %d handler runs", len(f.Vectors),
			len(f.State), len(f.Handler))
	}
	return f
}

// config returns a machine key of the file.
func (f *katanaFileJSON) config(t testing.TB, key string) machinekey.Config {
	t.Helper()
	k, ok := f.Keys[key]
	if !ok {
		t.Fatalf("no key %q", key)
	}
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(webConfig(&k)))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	return cfg
}

func webConfig(k *keyJSON) string {
	return fmt.Sprintf(`<configuration><system.web><machineKey validationKey="%s" decryptionKey="%s" validation="%s" decryption="%s"/></system.web></configuration>`,
		k.ValidationKey, k.DecryptionKey, k.Validation, k.Decryption)
}

func (f *katanaFileJSON) ring(t testing.TB, name string) *machinekey.Ring {
	t.Helper()
	key, err := machinekey.New(f.config(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return ringOf(t, key)
}

func (f *katanaFileJSON) vector(t testing.TB, id string) *katanaVectorJSON {
	t.Helper()
	for i := range f.Vectors {
		if strings.HasPrefix(f.Vectors[i].ID, id+"-") {
			return &f.Vectors[i]
		}
	}
	t.Fatalf("no vector %q", id)
	return nil
}

// versions of the reader that a vector speaks of.
func (v *katanaVectorJSON) version(t testing.TB) string {
	version, ok := map[string]string{"3": "3", "3bc": "3",
		"2": "2", "2bc": "2 with bootstrap token", "1": "1"}[v.Format]
	if !ok {
		t.Fatalf("format %q", v.Format)
	}
	return version
}

// codec returns the codec of a vector, at a time when nothing has expired.
func (f *katanaFileJSON) codec(t testing.TB, v *katanaVectorJSON, opts KatanaOptions) *KatanaCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	c, err := NewKatanaCodec(f.ring(t, v.Key), Purposes(v.Purposes...), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func properties(list [][2]string) (p Properties) {
	for _, e := range list {
		p = append(p, e)
	}
	return p
}

// ticket makes the ticket that j describes.
func (j *katanaTicketJSON) ticket(version string) *KatanaTicket {
	t := &KatanaTicket{Version: version, Properties: properties(j.Properties)}
	t.Identity.AuthenticationType = *j.AuthenticationType
	t.Identity.NameClaimType, t.Identity.RoleClaimType = j.NameType, j.RoleType
	for _, c := range j.Claims {
		t.Identity.Claims = append(t.Identity.Claims,
			Claim{Type: c.Type, Value: c.Value, ValueType: c.ValueType, Issuer: c.Issuer,
				OriginalIssuer: c.OriginalIssuer})
	}
	if j.Bootstrap != nil {
		t.Identity.BootstrapKind, t.Identity.Bootstrap = "string", machinekey.NewSecret([]byte(*j.Bootstrap))
	}
	if j.Label != nil {
		t.Identity.Label = fmt.Sprint(j.Label)
	}
	if j.Actor != nil {
		t.Identity.Actor = &Identity{AuthenticationType: "actor"}
	}
	return t
}

var ignoreKatanaKey = cmpopts.IgnoreUnexported(KatanaTicket{})

// diff compares a ticket with what .NET read, all that can be derived from it
// included.
func (j *katanaTicketJSON) diff(got *KatanaTicket) string {
	if d := cmp.Diff(j.ticket(got.Version), got, ignoreKatanaKey,
		cmpopts.IgnoreFields(KatanaTicket{}, "SessionKey")); d != "" {
		return d
	}
	derived := *j
	derived.IsAuthenticated = got.principal().IsAuthenticated()
	derived.IsPersistent = got.Properties.has(PropertyPersistent)
	derived.Name, derived.RedirectURI, derived.IssuedUTC, derived.ExpiresUTC, derived.AllowRefresh = nil, nil, nil, nil, nil
	if name := got.principal().Name(); name != "" {
		derived.Name = &name
	}
	if uri, _ := got.Properties.Get(".redirect"); uri != "" {
		derived.RedirectURI = &uri
	}
	if at, ok := got.Properties.Time(PropertyIssued); ok {
		derived.IssuedUTC = &at
	}
	if at, ok := got.Properties.Time(PropertyExpires); ok {
		derived.ExpiresUTC = &at
	}
	refresh, _ := got.Properties.Get(".refresh")
	if allow, ok := dotnet.ParseBool(refresh); ok {
		derived.AllowRefresh = &allow
	}
	return cmp.Diff(*j, derived)
}

// katanaStricter are the vectors that .NET accepts and this package refuses on
// purpose, with the cause.
var katanaStricter = map[string]error{
	"pub-054-session-ref":    errKatanaNoStore,     // .NET takes it for a user
	"pub-083-format2-by-2bc": errKatanaNotRead,     // .NET loses the properties
	"pub-084-format2bc-by-2": errKatanaNotRead,     // .NET loses the properties
	"pub-103-trailing":       katana.ErrTrailing,   // nothing writes that
	"pub-108-propver2":       katana.ErrProperties, // .NET loses the properties
	"pub-115-bad-utf8":       katana.ErrText,       // .NET never writes that
}

// katanaNoExpiry are those that it accepts only with InsecureNoExpiry.
var katanaNoExpiry = map[string]bool{
	"pub-035-no-properties": true, "pub-036-unparsable-dates": true,
	"pub-037-weekday-mismatch": true, "pub-038-date-forms": true,
}

// katanaNotIssued are those that it does not issue, since they do not read back.
var katanaNotIssued = map[string]bool{"pub-047-nul-type-collision": true,
	"pub-048-nul-issuer-collision": true}

func TestKatanaVectors(t *testing.T) {
	f := readKatanaFile(t)
	ran := map[string]int{}
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.ID, func(t *testing.T) {
			ran[v.Expect]++
			switch v.Expect {
			case "ok":
				f.runOK(t, v)
				if v.Input != nil {
					f.runIssue(t, v)
				}
			case "reject":
				f.runReject(t, v)
			case "config-error":
				runConfigError(t, v)
			case "argument-error":
				if v.Input != nil { // a null text, which Go does not have
					if v.Input.AuthenticationType != nil {
						t.Fatal("what is wrong with the input?")
					}
					return
				}
				if _, err := NewKatanaCodec(f.ring(t, v.Key), Purposes(v.Purposes...),
					nil); err == nil {
					t.Fatal("accepted")
				}
			default:
				t.Fatalf("expect %q", v.Expect)
			}
		})
	}
	if ran["ok"] < 70 || ran["reject"] < 40 || ran["config-error"] != 7 ||
		ran["argument-error"] != 2 {
		t.Errorf("ran %v", ran)
	}
}

func (f *katanaFileJSON) runOK(t *testing.T, v *katanaVectorJSON) {
	version := v.version(t)
	c := f.codec(t, v, KatanaOptions{Version: version, InsecureNoExpiry: true})
	got, err := c.Decode(ctx, *v.Text)
	if cause := katanaStricter[v.ID]; cause != nil {
		if !errors.Is(err, cause) {
			t.Fatalf("got %v, want %v", err, cause)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if d := v.Ticket.diff(got); d != "" || got.Version != version {
		t.Fatalf("version %v, differs from what .NET read (-want +got):\n%s", got.Version, d)
	}
	if got.OpenedBy() == "" {
		t.Error("OpenedBy is empty")
	}

	// The same by default, unless it would never expire.
	got, err = f.codec(t, v, KatanaOptions{}).Decode(ctx, *v.Text)
	if katanaNoExpiry[v.ID] {
		if !errors.Is(err, ErrUnsupported) || got != nil {
			t.Errorf("never expires: %v, %v", got, err)
		}
	} else if err != nil || v.Ticket.diff(got) != "" {
		t.Errorf("by default: %v, %v", got, err)
	}
	p, err := c.ReadPrincipal(ctx, *v.Text)
	if err != nil || len(p.Identities) != 1 || p.IsAuthenticated() != v.Ticket.IsAuthenticated {
		t.Errorf("principal %v, %v", p, err)
	}
}

// runIssue makes every layer from the one inside it, as far as .NET
// determines the bytes.
func (f *katanaFileJSON) runIssue(t *testing.T, v *katanaVectorJSON) {
	version := v.version(t)
	c := f.codec(t, v, KatanaOptions{InsecureNoExpiry: true})
	ticket := v.Input.ticket(version)
	plain, err := ticket.marshal()
	if katanaNotIssued[v.ID] {
		if !errors.Is(err, katana.ErrMark) {
			t.Fatalf("issued, with error %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(plain); got != *v.SerializedHex {
		t.Fatalf("serialized\ngot  %s\nwant %s", got, *v.SerializedHex)
	}
	if v.ProtectedHex != nil {
		protected := testkit.Unhex(t, *v.ProtectedHex)
		if got := f.protect(t, v, testkit.Unhex(t, *v.GzipHex),
			protected); !bytes.Equal(got, protected) {
			t.Fatalf("protected\ngot  %x\nwant %x", got, protected)
		}
		if got := string(katana.AppendText(nil, protected)); got != *v.Text {
			t.Fatalf("text\ngot  %s\nwant %s", got, *v.Text)
		}
	}
	if isKatanaReference(&ticket.Identity) {
		return // Encode makes these itself
	}
	text, err := c.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if d := v.Ticket.diff(back); d != "" || back.Version != version {
		t.Fatalf("version %v, issued and read differs from what .NET read (-want +got):\n%s",
			back.Version, d)
	}
}

// protect protects data with the initialization vector of what .NET made.
func (f *katanaFileJSON) protect(t *testing.T, v *katanaVectorJSON, data, protected []byte) []byte {
	cfg := f.config(t, v.Key)
	cfg.Rand = bytes.NewReader(protected)
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := protector(ringOf(t, key), v.Purposes...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Protect(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (f *katanaFileJSON) runReject(t *testing.T, v *katanaVectorJSON) {
	c := f.codec(t, v, KatanaOptions{Version: v.version(t), InsecureNoExpiry: true})
	got, err := c.Decode(ctx, *v.Text)
	if got != nil || err == nil {
		t.Fatalf("accepted %v with error %v", got, err)
	}
	var at *FormatError
	switch v.FailStage {
	case "encoding", "unprotect":
		if err != ErrInvalid {
			t.Fatalf("error %v says more than ErrInvalid", err)
		}
	case "gunzip", "deserialize":
		if !errors.As(err, &at) {
			t.Fatalf("error %v is no FormatError", err)
		}
		if v.FailStage == "gunzip" && at.Layer != "gzip" {
			t.Fatalf("layer %q", at.Layer)
		}
	default:
		t.Fatalf("failStage %q", v.FailStage)
	}
	if a := anatomy.Of(ctx, c.Decode, *v.Text); a.Err == nil ||
		a.Layers[len(a.Layers)-1].Err != a.Err {
		t.Errorf("Inspect says %v", a.Err)
	}
}

func runConfigError(t *testing.T, v *katanaVectorJSON) {
	cfg, err := machinekey.ParseWebConfig(strings.NewReader(webConfig(v.KeyInline)))
	if err != nil {
		return
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	key, err := machinekey.New(cfg)
	if err != nil {
		return
	}
	if _, err := NewKatanaCodec(ringOf(t, key), Cookie("ApplicationCookie"), nil); err == nil {
		t.Fatal("accepted")
	}
}
