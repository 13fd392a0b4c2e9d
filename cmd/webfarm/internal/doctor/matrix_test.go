package doctor_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
)

// cell is a credential that one node issued and another one gets, whose site differs in a single
// setting.
type cell struct {
	setting        string
	issuer, reader issuer
	text           string // of the credential, empty for a fresh one
	// both is the code that doctor must give with the files of both nodes, alone without that of the
	// issuer. CodeOK means that the setting does not keep a node from reading.
	both, alone string
	says        string // a part of the sentence
}

// cells returns the cells in which one node is i.
func (i issuer) cells(t testing.TB, random *seed.Stream) (list []cell) {
	// codes are those for both files and for one, or the same for either.
	add := func(setting, codes, says string, f func(c *issuer)) {
		both, alone, two := strings.Cut(codes, " ")
		if !two {
			alone = both
		}
		c := cell{setting, i, i, "", both, alone, says}
		if f(&c.issuer); c.issuer.legal() {
			list = append(list, c)
		}
	}
	plain := i.modal() && i.legacy() && *i.cookieProtection() == "Validation"
	encrypted := func(code string) string {
		if plain {
			return doctor.CodeOK
		}
		return code
	}
	add("validationKey", "other_key validation_key", "validationKey", func(c *issuer) {
		c.validationKey = hex.EncodeToString(random.Bytes(64))
	})
	add("decryptionKey", encrypted("other_key decryption_key"), "decryptionKey", func(c *issuer) {
		c.decryptionKey = hex.EncodeToString(random.Bytes(len(c.decryptionKey) / 2))
	})
	if text := i.issue(t); !plain {
		for _, good := range []bool{false, true} {
			c := cell{fmt.Sprintf("decryptionKey, good padding: %v", good), i, i, text,
				"other_key", "decryption_key", "decryptionKey"}
			c.reader.decryptionKey = i.accident(t, text, random, good)
			list = append(list, c)
		}
	}
	hash := func(v string) string {
		if v == "3DES" || v == "AES" {
			return "SHA1"
		}
		return v
	}
	for _, v := range i.validations() {
		switch {
		case v == i.validation:
		case hash(v) == hash(i.validation):
			add("validation "+v, doctor.CodeOK, "", func(c *issuer) { c.validation = v })
		default:
			add("validation "+v, "validation_algorithm", strconv.Quote(hash(v)), func(c *issuer) {
				c.validation = v
			})
		}
	}
	for _, d := range []string{"AES", "3DES", "DES"} {
		if d != i.decryption {
			add("decryption "+d, encrypted("decryption_algorithm"), strconv.Quote(d),
				func(c *issuer) {
					c.decryption = d
				})
		}
	}
	for _, m := range modes {
		code := doctor.CodeOK
		if i.modal() && (m == "Framework45") != (i.mode == "Framework45") {
			code = "compatibility_mode"
		}
		if m != i.mode {
			add("compatibilityMode "+m, code, m, func(c *issuer) { c.mode = m })
		}
	}
	if i.kind == doctor.Katana {
		add("AuthenticationType, a common one", "authentication_type", `"Cookies"`,
			func(c *issuer) {
				c.authType = "Cookies"
			})
		// Both keys are derived from the type: another type looks as two other keys do.
		add("AuthenticationType, any", "unknown_key", "another key or AuthenticationType",
			func(c *issuer) {
				c.authType = "Acme"
			})
	}
	if i.session() && !i.wif10 {
		handler := map[string]string{"machineKey": "encode", "encode": "machineKey"}[i.handler]
		add("session handler", "session_handler", "", func(c *issuer) { c.handler = handler })
	}
	if i.session() && i.encodes() {
		add("generation", "wif_generation", "", func(c *issuer) { c.wif10 = !c.wif10 })
	}
	if i.legacy() {
		// An isolated key is another key, in a plain ticket another validationKey.
		alone := "unknown_key"
		if plain {
			alone = "validation_key"
		}
		add("IsolateApps", "isolated_key "+alone, "IsolateApps", func(c *issuer) {
			c.isolated = true
			c.validationKey += isolate
			c.decryptionKey += isolate
		})
		if i.mode != "Framework45" {
			c := cell{"IsolateApps of the reader", i, i, "", "isolated_key",
				"isolated_key", "IsolateApps"}
			c.reader.validationKey += isolate
			c.reader.decryptionKey += isolate
			list = append(list, c)
		}
	}
	if i.modal() {
		for _, p := range []string{"All", "Encryption", "Validation"} {
			own := *i.cookieProtection()
			code := "forms_protection"
			if i.mode == "Framework45" || own == "Encryption" && p == "All" &&
				i.kind != doctor.Forms {
				code = doctor.CodeOK
			}
			if p != own {
				add("protection "+p, code, strconv.Quote(p),
					func(c *issuer) { *c.cookieProtection() = p })
			}
		}
	}
	if i.cookieName() != nil {
		add("name", "cookie_name", ".SITE", func(c *issuer) { *c.cookieName() = ".SITE" })
	}
	if i.kind == sqSession {
		add("sessionCookieName", "endpoint", "SQSESSIONBSHOP", func(c *issuer) { c.sqName = "SQSessionB" })
		add("sessionCookiePath", "endpoint", "/shop", func(c *issuer) { c.sqPath = "/shop" })
		add("sessionCookieDomain", doctor.CodeOK, "", func(c *issuer) { c.sqDomain = "a.example" })
	}
	ahead := doctor.CodeOK
	if i.kind == sqSession {
		ahead = "not_yet_valid"
	}
	if i.session() {
		ahead = "not_yet_valid"
		add("path", "endpoint", "/shop/", func(c *issuer) { c.path = "/shop/" })
	}
	add("clock ahead", ahead, "", func(c *issuer) { c.at = now.Add(2 * time.Hour) })
	if i.kind == doctor.Forms { // the browser alone minds it
		add("path", doctor.CodeOK, "", func(c *issuer) { c.formsPath = "/shop/" })
	}
	if i.kind != doctor.Roles {
		add("clock behind", "expired", "", func(c *issuer) { c.at = now.AddDate(-1, 0, 0) })
	}
	return list
}

// TestMatrix changes one setting at a time for every kind of credential under every mode and pair
// of algorithms. The node without the change must name exactly that setting.
func TestMatrix(t *testing.T) {
	step := share.OneIn(t, 87)
	n := 0
	var cells atomic.Int64
	t.Cleanup(func() { t.Logf("%d cells", cells.Load()) })
	each(t, func(name string, i issuer) {
		if n++; n%step != 0 {
			return
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			padding := map[string]bool{} // what doctor says of a wrong decryptionKey, for either padding
			for _, c := range i.cells(t, seed.Of(t)) {
				cells.Add(1)
				said := c.examine(t)
				if strings.HasPrefix(c.setting, "decryptionKey, ") {
					padding[said] = true
				}
			}
			if len(padding) > 1 {
				t.Errorf("the padding makes a difference: %v", padding)
			}
		})
	})
}

// examine examines the credential of a cell with both files, with that of the reader, and as bare
// text. It returns what doctor said.
func (c cell) examine(t *testing.T) (said string) {
	if c.text == "" {
		c.text = c.issuer.issue(t)
	}
	o := c.options()
	a, b := c.reader.node(t, "a.config"), c.issuer.node(t, "b.config")
	bare := c.alone
	if c.setting == "name" || strings.HasPrefix(c.setting, "AuthenticationType, a common") {
		bare = doctor.CodeOK // it does not say the one that is wanted
	}
	in := c.issuer.input(c.text)
	for _, given := range []struct {
		what, want string
		nodes      []*doctor.Node
		in         doctor.Input
		o          doctor.Options
	}{
		{"both files", c.both, []*doctor.Node{a, b}, in, o},
		{"one file", c.alone, []*doctor.Node{a}, in, o},
		{"one file and the bare text", bare, []*doctor.Node{a}, doctor.Input{Text: c.text},
			doctor.Options{Now: now}},
	} {
		want := given.want
		r := doctor.Examine(ctx, given.nodes, given.in, given.o)
		v := r.Credentials[0].Verdicts[0]
		got, sentence := codesOf(v), r.Finding.Sentence
		if got != want || want != doctor.CodeOK && !strings.Contains(sentence, c.says) {
			t.Errorf("%s, %s: %s, want %s with %q\n%s", c.setting, given.what, got, want,
				c.says, sentence)
		}
		for _, f := range v.Findings {
			c.fix(t, f)
			said += strings.Replace(f.Sentence, "The credential",
				"The cookie "+c.reader.name(), 1) + v.Layer
		}
		if user := r.Credentials[0].User; want == "decryption_key" &&
			(user != "" || strings.Contains(said, "authentic,")) {
			t.Errorf("%s: called authentic: %s", c.setting, said)
		}
	}
	return said
}

// options say what no file does.
func (c cell) options() doctor.Options {
	o := doctor.Options{Now: now}
	if c.reader.name() == "" || c.reader.kind == doctor.Katana {
		o.Kind, o.AuthType, o.Name = c.reader.kind, c.reader.authType, c.reader.name()
	}
	return o
}

// fix wants a fix to weaken no file, and to leave no difference between the two.
func (c cell) fix(t *testing.T, f doctor.Finding) {
	text := map[string]string{"a.config": c.reader.text(), "b.config": c.issuer.text()}
	if len(f.Fix.Settings) == 0 {
		return
	}
	if f.Fix.File == "" {
		f.Fix.File = "b.config" // of the issuer, which was not given
	}
	keepsProtection(t, f.Fix, text)
	if strings.HasPrefix(f.Fix.Settings[0].Value, "(") {
		return // a key that is not given
	}
	text[f.Fix.File] = apply(t, text[f.Fix.File], f.Fix, text)
	nodes := []*doctor.Node{}
	for _, name := range []string{"a.config", "b.config"} {
		nodes = append(nodes, must[*doctor.Node](t)(parse(name, strings.NewReader(text[name]))))
	}
	r := doctor.Compare(ctx, nodes[0], nodes[1], doctor.Options{Now: now})
	if d := r.Comparison.Differences; len(d) > 0 {
		t.Errorf("%s: after the fix of %s: %+v", c.setting, f.Fix.File, d)
	}
}

// keepsProtection wants no setting of a fix to protect less than the present one. Words behind the
// keys may go: they keep the applications of a farm apart, and so keep it from sharing.
func keepsProtection(t *testing.T, fix doctor.Fix, text map[string]string) {
	t.Helper()
	strength := map[string][]string{
		"validation":        {"MD5", "3DES", "AES", "SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512"},
		"decryption":        {"DES", "3DES", "AES"},
		"compatibilityMode": {"Framework20SP1", "Framework20SP2", "Framework45"},
		"protection":        {"None", "Validation", "Encryption", "All"},
		"cookieProtection":  {"None", "Validation", "Encryption", "All"},
	}
	for _, s := range fix.Settings {
		order := strength[s.Attribute]
		present := slices.Index(order, attributeOr(text[fix.File], s))
		switch {
		case s.ValueOf != "":
		case order != nil && slices.Index(order, s.Value) < present,
			s.Path == "appSettings" && s.Value != "false", s.Attribute == "maximumClockSkew":
			t.Errorf("the fix weakens %s: %+v", fix.File, s)
		}
	}
}

// attributeOr is the value of a setting in a file, empty without one.
func attributeOr(text string, s doctor.Setting) string {
	leaf := s.Path[strings.LastIndex(s.Path, "/")+1:]
	element := regexp.MustCompile(`<` + leaf + `\b[^>]*\b` + s.Attribute + `="([^"]*)"`)
	if m := element.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// codesOf are the codes of a verdict.
func codesOf(v doctor.Verdict) string {
	var codes []string
	for _, f := range v.Findings {
		codes = append(codes, f.Code)
	}
	if v.OK {
		codes = append(codes, doctor.CodeOK)
	}
	return strings.Join(codes, " ")
}
