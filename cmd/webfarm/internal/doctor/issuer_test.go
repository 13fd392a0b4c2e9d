package doctor_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// issuer is a node that issues one kind of credential: its site and what its code says.
type issuer struct {
	site
	kind     doctor.Kind
	authType string // of Katana
	at       time.Time
	isolated bool // its keys are bound to the application of isolation
}

// sqSession is the kind of the session of Cora SeQuence. Nothing public says what the product puts
// into it; the matrix has that of Go nodes.
const sqSession doctor.Kind = "sqsession"

const purposeSQSession = "github.com/webfarm-go/webfarm/cookie.SQSession"

// isolation are the hashes of the application whose keys are isolated in the matrix.
var isolation = isolated(4711)

// keys are the keys of the site, isolated where its file says it.
func (i issuer) keys(t testing.TB, mode machinekey.Mode) *machinekey.Ring {
	var iso doctor.Isolation
	if i.isolated {
		iso = isolation
	}
	return i.ring(t, mode, iso)
}

// name is the name of the cookie, empty for a bearer token.
func (i issuer) name() string {
	switch i.kind {
	case doctor.Forms:
		return i.formsName
	case doctor.Roles:
		return i.rolesName
	case doctor.Anonymous:
		return i.anonymousName
	case doctor.Katana:
		return ".AspNet.Shared" // CookieName in code
	case sqSession:
		return i.sqName + "Shop"
	case doctor.Bearer, doctor.Refresh, doctor.AuthCode:
		return ""
	}
	return i.sessionName
}

// modal reports whether the compatibility mode decides how the credential is protected.
func (i issuer) modal() bool {
	return i.kind == doctor.Forms || i.kind == doctor.Roles || i.kind == doctor.Anonymous
}

// legacy reports whether the credential is protected in the way of before .NET 4.5.
func (i issuer) legacy() bool {
	return i.modal() && i.mode != "Framework45" || i.session() && i.encodes()
}

func (i issuer) session() bool { return i.kind == doctor.FedAuth || i.kind == doctor.WIF10 }

func (i issuer) encodes() bool { return i.handler == "encode" || i.wif10 }

// cookieProtection is the attribute of the cookie.
func (i *issuer) cookieProtection() *string {
	switch i.kind {
	case doctor.Roles:
		return &i.rolesProtection
	case doctor.Anonymous:
		return &i.anonymous
	}
	return &i.protection
}

// cookieName is the attribute with the name of the cookie, nil if no file has it.
func (i *issuer) cookieName() *string {
	switch i.kind {
	case doctor.Forms:
		return &i.formsName
	case doctor.Roles:
		return &i.rolesName
	case doctor.Anonymous:
		return &i.anonymousName
	case doctor.FedAuth, doctor.WIF10:
		return &i.sessionName
	}
	return nil
}

func (i issuer) legacyOptions() machinekey.LegacyOptions {
	var o machinekey.LegacyOptions
	if i.mode != "Framework45" {
		o.Protection = machinekey.Protection(*i.cookieProtection())
	}
	return o
}

// issue returns the text of a credential for ann.
func (i issuer) issue(t testing.TB) string {
	t.Helper()
	own := func() *machinekey.Ring { return i.keys(t, i.machineMode()) }
	o := &sessiontoken.FormsOptions{Now: at(i.at), Protection: i.legacyOptions().Protection}
	katana := func(p sessiontoken.Purpose) string {
		codec := must[*sessiontoken.KatanaCodec](t)(sessiontoken.NewKatanaCodec(
			i.keys(t, machinekey.Framework45), p, &sessiontoken.KatanaOptions{Now: at(i.at)}))
		return must[string](t)(codec.Encode(ctx, codec.NewTicket(ann(0).Identities[0], nil)))
	}
	switch i.kind {
	case doctor.Forms:
		codec := must[*sessiontoken.FormsCodec](t)(sessiontoken.NewFormsCodec(own(), o))
		return must[string](t)(codec.Encode(ctx, codec.NewTicket("ann", "")))
	case doctor.Roles:
		p := must[machinekey.Protector](t)(own().CookieProtector(i.legacyOptions(),
			machinekey.RolePurpose))
		head := "\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00" // of a BinaryFormatter
		return must[string](t)(rolecookie.Encode(p, []byte(head+"the rest")))
	case doctor.Anonymous:
		codec := must[*sessiontoken.AnonymousCodec](t)(sessiontoken.NewAnonymousCodec(own(), o))
		return must[string](t)(codec.Encode(ctx, codec.NewID()))
	case doctor.Katana:
		return katana(sessiontoken.Cookie(i.authType))
	case doctor.Bearer:
		return katana(sessiontoken.AccessToken("Bearer"))
	case doctor.Refresh:
		return katana(sessiontoken.RefreshToken("Bearer"))
	case doctor.AuthCode:
		return katana(sessiontoken.AuthorizationCode())
	}
	chain := []sessiontoken.Protector{sessiontoken.DeflateTransform()}
	last := must[sessiontoken.Protector](t)
	if i.kind == sqSession { // as cookie.SQSession issues it
		chain = append(chain, last(sessiontoken.MachineKeyTransform(i.keys(t, machinekey.Framework45),
			purposeSQSession)))
		codec := must[*sessiontoken.SessionCodec](t)(sessiontoken.NewSessionCodec(nil,
			&sessiontoken.SessionOptions{Now: at(i.at), Transforms: chain,
				Endpoint: strings.ToUpper(i.name()) + ";" + i.sqPath}))
		return must[string](t)(codec.Encode(ctx,
			must[*sessiontoken.Token](t)(codec.NewToken(ann(0)))))
	}
	if i.encodes() {
		chain = append(chain,
			last(sessiontoken.MachineKeyEncodeTransform(i.keys(t, machinekey.Framework20SP1))))
	} else {
		chain = append(chain,
			last(sessiontoken.MachineKeyTransform(i.keys(t, machinekey.Framework45))))
	}
	codec := must[*sessiontoken.SessionCodec](t)(sessiontoken.NewSessionCodec(nil,
		&sessiontoken.SessionOptions{WIF10: i.wif10, Now: at(i.at), Endpoint: i.path,
			Transforms: chain}))
	return must[string](t)(codec.Encode(ctx, must[*sessiontoken.Token](t)(codec.NewToken(ann(0)))))
}

// input is a request with a credential of the issuer, or its bare text.
func (i issuer) input(text string) doctor.Input {
	if i.name() == "" {
		return doctor.Input{Text: text}
	}
	return header(i.name() + "=" + text)
}

// algorithms are the pairs that a credential may be under, the decryption with the size of its key.
func (i issuer) validations() []string {
	if i.legacy() {
		return everyValidation
	}
	return modern
}

var (
	everyValidation = []string{"SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512",
		"MD5", "3DES", "AES"}
	modern = everyValidation[:4] // what MachineKey.Protect and Framework45 know
	modes  = []string{"Framework45", "Framework20SP1", "Framework20SP2"}
)

type cipherOf struct {
	name string
	size int
}

var ciphersOf = []cipherOf{{"AES", 16}, {"AES", 24}, {"AES", 32}, {"3DES", 24}, {"DES", 8}}

// legal reports whether .NET would start with the site, and issue with it.
func (i issuer) legal() bool {
	size := len(strings.TrimSuffix(i.decryptionKey, isolate)) / 2
	fits := slices.Contains(ciphersOf, cipherOf{i.decryption, size})
	if i.legacy() && i.mode != "Framework45" {
		fits = fits || i.decryption == "DES" || i.decryption == "3DES" && size == 16
	}
	if i.mode == "Framework45" && (i.isolated || !slices.Contains(modern, i.validation)) {
		return false
	}
	switch i.validation { // it is a cipher too
	case "AES":
		fits = fits && size >= 16
	case "3DES":
		fits = fits && (size == 16 || size == 24)
	}
	return fits && slices.Contains(i.validations(), i.validation)
}

const isolate = ",IsolateApps"

// each calls f with every issuer: all kinds in all modes under all pairs of algorithms.
func each(t testing.TB, f func(name string, i issuer)) {
	random := seed.Of(t)
	for _, kind := range []struct {
		kind    doctor.Kind
		handler string
	}{
		{doctor.FedAuth, "machineKey"}, {doctor.FedAuth, "encode"}, {doctor.WIF10, "encode"},
		{doctor.Forms, "machineKey"}, {doctor.Roles, "machineKey"}, {doctor.Anonymous, "machineKey"},
		{doctor.Katana, "machineKey"}, {doctor.Bearer, "machineKey"}, {doctor.Refresh, "machineKey"},
		{doctor.AuthCode, "machineKey"}, {sqSession, "machineKey"},
	} {
		for _, mode := range modes {
			for _, protection := range []string{"All", "Encryption", "Validation"} {
				for _, validation := range everyValidation {
					for _, c := range ciphersOf {
						i := issuer{kind: kind.kind, at: now,
							authType: "ApplicationCookie", site: fresh(t)}
						i.validationKey = hex.EncodeToString(random.Bytes(64))
						i.decryptionKey = hex.EncodeToString(random.Bytes(c.size))
						i.validation, i.decryption, i.mode = validation, c.name, mode
						i.handler, i.wif10 = kind.handler, kind.kind == doctor.WIF10
						i.path, i.formsPath = "/", "/"
						i.rolesName, i.anonymousName = ".ASPXROLES", ".ASPXANONYMOUS"
						if kind.kind == sqSession {
							i.sqName, i.sqPath = "SQSession", "/"
						}
						if protection != "All" && !(i.modal() && i.legacy()) ||
							mode != "Framework45" && i.name() == "" {
							continue // without effect
						}
						*i.cookieProtection() = protection
						if i.legal() {
							f(fmt.Sprint(string(kind.kind), " ", kind.handler, " ", mode, " ",
								protection, " ", validation, " ", c.name, 8*c.size), i)
						}
					}
				}
			}
		}
	}
}
