package machinekey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestNew(t *testing.T) {
	const (
		fw45 = machinekey.Framework45
		sp1  = machinekey.Framework20SP1
		sp2  = machinekey.Framework20SP2
		none = machinekey.ModeUnknown

		sha1   = machinekey.HMACSHA1
		sha256 = machinekey.HMACSHA256
		md5    = machinekey.InsecureMD5
		v3des  = machinekey.LegacyTripleDES
		vaes   = machinekey.LegacyAES

		auto = machinekey.Auto
		aes  = machinekey.AES
		tdes = machinekey.InsecureTripleDES
		des  = machinekey.InsecureDES
	)
	const (
		validation     = "invalid_validation_algorithm"
		decryption     = "invalid_decryption_algorithm"
		validationKey  = "invalid_validation_key"
		decryptionKey  = "invalid_decryption_key"
		insecure       = "insecure_algorithm"
		accepted       = ""
		acceptedLegacy = "legacy" // by New, while Protector returns an error
	)
	for _, test := range []struct {
		mode       machinekey.Mode
		v          machinekey.Validation
		vlen       int
		d          machinekey.Decryption
		dlen       int
		insecureOK bool
		want       string
	}{
		// Framework45, and no mode stated: the same.
		{fw45, sha1, 64, aes, 32, false, accepted},
		{none, sha1, 64, aes, 32, false, accepted},
		{fw45, sha256, 1, auto, 16, false, accepted},
		{fw45, sha256, 1000, auto, 24, false, accepted},
		{fw45, machinekey.HMACSHA384, 128, aes, 32, false, accepted},
		{fw45, machinekey.HMACSHA512, 128, aes, 32, false, accepted},
		{fw45, sha1, 64, tdes, 24, true, accepted},
		{fw45, sha1, 64, tdes, 16, true, accepted},
		{fw45, sha1, 64, des, 8, true, accepted},
		{fw45, sha1, 64, tdes, 24, false, insecure},
		{fw45, sha1, 64, des, 8, false, insecure},
		{fw45, 0, 64, aes, 32, true, validation},
		{fw45, 8, 64, aes, 32, true, validation},
		{fw45, 255, 64, aes, 32, true, validation},
		{fw45, md5, 64, aes, 32, true, validation},
		{fw45, v3des, 64, aes, 24, true, validation},
		{fw45, vaes, 64, aes, 32, true, validation},
		{none, md5, 64, aes, 32, true, validation},
		{none, vaes, 64, aes, 32, true, validation},
		{fw45, sha1, 64, 4, 32, true, decryption},
		{fw45, sha1, 0, aes, 32, true, validationKey},
		{4, sha1, 64, aes, 32, true, "invalid_enum"},

		// Lengths of the decryption key.
		{fw45, sha1, 64, aes, 0, true, decryptionKey},
		{fw45, sha1, 64, aes, 8, true, decryptionKey},
		{fw45, sha1, 64, aes, 15, true, decryptionKey},
		{fw45, sha1, 64, aes, 20, true, decryptionKey},
		{fw45, sha1, 64, aes, 33, true, decryptionKey},
		{fw45, sha1, 64, aes, 64, true, decryptionKey},
		{fw45, sha1, 64, auto, 8, true, decryptionKey},
		{none, sha1, 64, auto, 8, true, decryptionKey},
		{fw45, sha1, 64, tdes, 8, true, decryptionKey},
		{fw45, sha1, 64, tdes, 32, true, decryptionKey},
		{fw45, sha1, 64, des, 7, true, decryptionKey},
		{fw45, sha1, 64, des, 16, true, decryptionKey},
		{none, sha1, 64, des, 24, true, decryptionKey},

		// The legacy modes know more, which the legacy formats can use.
		{sp1, sha1, 64, aes, 32, false, accepted},
		{sp2, sha256, 64, auto, 24, false, accepted},
		{sp1, sha1, 19, aes, 32, false, accepted}, // by Protect, see TestLegacyProtectorRefuses
		{sp1, sha1, 65, aes, 32, false, accepted},
		{sp1, md5, 64, aes, 32, true, acceptedLegacy},
		{sp1, md5, 200, aes, 32, true, acceptedLegacy},
		{sp1, md5, 20, aes, 32, true, acceptedLegacy},
		{sp1, md5, 19, aes, 32, true, validationKey},
		{sp1, vaes, 19, aes, 32, false, validationKey},
		{sp1, vaes, 65, aes, 32, false, validationKey},
		{sp1, machinekey.HMACSHA384, 128, des, 9, true, acceptedLegacy},
		{sp1, machinekey.HMACSHA384, 129, des, 9, true, validationKey},
		{sp1, machinekey.HMACSHA512, 128, des, 9, true, acceptedLegacy},
		{sp1, machinekey.HMACSHA512, 129, des, 9, true, validationKey},
		{sp1, v3des, 64, aes, 16, false, acceptedLegacy},
		{sp1, v3des, 64, aes, 32, false, decryptionKey},
		{sp1, v3des, 64, auto, 8, true, acceptedLegacy},
		{sp1, v3des, 64, auto, 8, false, insecure},
		{sp1, v3des, 64, des, 24, true, acceptedLegacy},
		{sp1, v3des, 64, des, 9, true, decryptionKey},
		{sp1, vaes, 64, des, 8, true, decryptionKey},
		{sp1, vaes, 64, des, 24, true, acceptedLegacy},
		{sp1, vaes, 64, tdes, 24, true, acceptedLegacy},
		{sp1, 0, 64, aes, 32, true, validation},
		{sp1, md5, 64, aes, 32, false, insecure},
		{sp1, v3des, 64, aes, 24, false, acceptedLegacy},
		{sp2, vaes, 64, aes, 32, false, acceptedLegacy},
		{sp1, sha1, 64, auto, 8, true, acceptedLegacy},
		{sp1, sha1, 64, auto, 8, false, insecure},
		{sp2, sha1, 64, des, 24, true, acceptedLegacy},
		{sp1, sha1, 64, des, 4, true, decryptionKey},
		{sp1, sha1, 64, aes, 8, true, decryptionKey},
		{sp1, sha1, 64, tdes, 32, true, decryptionKey},
		{sp1, sha1, 64, auto, 20, true, decryptionKey},
	} {
		cfg := machinekey.Config{Mode: test.mode, Validation: test.v, Decryption: test.d, AllowInsecure: test.insecureOK, AllowWeakKey: true,
			ValidationKey: machinekey.NewSecret(bytes.Repeat([]byte{0xa7}, test.vlen)), DecryptionKey: machinekey.NewSecret(slices.Repeat([]byte("\xb9\xb91\xb92345\xb9\xb9abcdef\xb9\xb9ABCDEFG"), 3)[:test.dlen])}
		key, err := machinekey.New(cfg)
		if test.want == accepted || test.want == acceptedLegacy {
			if err != nil {
				t.Errorf("%v: %v", cfg, err)
				continue
			}
			if key.Mode() != test.mode {
				t.Errorf("%v: Mode() = %v", cfg, key.Mode())
			}
			_, err := ringOf(t, key).Protector(machinekey.FormsTicket)
			if (err == nil) != (test.want == accepted) {
				t.Errorf("%v: Protector: %v", cfg, err)
			}
			if _, err := ringOf(t, key).LegacyProtector(machinekey.LegacyOptions{}); test.want == acceptedLegacy && err != nil {
				t.Errorf("%v: LegacyProtector: %v", cfg, err)
			}
			continue
		}
		var e *machinekey.ConfigError
		if key != nil || !errors.As(err, &e) || e.Code != test.want || e.Attribute == "" || e.Found == "" || e.Want == "" {
			t.Errorf("%v: %v, %v, want %s", cfg, key, err, test.want)
			continue
		}
		if s := strings.ToLower(err.Error()); strings.Contains(s, "a7a7") || strings.Contains(s, "b9b9") ||
			!strings.HasPrefix(s, "machinekey: ") {
			t.Errorf("error text %q", s)
		}
	}
}

// TestNewCopies changes the bytes that a configuration was made of and those
// that it gives away.
func TestNewCopies(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	validation, decryption := cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal()
	cfg.ValidationKey, cfg.DecryptionKey = machinekey.NewSecret(validation), machinekey.NewSecret(decryption)
	key := keyOf(t, cfg)
	before := protect(t, protectorOf(t, cfg, "copy"), []byte("text"))
	clear(validation)
	clear(decryption)
	clear(cfg.ValidationKey.Reveal())
	clear(cfg.DecryptionKey.Reveal())
	p, err := ringOf(t, key).Protector(purposeOf(t, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Unprotect(nil, before); err != nil {
		t.Error("the key changed with its configuration")
	}
}

func TestID(t *testing.T) {
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret([]byte("validation key")), DecryptionKey: machinekey.NewSecret([]byte("decryption key 1")),
		Validation: machinekey.HMACSHA1, Decryption: machinekey.AES, Mode: machinekey.Framework45, AllowWeakKey: true}
	id := keyOf(t, cfg).ID()
	if len(id) != 8 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("ID %q is not 8 hex digits", id)
	}
	same, other := cfg, cfg
	same.Decryption, same.Mode = machinekey.Auto, machinekey.Framework20SP1
	if got := keyOf(t, same).ID(); got != id {
		t.Errorf("ID %s and %s of keys that open each other's data", got, id)
	}
	ids := map[string]bool{id: true}
	other.ValidationKey = machinekey.NewSecret([]byte("validation kez"))
	ids[keyOf(t, other).ID()] = true
	other = cfg
	other.DecryptionKey = machinekey.NewSecret([]byte("decryption key 2"))
	ids[keyOf(t, other).ID()] = true
	other = cfg
	other.Validation = machinekey.HMACSHA256
	ids[keyOf(t, other).ID()] = true
	other = cfg // the border between the keys moves
	other.ValidationKey, other.DecryptionKey = machinekey.NewSecret([]byte("validation keydecrypti")), machinekey.NewSecret([]byte("on key 1........"))
	ids[keyOf(t, other).ID()] = true
	if len(ids) != 5 {
		t.Errorf("different keys share an ID: %v", ids)
	}
}

// TestNothingPrintsKeys prints each type in every way and looks for the key
// bytes in hex, base64 and decimal, and for those of the derived keys.
func TestNothingPrintsKeys(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key := keyOf(t, cfg)
	ring := ringOf(t, key, generated(t))
	p, err := ring.Protector(machinekey.FormsTicket)
	if err != nil {
		t.Fatal(err)
	}
	protect(t, p, []byte("text"))
	encode, err := ring.EncodeProtector()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encode.Protect(nil, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Encode([]byte("text"), machinekey.ProtectionAll); err != nil { // keeps what it needs in the key
		t.Fatal(err)
	}
	cfg.Mode = machinekey.Framework20SP1
	legacyKey := keyOf(t, cfg)
	legacy, err := ringOf(t, legacyKey).LegacyProtector(machinekey.LegacyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := legacy.Protect(nil, []byte("text")); err != nil {
		t.Fatal(err)
	}

	var needles, raw []string
	for _, secret := range [][]byte{cfg.ValidationKey.Reveal(), cfg.DecryptionKey.Reveal()} {
		part := secret[:6]
		needles = append(needles,
			hex.EncodeToString(part), // upper case is folded below
			strings.ToLower(base64.StdEncoding.EncodeToString(part)),
			strings.ToLower(base64.URLEncoding.EncodeToString(part)),
			strings.Trim(fmt.Sprint(part), "[]"),
			strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ", "),
			strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ","),
			strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}")),
		)
		raw = append(raw, string(part)) // no text: folding could change it
	}
	shows := func(out string) bool {
		in := func(out string) func(string) bool {
			return func(needle string) bool { return strings.Contains(out, needle) }
		}
		return slices.ContainsFunc(needles, in(strings.ToLower(out))) || slices.ContainsFunc(raw, in(out))
	}
	check := func(how, out string) {
		t.Helper()
		if out == "" {
			t.Errorf("%s prints nothing", how)
		}
		if shows(out) {
			t.Errorf("%s shows a key: %s", how, out)
		}
	}

	// The needles do find a key that is printed.
	for _, control := range []string{cfg.WebConfig(), fmt.Sprint(cfg.ValidationKey.Reveal()), string(cfg.DecryptionKey.Reveal())} {
		if !shows(control) {
			t.Fatal("the search does not find a printed key")
		}
	}

	type hidden struct{ v any }
	type byPointer struct {
		key  *machinekey.Key
		ring *machinekey.Ring
		p    *machinekey.Protector
		l    *machinekey.LegacyProtector
		e    *machinekey.EncodeProtector
	}
	type byValue struct{ key machinekey.Key }
	for _, v := range []any{
		cfg, &cfg, key, *key, ring, p,
		[]*machinekey.Key{key}, []machinekey.Key{*key}, map[string]*machinekey.Key{"k": key},
		[]any{cfg, key, ring, p}, hidden{key}, hidden{ring}, hidden{p}, byPointer{key, ring, p, legacy, encode}, legacy, encode, hidden{legacy}, hidden{encode}, byValue{*key}, &byValue{*key},
	} {
		verbs := "vsqxXdobcUeEfFgGtp"
		if _, ok := v.(machinekey.Config); ok {
			verbs = strings.TrimSuffix(verbs, "p") // fmt does not ask a Formatter for %p
		}
		for _, verb := range verbs {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "20.3"} {
				format := "%" + flags + string(verb)
				check(fmt.Sprintf("%s of %T", format, v), fmt.Sprintf(format, v))
			}
		}
		check(fmt.Sprintf("Sprintln of %T", v), fmt.Sprintln(v))
		data, err := json.Marshal(v)
		if err != nil {
			t.Errorf("json of %T: %v", v, err)
		}
		check(fmt.Sprintf("json of %T", v), string(data))
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("message", "v", v, slog.Group("group", "v", v))
			check(fmt.Sprintf("slog %s of %T", name, v), b.String())
		}
	}
	for _, s := range []fmt.Stringer{cfg, key, ring, p, legacy, encode} {
		if !strings.HasPrefix(s.String(), "machinekey.") {
			t.Errorf("String of %T is %q", s, s)
		}
	}
	for _, s := range []fmt.Stringer{key, ring, p, legacy, encode} {
		if !strings.Contains(s.String(), key.ID()) {
			t.Errorf("String of %T does not name the key: %q", s, s)
		}
	}
	var nilKey *machinekey.Key
	_ = fmt.Sprint(nilKey, machinekey.Key{}) // no panic
}
