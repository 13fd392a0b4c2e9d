package webfarm_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"log/slog"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// marker is what each secret of the table begins with. No other text has it.
const marker = "k3Yz!mArKeR"

// markedKey returns n bytes, marker first: a burnt test key.
func markedKey(n int) machinekey.Secret {
	return machinekey.NewSecret([]byte(marker +
		"ßu0Q#x8)Wd2]Lr6&Vb4{Tn1}Hs7*Gc5(Jp9+Ka-Ee_Fo=Iw?Ny:Bt;Zq,Xl.Mf<Uj>Ov|Pg~Rh^Ca@Di"[:n-len(marker)]))
}

// holders are the exported types of the packages for users that hold key bytes or
// the text of a credential, each with a value that does.
func holders(t *testing.T) map[string][]printed {
	must := func(err error) {
		if t.Helper(); err != nil {
			t.Fatal(err)
		}
	}
	cfg := machinekey.Config{ValidationKey: markedKey(64), DecryptionKey: markedKey(32),
		Validation: machinekey.HMACSHA256, Mode: machinekey.Framework45}
	key, err := machinekey.New(cfg)
	must(err)
	ring, err := machinekey.NewRing(key)
	must(err)
	derived, err := ring.Protector(machinekey.FormsPurpose)
	must(err)
	encode, err := ring.EncodeProtector(machinekey.LegacyOptions{})
	must(err)
	ofCookie, err := ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.FormsPurpose)
	must(err)
	legacyCfg := cfg
	legacyCfg.Mode = machinekey.Framework20SP2
	legacyKey, err := machinekey.New(legacyCfg)
	must(err)
	legacyRing, err := machinekey.NewRing(legacyKey)
	must(err)
	legacy, err := legacyRing.CookieProtector(machinekey.LegacyOptions{}, machinekey.FormsPurpose)
	must(err)
	for _, p := range []interface {
		Protect(dst, plaintext []byte) ([]byte, error)
	}{derived, encode, ofCookie, legacy} { // each keeps scratch memory from now on
		_, err := p.Protect(nil, []byte("text"))
		must(err)
	}

	identity := sessiontoken.Identity{BootstrapKind: "string", Bootstrap: markedKey(40),
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}}
	principal := sessiontoken.Principal{Identities: []sessiontoken.Identity{identity}}
	principal.Identities[0].Actor = &identity
	store := sessiontoken.NewMemoryStore(nil)
	for _, key := range []string{marker, sessiontoken.NotePrefix + marker} {
		must(store.Put(t.Context(), key, []byte(marker), time.Now().Add(time.Hour)))
	}
	slow := &slowStore{Store: store, asked: make(chan bool), release: make(chan bool)}
	two, err := sessiontoken.NewTwoLevelStore(sessiontoken.NewMemoryStore(nil), slow, 0)
	must(err)
	go two.Get(context.Background(), marker+" under way")
	<-slow.asked
	t.Cleanup(func() { close(slow.release) })
	session, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Store: store})
	must(err)
	tok, err := session.NewToken(principal)
	must(err)
	tok.Key, tok.ContextID, tok.ReferenceMode = markedKey(16), markedKey(20), true
	katanaTicket := sessiontoken.KatanaTicket{Identity: identity, SessionKey: markedKey(20)}
	forms, err := sessiontoken.NewFormsCodec(ring, nil)
	must(err)
	katana, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"),
		&sessiontoken.KatanaOptions{Store: store})
	must(err)
	anonymous, err := sessiontoken.NewAnonymousCodec(ring, nil)
	must(err)
	transform, err := sessiontoken.MachineKeyTransform(ring)
	must(err)
	// What was read knows the key that opened it.
	text, err := forms.Encode(t.Context(), forms.NewTicket("bob", ""))
	must(err)
	formsTicket, err := forms.Decode(t.Context(), text)
	must(err)
	text, err = anonymous.Encode(t.Context(), anonymous.NewID())
	must(err)
	anonymousID, err := anonymous.Decode(t.Context(), text)
	must(err)
	text, err = session.Encode(t.Context(), tok)
	must(err)
	tok, err = session.Decode(t.Context(), text)
	must(err)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	certificate := tls.Certificate{PrivateKey: private}
	certificates := sessiontoken.CertificateOptions{Certificates: []tls.Certificate{certificate},
		Signing: []tls.Certificate{certificate}}

	sessions, err := cookie.NewSessions(session,
		&cookie.SessionsOptions{Store: store, Verified: 10})
	must(err)
	var recognised []cookie.Session
	for _, reference := range []bool{true, false} {
		response := httptest.NewRecorder()
		signedIn := *tok
		signedIn.ReferenceMode = reference
		signedIn.Principal.Identities = slices.Clone(principal.Identities)
		signedIn.Principal.Identities[0].AuthenticationType = "Federation"
		must(sessions.Issue(response, httptest.NewRequest("GET", "/", nil), &signedIn))
		request := httptest.NewRequest("GET", "/", nil)
		for _, c := range response.Result().Cookies() {
			request.AddCookie(c)
		}
		one, err := sessions.Session(request)
		must(err)
		recognised = append(recognised, one)
	}
	file := filepath.Join(t.TempDir(), "web.config")
	must(os.WriteFile(file, []byte("<configuration><system.web><authentication mode='Forms'/>"+
		cfg.WebConfig()+"</system.web></configuration>"), 0o600))
	site, err := cookie.LoadSite(file,
		&cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindSQSession,
			Name: "app"}}})
	must(err)
	sq, _ := site.SQSession()
	guard := new(cookie.Guard)
	guard.AcceptSessions(sessions)

	rings := t.TempDir()
	must(os.WriteFile(filepath.Join(rings, "key-1.xml"),
		[]byte(ringKey(markedKey(64).Reveal())), 0o600))
	core, err := dataprotection.Open(t.Context(), dataprotection.Path(rings),
		&dataprotection.RingOptions{Interval: -1})
	must(err)
	coreProtector, err := core.Protector("purpose")
	must(err)
	_, err = coreProtector.Protect(nil, []byte("text"))
	must(err)
	coreCodec, err := sessiontoken.NewCoreCodec(core, sessiontoken.Cookie("Cookies"), nil)
	must(err)
	coreTicket := coreCodec.NewTicket(&principal, nil)
	text, err = coreCodec.Encode(t.Context(), coreTicket)
	must(err)
	coreTicket, err = coreCodec.Decode(t.Context(), text)
	must(err)
	limited, err := core.TimeLimited("purpose")
	must(err)
	_, err = limited.Protect(nil, []byte("text"), time.Now().Add(time.Hour))
	must(err)

	ofKeys := []string{marker}
	ofRSA := []string{string(private.D.Bytes()[:12]), private.D.String()[:24],
		string(private.Primes[0].Bytes()[:12]), private.Primes[0].String()[:24],
		fmt.Sprint(uint(private.D.Bits()[0]))}
	one := func(p printed) []printed { return []printed{p} }
	return map[string][]printed{
		"machinekey.Config": {everywhere(cfg, ofKeys), everywhere(&cfg, ofKeys)},
		"machinekey.Key":    {everywhere(*key, ofKeys), everywhere(key, ofKeys)},
		"machinekey.Ring":   one(everywhere(ring, ofKeys)),
		"machinekey.Protector": {everywhere(derived, ofKeys), everywhere(encode, ofKeys),
			everywhere(ofCookie, ofKeys), everywhere(legacy, ofKeys)},
		"machinekey.Secret": {everywhere(markedKey(32), ofKeys),
			everywhere([]machinekey.Secret{markedKey(32)}, ofKeys)},

		"dataprotection.Ring":        one(everywhere(core, ofKeys)),
		"dataprotection.Protector":   one(everywhere(coreProtector, ofKeys)),
		"dataprotection.TimeLimited": {everywhere(limited, ofKeys), everywhere(*limited, ofKeys)},

		"sessiontoken.Identity":  {everywhere(identity, ofKeys), everywhere(&identity, ofKeys)},
		"sessiontoken.Principal": {everywhere(principal, ofKeys), everywhere(&principal, ofKeys)},
		"sessiontoken.Token":     {everywhere(*tok, ofKeys), everywhere(tok, ofKeys)},
		"sessiontoken.KatanaTicket": {everywhere(katanaTicket, ofKeys),
			everywhere(&katanaTicket, ofKeys)},
		"sessiontoken.CoreTicket":         {everywhere(*coreTicket, ofKeys), everywhere(coreTicket, ofKeys)},
		"sessiontoken.CoreCodec":          one(everywhere(coreCodec, ofKeys)),
		"sessiontoken.FormsTicket":        one(everywhere(*formsTicket, ofKeys)),
		"sessiontoken.AnonymousID":        one(everywhere(*anonymousID, ofKeys)),
		"sessiontoken.SessionCodec":       one(everywhere(session, ofKeys)),
		"sessiontoken.FormsCodec":         one(everywhere(forms, ofKeys)),
		"sessiontoken.KatanaCodec":        one(everywhere(katana, ofKeys)),
		"sessiontoken.AnonymousCodec":     one(everywhere(anonymous, ofKeys)),
		"sessiontoken.Protector":          one(everywhere(transform, ofKeys)),
		"sessiontoken.SessionOptions":     {everywhere(sessiontoken.SessionOptions{Transforms: []sessiontoken.Protector{transform}, Store: store}, ofKeys), everywhere(sessiontoken.SessionOptions{Store: two}, ofKeys)},
		"sessiontoken.KatanaOptions":      one(everywhere(sessiontoken.KatanaOptions{Store: two}, ofKeys)),
		"sessiontoken.CertificateOptions": one(everywhere(certificates, ofRSA)),
		"sessiontoken.MemoryStore":        one(everywhere(store, ofKeys)),
		"sessiontoken.Store":              one(everywhere(two, ofKeys)),

		"cookie.Session":         {everywhere(recognised[0], ofKeys), everywhere(recognised[1], ofKeys)},
		"cookie.Sessions":        one(everywhere(sessions, ofKeys)),
		"cookie.SessionsOptions": one(everywhere(cookie.SessionsOptions{Store: store}, ofKeys)),
		"cookie.SiteOptions":     one(everywhere(cookie.SiteOptions{Sessions: cookie.SessionsOptions{Store: two}}, ofKeys)),
		"cookie.SQSession":       one(everywhere(sq, ofKeys)),
		"cookie.Site":            one(everywhere(site, ofKeys)),
		"cookie.Guard":           one(everywhere(guard, ofKeys)),
	}
}

// ringKey is the key element of a ring of ASP.NET Core.
func ringKey(master []byte) string {
	now := time.Now().UTC()
	date := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.0000000Z") }
	return `<key id="76692db8-b9c3-446a-937e-c7c07fda25a3" version="1"><creationDate>` + date(now) +
		"</creationDate><activationDate>" +
		date(now) + "</activationDate><expirationDate>" + date(now.AddDate(0, 0, 90)) +
		"</expirationDate>" +
		`<descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.` +
		`AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection"><descriptor>` +
		`<encryption algorithm="AES_256_CBC" /><validation algorithm="HMACSHA256" /><masterKey><value>` +
		base64.StdEncoding.EncodeToString(master) +
		"</value></masterKey></descriptor></descriptor></key>"
}

// slowStore does not answer Get until the test ends.
type slowStore struct {
	sessiontoken.Store
	asked, release chan bool
}

func (s *slowStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	s.asked <- true
	<-s.release
	return s.Store.Get(ctx, key)
}

// printed is a value in every place where something could print it, and what
// must not be seen then.
type printed struct {
	places  []any
	secrets []string
}

// everywhere puts v into the places that fmt treats differently: it calls the
// methods of a value, a pointer, an element and an exported field, and none of
// an unexported one.
func everywhere[T any](v T, secrets []string) printed {
	type shown struct{ V T }
	type hidden struct{ v T }
	type hiddenPointer struct{ v *T }
	type hiddenAny struct{ v any }
	type deeper struct {
		m map[string]hidden
		l []T
		h *hidden
	}
	h := hidden{v}
	return printed{[]any{v, &v, []T{v}, map[string]T{"x": v}, []*T{&v}, map[string]*T{"x": &v},
		[1]any{v}, shown{v}, &shown{v}, h, &h, []hidden{h}, map[string]hidden{"x": h},
		hiddenPointer{&v}, &hiddenPointer{&v}, hiddenAny{v}, hiddenAny{&v},
		deeper{map[string]hidden{"x": h}, []T{v}, &h},
		fmt.Errorf("failed: %w", heldByError[T]{v, &v})}, secrets}
}

// heldByError is an error whose text does not show what it holds.
type heldByError[T any] struct {
	v T
	p *T
}

func (heldByError[T]) Error() string { return "no text" }

// TestSecretsStaySecret prints every type that holds a secret in every way.
func TestSecretsStaySecret(t *testing.T) {
	for name, values := range holders(t) {
		for _, v := range values {
			look := needles(v.secrets)
			for _, place := range v.places {
				printAll(place, func(how, out string) {
					if found := shows(out, look); found != "" {
						t.Fatalf("%s as %T: %s shows %q", name, place, how, found)
					}
				})
			}
		}
	}

	// The search finds what is printed.
	type bare struct{ b []byte }
	look, found := needles([]string{marker}), 0
	for _, place := range []any{bare{markedKey(32).Reveal()}, &bare{markedKey(32).Reveal()},
		markedKey(32).Reveal(), string(markedKey(32).Reveal())} {
		printAll(place, func(how, out string) {
			if shows(out, look) != "" {
				found++
			}
		})
	}
	if found < 100 {
		t.Errorf("the search finds only %d of the ways in which a key shows", found)
	}
}

// verbs are all of them, and two that do not exist, with the flags that change
// how much is shown.
func verbs() []string {
	var list []string
	for _, flag := range []string{"", "+", "#", " "} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspwyZ" {
			list = append(list, "%"+flag+string(verb))
		}
	}
	return list
}

// printAll prints v in every way that needs no method of v's own.
func printAll(v any, check func(how, out string)) {
	for _, verb := range verbs() {
		check(verb, fmt.Sprintf(verb, v))
	}
	var out bytes.Buffer
	record := func(how string) {
		check(how, out.String())
		out.Reset()
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil),
		slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "v", v, slog.Group("g", "v", v))
		record("slog")
	}
	text, err := json.Marshal(v)
	check("JSON", fmt.Sprint(string(text), err))
	err = xml.NewEncoder(&out).Encode(v)
	record("XML")
	check("XML", fmt.Sprint(err))
	err = gob.NewEncoder(&out).Encode(v)
	record("gob")
	check("gob", fmt.Sprint(err))
	check("errors", errors.Join(fmt.Errorf("%v %w", v, errors.New("x"))).Error())
}

// needles are the forms in which the beginning of a secret can show.
func needles(secrets []string) []string {
	var list []string
	for _, s := range secrets {
		part := []byte(s)[:min(len(s), 9)] // whole groups of base64
		list = append(list, string(part), base64.StdEncoding.EncodeToString(part),
			base64.URLEncoding.EncodeToString(part),
			strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ","))
		for _, verb := range []string{"%d", "%x", "%X", "% x", "% X", "%b", "%o",
			"%U", "%c", "%q"} {
			list = append(list, strings.Trim(fmt.Sprintf(verb, part), `[]"`))
		}
		for _, verb := range []string{"%#x", "%#v", "%v"} { // elements of a slice
			var each []string
			for _, b := range part {
				each = append(each, fmt.Sprintf(verb, b))
			}
			list = append(list, strings.Join(each, " "), strings.Join(each, ", "))
		}
	}
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < 9 })
}

func shows(out string, needles []string) string {
	for _, n := range needles {
		if strings.Contains(out, n) {
			return n
		}
	}
	return ""
}

// TestEveryHolderIsListed compares the table with the types that the packages
// export. A struct may be absent if no field leads to bytes, a key, a store, a
// map with texts for keys or another holder; interfaces, functions and numbers hold nothing by themselves.
func TestEveryHolderIsListed(t *testing.T) {
	table := holders(t)
	packages := newChecker(t)
	exported, texts := map[string]bool{}, map[string]bool{}
	for _, folder := range []string{"machinekey", "dataprotection", "sessiontoken", "cookie"} {
		scope := packages.check(folder).Scope()
		for _, name := range scope.Names() {
			obj, ok := scope.Lookup(name).(*types.TypeName)
			if !ok || !obj.Exported() {
				continue
			}
			full := folder + "." + name
			exported[full] = true
			for _, field := range handles(obj.Type()) {
				text := full + "." + field
				if texts[text] = true; openTexts[text] == "" {
					t.Errorf("%s is a text, and may be as good as a cookie: make it a Secret or say why everybody may see it", text)
				}
			}
			if types.IsInterface(obj.Type()) {
				continue
			}
			if field := leadsToSecret(obj.Type(), full, map[types.Type]bool{}); field != "" &&
				table[full] == nil {
				t.Errorf("%s can hold a secret in %s: it belongs into the table", full, field)
			}
		}
	}
	if len(exported) < 60 {
		t.Errorf("found %d types", len(exported))
	}
	for text := range openTexts {
		if !texts[text] {
			t.Errorf("there is no text %s", text)
		}
	}
	for name := range table {
		if !exported[name] {
			t.Errorf("the table has %s, which is not exported", name)
		}
	}
}

// openTexts are the texts of exported types that have the name of a handle and
// are none, with the reason.
var openTexts = map[string]string{
	"dataprotection.Key.ID":             "the GUID that stands in every payload",
	"machinekey.Key.id":                 "a fingerprint, made to be logged",
	"sessiontoken.AnonymousID.ID":       "names a visitor; only its cookie has the MAC",
	"sessiontoken.Claim.Value":          "the caller's: what a site knows of a user is not what lets him in",
	"sessiontoken.FormsTicket.UserData": "the application's text, mostly roles",
	"sessiontoken.Token.ID":             "names the token in its envelope; the store knows ContextID",
	"sessiontoken.Token.EndpointID":     "the cookie path",
	"cookie.Event.Cookie":               "the name of a cookie",
	"cookie.Event.KeyID":                "a fingerprint, made to be logged",
	"cookie.SignInOptions.UserData":     "the application's text, mostly roles",
}

// handles returns the fields of a struct that are texts and are called as what
// tells one session or credential from others.
func handles(typ types.Type) []string {
	s, ok := typ.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	var list []string
	for i := range s.NumFields() {
		f := s.Field(i)
		b, ok := f.Type().Underlying().(*types.Basic)
		if ok && b.Kind() == types.String && handleName.MatchString(f.Name()) {
			list = append(list, f.Name())
		}
	}
	return list
}

var handleName = regexp.MustCompile(`(ID|Key|Token|Ticket|Handle|Value|Text|Data|Secret|Cookie|Password)$|^(id|key|token|ticket|handle|value|text|data|secret|cookie|password)$`)

// leadsToSecret returns the path to bytes inside a type, to the keys of a map or
// to a store, or "".
func leadsToSecret(typ types.Type, path string, seen map[types.Type]bool) string {
	if seen[typ] {
		return ""
	}
	seen[typ] = true
	switch typ := types.Unalias(typ).(type) {
	case *types.Named:
		if pkg := typ.Obj().Pkg(); pkg != nil && typ.Obj().Name() == "Bytes" &&
			pkg.Path() == module+"/internal/secret" {
			return path
		}
		if pkg := typ.Obj().Pkg(); pkg != nil && strings.HasSuffix(typ.Obj().Name(), "Store") &&
			pkg.Path() == module+"/sessiontoken" {
			return path
		}
		return leadsToSecret(typ.Underlying(), path, seen)
	case *types.Pointer:
		return leadsToSecret(typ.Elem(), path, seen)
	case *types.Array:
		return leadsToSecret(typ.Elem(), path, seen)
	case *types.Map:
		if b, ok := typ.Key().Underlying().(*types.Basic); ok && b.Kind() == types.String {
			return path
		}
		return leadsToSecret(typ.Elem(), path, seen)
	case *types.Slice:
		if b, ok := types.Unalias(typ.Elem()).(*types.Basic); ok && b.Kind() == types.Byte {
			return path
		}
		return leadsToSecret(typ.Elem(), path, seen)
	case *types.Struct:
		for i := range typ.NumFields() {
			f := typ.Field(i)
			if found := leadsToSecret(f.Type(), path+"."+f.Name(), seen); found != "" {
				return found
			}
		}
	}
	return ""
}

// checker type-checks folders of this module. The standard library is empty to
// it: what comes from there is an invalid type, and the errors do not matter.
type checker struct {
	fset    *token.FileSet
	folders []folder
	done    map[string]*types.Package
}

func newChecker(t *testing.T) *checker {
	fset, list := folders(t)
	return &checker{fset, list, map[string]*types.Package{}}
}

// Import implements types.Importer.
func (c *checker) Import(name string) (*types.Package, error) {
	if own, ok := strings.CutPrefix(name, module+"/"); ok {
		return c.check(own), nil
	}
	pkg := types.NewPackage(name, path.Base(name))
	pkg.MarkComplete()
	return pkg, nil
}

func (c *checker) check(dir string) *types.Package {
	if c.done[dir] == nil {
		i := slices.IndexFunc(c.folders, func(f folder) bool { return f.path == dir })
		var files []*ast.File
		for _, f := range c.folders[i].files {
			files = append(files, f)
		}
		conf := types.Config{Importer: c, IgnoreFuncBodies: true, Error: func(error) {}}
		c.done[dir], _ = conf.Check(module+"/"+dir, c.fset, files, nil)
	}
	return c.done[dir]
}
