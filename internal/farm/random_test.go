package farm

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// random makes tokens for the differential test: everything that .NET and this
// library both can issue, with a taste for what goes wrong. It leaves out what
// one side refuses to issue, each for a reason that its documentation gives:
// text that is no Unicode, a session without identities or that ends before it
// begins, ids that XML cannot carry, properties without name or value, names
// in forms tickets with U+0000, and marks of a default in Katana's tickets.
type random struct{ *rand.Rand }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r random, list []T) T { return list[r.IntN(len(list))] }

// Lengths around which the formats change their ways: records of binary XML,
// length prefixes, its buffer of 512 bytes.
var lengths = []int{1, 2, 3, 41, 42, 43, 84, 85, 86, 126, 127, 128, 169, 170, 171, 254, 255, 256,
	257, 340, 511, 512, 513, 600}

var alphabets = [][]rune{
	[]rune("abcdefghijklmnopqrstuvwxyz"),
	[]rune("abc ABC 0123 äöüß é"),
	[]rune("<>&\"'/=;%+\\]]>"),
	[]rune("\t\n\r \u0085\u00a0\u2028\u3000\ufeff"),
	[]rune("世界你好日本語한국어"),
	[]rune("😀🏳️‍🌈𝔘𐍈a"),
	[]rune("e\u0301\u0323\u200d\u202e\u00ad"),
	[]rune("\u07ff\u0800\ud7ff\ue000\uf8ff\ufffd\U00010000\U0010ffff"),
	[]rune("01"),
}

// controls are legal in the inner formats alone.
var controls = []rune("\x00\x01\x08\x0b\x1f\x7f\ufffe\uffff")

// text returns a text of up to 600 characters, mostly short.
func (r random) text() string {
	switch r.IntN(12) {
	case 0:
		return ""
	case 1:
		return pick(r, []string{"0", "1", "true", "null", "-1", "chunks:2", "LOCAL AUTHORITY",
			"urn:uuid:", "]]>", " padded ", "&amp;", "\x00"})
	case 2:
		return r.run(pick(r, lengths))
	case 3:
		b := []rune(r.run(1 + r.IntN(20)))
		b[r.IntN(len(b))] = pick(r, controls)
		return string(b)
	}
	return r.run(1 + r.IntN(30))
}

// run returns n characters of one or all alphabets.
func (r random) run(n int) string {
	alphabet := pick(r, alphabets)
	mixed := r.chance(30)
	var b strings.Builder
	for range n {
		if mixed {
			alphabet = pick(r, alphabets)
		}
		b.WriteRune(pick(r, alphabet))
	}
	return b.String()
}

// some returns a text that is not empty, and not the mark of a default.
func (r random) some() string {
	if s := r.text(); s != "" && s != "\x00" {
		return s
	}
	return "x"
}

// xml returns a text that XML can carry.
func (r random) xml() string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF {
			return 'c'
		}
		return c
	}, r.some())
}

// xmlID returns an id in element text: one line, nothing that a reader trims.
func (r random) xmlID() string {
	s := strings.Trim(strings.NewReplacer("\n", "n", "\r", "r").Replace(firstOf(r.xml())), " \t")
	return or(s, "x")
}

// firstOf cuts an id to 30 characters, so that three of them fit into an envelope
// even if each character needs a reference.
func firstOf(id string) string {
	c := []rune(id)
	return string(c[:min(len(c), 30)])
}

func (r random) uuid() string {
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.Uint32()>>16, r.Uint32()>>16,
		r.Uint32()>>16, r.Uint64()>>16)
}

func (r random) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

const maxTicks = 3155378975999999999

// time returns any time that .NET has, mostly of our days.
func (r random) time() time.Time {
	switch r.IntN(10) {
	case 0:
		return fromTicks(r.Int64N(maxTicks + 1))
	case 1:
		return pick(r, []time.Time{fromTicks(0), fromTicks(1), fromTicks(maxTicks),
			fromTicks(maxTicks - 1), fromTicks(621355968000000000)})
	}
	return fromTicks(639000000000000000 + r.Int64N(1e16))
}

// span returns two times in order.
func (r random) span() (from, to time.Time) {
	from, to = r.time(), r.time()
	if to.Before(from) {
		from, to = to, from
	}
	return from, to
}

func (r random) claimType() string {
	return pick(r, []string{
		sessiontoken.ClaimTypeName, sessiontoken.ClaimTypeRole,
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
		strings.ToUpper(sessiontoken.ClaimTypeRole), "http://example.com/" + r.some(), "role", r.text(),
	})
}

func (r random) valueType() string {
	return pick(r, []string{"", "", dotnet.ValueTypeString,
		"http://www.w3.org/2001/XMLSchema#integer",
		"http://www.w3.org/2001/XMLSchema#dateTime", r.text()})
}

// claims returns n claims, without the one mark that Katana gives a meaning.
func (r random) claims(n int) []sessiontoken.Claim {
	list := make([]sessiontoken.Claim, n)
	for i := range list {
		list[i] = sessiontoken.Claim{Type: r.claimType(), Value: r.text(), ValueType: r.valueType()}
		if r.chance(40) {
			list[i].Issuer = r.text()
		}
		if r.chance(20) {
			list[i].OriginalIssuer = r.text()
		}
		for _, s := range []*string{&list[i].Type, &list[i].ValueType, &list[i].Issuer,
			&list[i].OriginalIssuer} {
			if *s == "\x00" {
				*s = "nul"
			}
		}
	}
	return list
}

func (r random) claimCount() int {
	switch r.IntN(20) {
	case 0:
		return 0
	case 1:
		return 20 + r.IntN(60)
	case 2:
		return 100 + r.IntN(150)
	}
	return 1 + r.IntN(8)
}

func (r random) identity(claims, actors int) sessiontoken.Identity {
	id := sessiontoken.Identity{AuthenticationType: pick(r,
		[]string{"Federation", "Federation", "", r.text()}), Claims: r.claims(claims)}
	if r.chance(20) {
		id.NameClaimType, id.RoleClaimType = r.claimType(), r.claimType()
	}
	if r.chance(10) {
		id.Label = r.text()
	}
	for i := range id.Claims {
		for k := range max(0, r.IntN(30)-26) {
			id.Claims[i].Properties = append(id.Claims[i].Properties,
				[2]string{fmt.Sprint(r.text(), k), r.some()})
		}
	}
	switch r.IntN(20) {
	case 0:
		id.BootstrapKind, id.Bootstrap = "string", machinekey.NewSecret([]byte(r.run(r.IntN(2000))))
	case 1:
		id.BootstrapKind, id.Bootstrap = "bytes", machinekey.NewSecret(r.bytes(r.IntN(2000)))
	case 2:
		id.BootstrapKind, id.Bootstrap = "token", machinekey.NewSecret([]byte("<t>"+
			r.run(r.IntN(300))+"</t>"))
	}
	if actors > 0 && r.chance(12) {
		actor := r.identity(r.IntN(3), actors-1)
		id.Actor = &actor
	}
	return id
}

func (r random) session() *sessiontoken.Token {
	t := &sessiontoken.Token{
		ID: pick(r, []string{"_" + r.uuid() + "-" + upperHex(r.bytes(16)), "_" + r.uuid(),
			firstOf(r.xml())}),
		ContextID: machinekey.NewSecret([]byte(pick(r,
			[]string{"urn:uuid:" + r.uuid(), "urn:uuid:" + r.uuid(),
				strings.ToUpper("urn:uuid:" + r.uuid()), r.xmlID()}))),
		EndpointID: pick(r, []string{"/", "/app/", "", r.text()}),
		Key:        machinekey.NewSecret(r.bytes(pick(r, []int{0, 1, 15, 16, 16, 16, 17, 32, 100}))),
		Persistent: r.chance(50),
	}
	t.ValidFrom, t.ValidTo = r.span()
	t.KeyEffective, t.KeyExpires = t.ValidFrom, t.ValidTo
	if r.chance(20) {
		t.KeyEffective, t.KeyExpires = r.time(), r.time()
	}
	if r.chance(30) {
		t.Context = r.text()
	}
	if r.chance(20) {
		t.KeyGeneration = pick(r, []string{"urn:uuid:" + r.uuid(), r.xmlID()})
	}
	if r.chance(20) {
		t.SecureConversationFeb2005 = true
	}
	identities := 1
	if r.chance(10) {
		identities = 2 + r.IntN(3)
	}
	for range identities {
		t.Principal.Identities = append(t.Principal.Identities, r.identity(r.claimCount(), 3))
	}
	return t
}

func (r random) forms() *sessiontoken.FormsTicket {
	noNUL := func(s string) string { return strings.ReplaceAll(s, "\x00", "n") }
	t := &sessiontoken.FormsTicket{
		Version: pick(r, []byte{2, 2, 1, 0, 255, byte(r.IntN(256))}), Name: noNUL(r.text()), UserData: r.text(),
		CookiePath: pick(r, []string{"/", "/", "", "/app", noNUL(r.text())}), Persistent: r.chance(50),
	}
	t.IssueDate, t.Expiration = r.time(), r.time()
	return t
}

func (r random) katana() *sessiontoken.KatanaTicket {
	t := &sessiontoken.KatanaTicket{Identity: sessiontoken.Identity{
		AuthenticationType: pick(r, []string{"ApplicationCookie", "Cookies", r.some()}), Claims: r.claims(r.claimCount()),
	}}
	if r.chance(20) {
		t.Identity.NameClaimType, t.Identity.RoleClaimType = "name"+r.some(), "role"+r.some()
	}
	if r.chance(10) {
		t.Identity.BootstrapKind, t.Identity.Bootstrap = "string", machinekey.NewSecret([]byte("b"+
			r.run(1+r.IntN(1000))))
	}
	if r.chance(90) {
		t.Properties.SetTime(sessiontoken.PropertyIssued, r.time())
		t.Properties.SetTime(sessiontoken.PropertyExpires, r.time())
	}
	if r.chance(30) {
		t.Properties.Set(sessiontoken.PropertyPersistent, "")
	}
	if r.chance(20) {
		t.Properties.Set(".refresh", map[bool]string{true: "True", false: "False"}[r.chance(50)])
	}
	if r.chance(20) {
		t.Properties.Set(".redirect", r.text())
	}
	for range max(0, r.IntN(12)-8) {
		t.Properties.Set("p"+r.text(), r.text())
	}
	return t
}

// cookie returns the attributes of a cookie, of which Katana counts the length.
func (r random) cookie(name, value string) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: pick(r, []string{"/", "/app/", ""}),
		Secure: r.chance(50), HttpOnly: r.chance(50)}
	if r.chance(30) {
		c.Domain = "www.example.com"
	}
	if r.chance(30) {
		c.Expires = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	return c
}

// site is a machine key in one mode, with the setting of forms tickets.
type site struct {
	name       string
	key        vectorKey
	config     machinekey.Config
	protection machinekey.Protection
	formsOnly  bool // MachineKey.Protect cannot use the key
}

// sites returns every cipher, every hash and every mode at least once.
func (r random) sites() []site {
	var list []site
	add := func(mode machinekey.Mode, validation machinekey.Validation, validationLen int, decryption machinekey.Decryption, decryptionLen int, protection machinekey.Protection) {
		cfg := machinekey.Config{
			ValidationKey: machinekey.NewSecret(r.bytes(validationLen)),
			DecryptionKey: machinekey.NewSecret(r.bytes(decryptionLen)), Validation: validation, Decryption: decryption,
			Mode: mode, AllowInsecure: true, AllowWeakKey: true,
		}
		s := site{name: fmt.Sprint("k", len(list)), config: cfg, protection: protection}
		s.formsOnly = validation == machinekey.InsecureMD5 || validation == machinekey.LegacyAES ||
			validation == machinekey.LegacyTripleDES ||
			decryption == machinekey.Auto && decryptionLen == 8 // DES in the old modes, AES in MachineKey.Protect
		s.key = vectorKey{
			ValidationKey: upperHex(cfg.ValidationKey.Reveal()),
			DecryptionKey: upperHex(cfg.DecryptionKey.Reveal()), Validation: string(validation),
			Decryption: string(decryption), CompatibilityMode: string(mode),
		}
		list = append(list, s)
	}
	const all = machinekey.ProtectionAll
	for _, v := range []machinekey.Validation{machinekey.HMACSHA1, machinekey.HMACSHA256,
		machinekey.HMACSHA384, machinekey.HMACSHA512} {
		for _, n := range []int{16, 24, 32} {
			add(machinekey.Framework45, v, pick(r, []int{1, 20, 32, 64, 65, 128, 200}),
				pick(r, []machinekey.Decryption{machinekey.AES, machinekey.Auto}), n, all)
		}
		for _, mode := range []machinekey.Mode{machinekey.Framework20SP1,
			machinekey.Framework20SP2} {
			add(mode, v, pick(r, []int{20, 32, 64}), machinekey.AES, pick(r, []int{16, 24, 32}),
				pick(r, []machinekey.Protection{all, all, machinekey.ProtectionEncryption,
					machinekey.ProtectionValidation}))
		}
	}
	add(machinekey.Framework45, machinekey.HMACSHA1, 64, machinekey.InsecureTripleDES, 24, all)
	add(machinekey.Framework45, machinekey.HMACSHA256, 64, machinekey.InsecureTripleDES, 16, all)
	add(machinekey.Framework45, machinekey.HMACSHA256, 64, machinekey.InsecureDES, 8, all)
	add(machinekey.Framework20SP1, machinekey.HMACSHA1, 64, machinekey.InsecureTripleDES, 24, all)
	add(machinekey.Framework20SP2, machinekey.HMACSHA256, 64, machinekey.InsecureDES, 8, all)
	add(machinekey.Framework20SP2, machinekey.HMACSHA512, 64, machinekey.Auto, 8, all)
	add(machinekey.Framework20SP2, machinekey.InsecureMD5, 64, machinekey.AES, 32, all)
	add(machinekey.Framework20SP1, machinekey.LegacyTripleDES, 64, machinekey.AES, 24, all)
	add(machinekey.Framework20SP2, machinekey.LegacyAES, 64, machinekey.AES, 24, all)
	return list
}
