package testvectors_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// systemWebVector is what a System.Web site writes whose <machineKey> names
// CompatibilityDataProtector: the formats of the site, protected by a key ring.
type systemWebVector struct {
	Name, Kind           string
	Ring                 string
	ApplicationName      string
	Purposes             []string
	Plaintext, Protected hexBytes
	Cookie               string
	Ticket               json.RawMessage // forms and owin
	Expected             *model          // fedauth
}

func runSystemWeb(t *testing.T, f *file) {
	var content struct {
		header
		About   string
		Vectors []systemWebVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *systemWebVector) string { return v.Name },
		func(t *testing.T, v *systemWebVector) {
			switch v.Kind {
			case "forms":
				v.forms(t, f)
			case "fedauth":
				v.fedAuth(t, f)
			case "owin":
				v.katana(t, f)
			case "machinekey":
				v.protect(t)
			default:
				t.Fatalf("no test for kind %q", v.Kind)
			}
		})
}

// keys returns the ring as the keys of a codec.
func (v *systemWebVector) keys(t *testing.T) sessiontoken.Keys {
	t.Helper()
	return (&corePayload{Ring: v.Ring, ApplicationName: v.ApplicationName}).ring(t, nil)
}

// opens wants the bytes to be the recorded plaintext under the purposes that
// are recorded.
func (v *systemWebVector) opens(t *testing.T, protected []byte) {
	t.Helper()
	p, err := v.keys(t).Protector(v.Purposes...)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := p.Unprotect(t.Context(), nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "plaintext", got, v.Plaintext)
}

func (v *systemWebVector) forms(t *testing.T, f *file) {
	var ticket ticketModel
	if err := decode(v.Ticket, &ticket); err != nil {
		t.Fatal(err)
	}
	open := func(text string) {
		t.Helper()
		raw, err := hex.DecodeString(text)
		if err != nil || text != strings.ToUpper(text) {
			t.Errorf("no hex in capitals, error %v", err)
		}
		v.opens(t, raw)
	}
	open(v.Cookie)
	want := ticket.ticket(t)
	codec, err := sessiontoken.NewFormsCodec(v.keys(t), &sessiontoken.FormsOptions{
		Now: func() time.Time { return want.Expiration }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(t.Context(), v.Cookie)
	const longest = 4096 // characters that FormsAuthentication.Decrypt takes
	switch {
	case len(v.Cookie) > longest:
		if !errors.Is(err, layer.ErrTooLong) {
			t.Errorf("error %v, want ErrTooLong", err)
		}
		text, err := codec.Encode(t.Context(), want)
		f.notIssued(t, text, err)
		return
	case err != nil:
		text, encodeErr := codec.Encode(t.Context(), want)
		f.notIssued(t, text, encodeErr)
		f.refused(t, v.Name, err, declaredClass(err))
		return
	}
	for _, difference := range differences("ticket", describeTicket(got), ticket.tree, !f.own) {
		t.Error(difference)
	}
	text, err := codec.Encode(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	open(text)
}

func (v *systemWebVector) fedAuth(t *testing.T, f *file) {
	codec, err := sessiontoken.NewSessionCodec(v.keys(t), reading(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(context.Background(), v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	v.Expected.compareFormat(t, f, wif.V45, got)
	envelope, err := base64.StdEncoding.DecodeString(v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(envelope, []byte("Cookie xmlns"))
	_, rest, _ = bytes.Cut(rest, []byte(">"))
	inner, _, ok := bytes.Cut(rest, []byte("<"))
	if !ok {
		t.Fatalf("no Cookie in %s", short(string(envelope)))
	}
	protected, err := base64.StdEncoding.DecodeString(string(inner))
	if err != nil {
		t.Fatal(err)
	}
	v.opens(t, protected)
	text, err := codec.Encode(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := codec.Decode(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	v.Expected.compareFormat(t, f, wif.V45, again)
}

func (v *systemWebVector) katana(t *testing.T, f *file) {
	var ticket katanaModel
	if err := decode(v.Ticket, &ticket); err != nil {
		t.Fatal(err)
	}
	if len(v.Purposes) == 0 || v.Purposes[0] != machinekey.UserPurpose {
		t.Fatalf("purposes %q", v.Purposes)
	}
	protected, err := base64.RawURLEncoding.DecodeString(v.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	v.opens(t, protected)
	codec, err := sessiontoken.NewKatanaCodec(v.keys(t), sessiontoken.Purposes(v.Purposes[1:]...),
		&sessiontoken.KatanaOptions{InsecureNoExpiry: true,
			Now: func() time.Time { return time.Time{} }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(t.Context(), v.Cookie)
	if err != nil {
		reference := refersToStore(&ticket) && errors.Is(err, sessiontoken.ErrNotInStore)
		var inside *sessiontoken.FormatError
		trailing := errors.As(err, &inside) && inside.Layer == "katana" &&
			strings.Contains(err.Error(), "bytes behind the properties")
		f.refused(t, v.Name, err, declaredClass(err) || reference || trailing)
		return
	}
	ticket.compare(t, f, got)
	text, err := codec.Encode(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := codec.Decode(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	ticket.compare(t, f, again)
}

// protect is MachineKey.Protect of such a site.
func (v *systemWebVector) protect(t *testing.T) {
	v.opens(t, v.Protected)
	p, err := v.keys(t).Protector(v.Purposes...)
	if err != nil {
		t.Fatal(err)
	}
	protected, err := p.Protect(nil, v.Plaintext)
	if err != nil {
		t.Fatal(err)
	}
	v.opens(t, protected)
}
