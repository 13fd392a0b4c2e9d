package testvectors_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// katanaFile is a file of Katana's tickets: single ones, the state strings of
// remote sign-in, and requests to a whole middleware.
type katanaFile struct {
	About, Source string
	Notes         map[string]any // words for people
	Keys          machineKeys
	Vectors       []katanaVector
	State         []katanaState
	Handler       []katanaRun
}

// katanaVector is one ticket, or a text that is none.
type katanaVector struct {
	ID, Desc, Key, Format  string
	KeyInline              *attributes
	Purposes               []string
	CookieName             *string
	Expect, FailStage      string
	ReferenceError, Advice string
	Input                  *katanaInput
	Ticket                 *katanaModel
	SerializedHex, GzipHex hexBytes
	ProtectedHex           hexBytes
	Text                   *string
}

// katanaState is a state string: properties alone, not compressed.
type katanaState struct {
	ID, Desc, Key, Expect       string
	Purposes                    []string
	Properties                  [][2]string
	SerializedHex, ProtectedHex hexBytes
	Text                        string
}

func runKatana(t *testing.T, f *file) {
	content := new(katanaFile)
	f.read(t, content)
	new(header).check(t, f, len(content.Vectors), len(content.State), len(content.Handler))
	each(t, f, content.Vectors, func(v *katanaVector) string { return v.ID },
		func(t *testing.T, v *katanaVector) {
			switch {
			case v.Expect == "ok" && v.Text != nil && v.Ticket != nil:
				v.layers(t, content)
				v.issue(t, f, content)
				v.read(t, f, content)
			case v.Expect == "reject" && v.Text != nil:
				v.layers(t, content)
				v.rejected(t, content)
			case v.Expect == "config-error" && v.KeyInline != nil:
				v.misconfigured(t)
			case v.Expect == "argument-error":
				v.badArgument(t, content)
			default:
				t.Fatalf("no test for expect %q", v.Expect)
			}
		})
	each(t, f, content.State, func(v *katanaState) string { return v.ID },
		func(t *testing.T, v *katanaState) {
			v.run(t, content)
		})
	each(t, f, content.Handler, func(r *katanaRun) string { return r.ID },
		func(t *testing.T, r *katanaRun) {
			r.run(t, f, content)
		})
}

// codec returns the codec of the vector's purposes, before any ticket expires.
func (v *katanaVector) codec(t *testing.T, content *katanaFile, opts sessiontoken.KatanaOptions) *sessiontoken.KatanaCodec {
	t.Helper()
	opts.Now = func() time.Time { return time.Time{} }
	codec, err := sessiontoken.NewKatanaCodec(content.Keys.ring(t, v.Key),
		sessiontoken.Purposes(v.Purposes...), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// layers compares the layers that are recorded, from the outside.
func (v *katanaVector) layers(t *testing.T, content *katanaFile) {
	if v.ProtectedHex != nil {
		if text := base64.RawURLEncoding.EncodeToString(v.ProtectedHex); text != *v.Text {
			t.Errorf("protectedHex is the text %s, want %s", short(text), short(*v.Text))
		}
	}
	if v.GzipHex == nil {
		return
	}
	sameBytes(t, "gzipHex", openKatana(t, content.Keys.config(t, v.Key), v.Purposes,
		*v.Text).content, v.GzipHex)
	if v.SerializedHex != nil {
		plain, err := flate.Gunzip(nil, v.GzipHex, 1<<20)
		if err != nil && (v.Expect == "ok" || len(v.GzipHex) != 0) { // of nothing .NET makes nothing
			t.Fatal(err)
		}
		sameBytes(t, "serializedHex", plain, v.SerializedHex)
	}
}

// issue writes the ticket and compares the bytes that .NET determines; the
// compressed ones differ.
func (v *katanaVector) issue(t *testing.T, f *file, content *katanaFile) {
	if v.Input == nil {
		return
	}
	ticket := v.Input.ticket(katanaVersionOf(t, v.Format))
	plain, err := tokentest.MarshalKatana(ticket)
	if v.Input.markedAsDefault() {
		f.notIssued(t, string(plain), err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if v.SerializedHex != nil {
		sameBytes(t, "serialized", plain, v.SerializedHex)
	}
	codec := v.codec(t, content, sessiontoken.KatanaOptions{InsecureNoExpiry: true})
	text, err := codec.Encode(context.Background(), ticket)
	if refersToStore(v.Ticket) {
		f.notIssued(t, text, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	back, err := codec.Decode(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	v.Ticket.compare(t, f, back)
	if back.Version != ticket.Version {
		t.Errorf("issued version %v, read %v", ticket.Version, back.Version)
	}
}

// refersToStore reports whether .NET read the key of a store's entry as a
// claim.
func refersToStore(m *katanaModel) bool {
	for _, c := range m.Claims {
		if c.Type == katana.SessionID {
			return true
		}
	}
	return false
}

// read opens the text as the reader of that format does, and as one that reads
// all formats and no ticket without an end.
func (v *katanaVector) read(t *testing.T, f *file, content *katanaFile) {
	version := katanaVersionOf(t, v.Format)
	codec := v.codec(t, content, sessiontoken.KatanaOptions{Version: version,
		InsecureNoExpiry: true})
	got, err := codec.Decode(context.Background(), *v.Text)
	if err != nil {
		reference := refersToStore(v.Ticket) && errors.Is(err, sessiontoken.ErrNotInStore)
		f.refused(t, v.ID, err, declaredClass(err) || reference || v.trailing(err))
		return
	}
	v.Ticket.compare(t, f, got)
	if got.Version != version {
		t.Errorf("version %v, want %v", got.Version, version)
	}
	never := v.Ticket.neverExpires(got)
	got, err = v.codec(t, content, sessiontoken.KatanaOptions{}).Decode(context.Background(),
		*v.Text)
	switch {
	case never:
		if !errors.Is(err, sessiontoken.ErrUnsupported) || got != nil {
			t.Errorf("a ticket that never expires is read as %v, error %v", got, err)
		}
	case err != nil:
		t.Error(err)
	default:
		v.Ticket.compare(t, f, got)
	}
	if v.CookieName != nil {
		v.travel(t, f)
	}
}

// trailing reports whether the error is about bytes behind a good ticket, which
// .NET does not look at.
func (v *katanaVector) trailing(err error) bool {
	var inside *sessiontoken.FormatError
	if !errors.As(err, &inside) || inside.Layer != "katana" || inside.Offset <= 0 ||
		inside.Offset >= len(v.SerializedHex) {
		return false
	}
	_, err = tokentest.UnmarshalKatana(v.SerializedHex[:inside.Offset])
	return err == nil
}

// travel sends the text in the cookies of a middleware, and finds it there.
func (v *katanaVector) travel(t *testing.T, f *file) {
	set, err := chunks.Katana.Split(&http.Cookie{Name: *v.CookieName, Value: *v.Text}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, c := range set {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	request := cookieRequest(strings.Join(pairs, "; "))
	source := cookie.From(cookie.KindKatana, *v.CookieName)
	if len(v.Purposes) == 3 && v.Purposes[0] == cookieMiddleware &&
		*v.CookieName == ".AspNet."+v.Purposes[1] {
		source = cookie.From(cookie.KindKatana, ".AspNet."+v.Purposes[1])
	} else if !f.own { // a site may choose its name
		t.Errorf("cookieName %q is not the default one of %q", *v.CookieName, v.Purposes)
	}
	if text, err := source(request); err != nil || text != *v.Text {
		t.Errorf("found %s, error %v; want %s", short(text), err, short(*v.Text))
	}
}

func (v *katanaVector) rejected(t *testing.T, content *katanaFile) {
	codec := v.codec(t, content, sessiontoken.KatanaOptions{
		Version: katanaVersionOf(t, v.Format), InsecureNoExpiry: true})
	got, err := codec.Decode(context.Background(), *v.Text)
	var inside *sessiontoken.FormatError
	switch {
	case err == nil:
		t.Errorf("read as %v; .NET refuses: %s", got, v.FailStage)
	case v.FailStage == "encoding" || v.FailStage == "unprotect":
		if err != sessiontoken.ErrInvalid {
			t.Errorf("error %v, want ErrInvalid as it is", err)
		}
	case v.FailStage == "gunzip" || v.FailStage == "deserialize":
		if !errors.As(err, &inside) || v.FailStage == "gunzip" && inside.Layer != "gzip" {
			t.Errorf("error %v, want a FormatError of that layer", err)
		}
	default:
		t.Fatalf("no test for failStage %q", v.FailStage)
	}
}

func (v *katanaVector) misconfigured(t *testing.T) {
	cfg, err := v.KeyInline.config(true)
	if err == nil {
		var key *machinekey.Key
		if key, err = machinekey.New(cfg); err == nil {
			_, err = sessiontoken.NewKatanaCodec(ringOf(t, key), sessiontoken.Purposes("test"), nil)
		}
	}
	code := ""
	switch {
	case strings.Contains(v.ReferenceError, "Wrong_validation_enum"):
		code = "invalid_validation_algorithm"
	case strings.Contains(v.ReferenceError, "Wrong_decryption_enum"):
		code = "invalid_decryption_algorithm"
	case strings.Contains(v.ReferenceError, "Invalid_decryption_key"),
		strings.HasPrefix(v.ReferenceError, "CryptographicException"):
		code = "invalid_decryption_key"
	}
	wantCode(t, err, code)
}

// badArgument wants the refusal of purposes. The null that .NET refuses as an
// authentication type does not exist in Go.
func (v *katanaVector) badArgument(t *testing.T, content *katanaFile) {
	if v.Input != nil {
		if v.Input.AuthenticationType != nil {
			t.Error("nothing is wrong with the input")
		}
		return
	}
	if _, err := sessiontoken.NewKatanaCodec(content.Keys.ring(t, v.Key),
		sessiontoken.Purposes(v.Purposes...), nil); err == nil {
		t.Errorf("purposes %q are accepted", v.Purposes)
	}
}

func (v *katanaState) run(t *testing.T, content *katanaFile) {
	if v.Expect != "ok" || len(v.Purposes) != 3 || v.Purposes[2] != "v1" {
		t.Fatalf("no test for expect %q, purposes %q", v.Expect, v.Purposes)
	}
	cfg := content.Keys.config(t, v.Key)
	opened := openKatana(t, cfg, v.Purposes, v.Text)
	sameBytes(t, "protectedHex", opened.protected, v.ProtectedHex)
	sameBytes(t, "serializedHex", opened.content, v.SerializedHex)
	got, err := katana.ReadState(opened.content)
	if err != nil {
		t.Fatal(err)
	}
	want := sessiontoken.KatanaTicket{Properties: katanaProperties(v.Properties)}
	sameTicket(t, "state", &sessiontoken.KatanaTicket{Properties: got}, &want)
	written, err := katana.AppendState(nil, want.Properties)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "serializedHex", written, v.SerializedHex)
	if text := string(katana.AppendText(nil, opened.protected)); text != v.Text {
		t.Errorf("text %s, want %s", short(text), short(v.Text))
	}
}
