package machinekey_test

import (
	"bytes"
	"errors"
	"fmt"
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
		none = ""

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
		{fw45, "", 64, aes, 32, true, validation},
		{fw45, "ROT13", 64, aes, 32, true, validation},
		{fw45, "sha1", 64, aes, 32, true, validation},
		{fw45, md5, 64, aes, 32, true, validation},
		{fw45, v3des, 64, aes, 24, true, validation},
		{fw45, vaes, 64, aes, 32, true, validation},
		{none, md5, 64, aes, 32, true, validation},
		{none, vaes, 64, aes, 32, true, validation},
		{fw45, sha1, 64, "aes", 32, true, decryption},
		{fw45, sha1, 0, aes, 32, true, validationKey},
		{"framework45", sha1, 64, aes, 32, true, "invalid_enum"},

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
		{sp1, sha1, 19, aes, 32, false, accepted}, // by Protect, see TestCookieProtectorRefuses
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
		{sp1, "", 64, aes, 32, true, validation},
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
		cfg := machinekey.Config{Mode: test.mode, Validation: test.v, Decryption: test.d,
			AllowInsecure: test.insecureOK, AllowWeakKey: true,
			ValidationKey: machinekey.NewSecret(bytes.Repeat([]byte{0xa7}, test.vlen)),
			DecryptionKey: machinekey.NewSecret(slices.Repeat([]byte("\xb9\xb91\xb92345\xb9\xb9abcdef\xb9\xb9ABCDEFG"), 3)[:test.dlen])}
		key, err := machinekey.New(cfg)
		if test.want == accepted || test.want == acceptedLegacy {
			if err != nil {
				t.Errorf("%v: %v", cfg, err)
				continue
			}
			if key.Mode() != test.mode {
				t.Errorf("%v: Mode() = %v", cfg, key.Mode())
			}
			_, err := wrap(ringOf(t, key).Protector(machinekey.FormsPurpose))
			if (err == nil) != (test.want == accepted) {
				t.Errorf("%v: Protector: %v", cfg, err)
			}
			if _, err := wrap(ringOf(t, key).CookieProtector(machinekey.LegacyOptions{},
				machinekey.FormsPurpose)); test.want == acceptedLegacy && err != nil {
				t.Errorf("%v: CookieProtector: %v", cfg, err)
			}
			continue
		}
		var e *machinekey.ConfigError
		if key != nil || !errors.As(err, &e) || e.Code != test.want || e.Attribute == "" ||
			e.Found == "" || e.Want == "" {
			t.Errorf("%v: %v, %v, want %s", cfg, key, err, test.want)
			continue
		}
		if s := strings.ToLower(err.Error()); strings.Contains(s, "a7a7") ||
			strings.Contains(s, "b9b9") ||
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
	p, err := wrap(ringOf(t, key).Protector(purposeOf("copy")...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Unprotect(nil, before); err != nil {
		t.Error("the key changed with its configuration")
	}
}

func TestID(t *testing.T) {
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret([]byte("validation key")),
		DecryptionKey: machinekey.NewSecret([]byte("decryption key 1")),
		Validation:    machinekey.HMACSHA1, Decryption: machinekey.AES, Mode: machinekey.Framework45,
		AllowWeakKey: true}
	id := keyOf(t, cfg).ID()
	if len(id) != 8 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("ID %q is not 8 hex digits", id)
	}
	same, other := cfg, cfg
	same.Decryption = machinekey.Auto
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
	other = cfg
	other.Mode = machinekey.Framework20SP2
	other.ValidationKey, other.DecryptionKey = machinekey.NewSecret([]byte("validation key of 20")), machinekey.NewSecret([]byte("decryption key 1"))
	ids[keyOf(t, other).ID()] = true
	other.Mode = machinekey.Framework20SP1
	ids[keyOf(t, other).ID()] = true
	if len(ids) != 7 {
		t.Errorf("different keys share an ID: %v", ids)
	}
}

// TestStrings wants what describes keys to name them, and the configuration to
// say what it holds. That no key bytes show is the subject of
// TestSecretsStaySecret, for all packages.
func TestStrings(t *testing.T) {
	key := keyOf(t, legacyGenerated(t))
	ring := ringOf(t, key, keyOf(t, legacyGenerated(t)))
	p, err := ring.Protector(purposeOf("a", "b c")...)
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := ring.CookieProtector(machinekey.LegacyOptions{InsecureUnsigned: true},
		machinekey.FormsPurpose)
	if err != nil {
		t.Fatal(err)
	}
	encode, err := ring.EncodeProtector(machinekey.LegacyOptions{Protection: machinekey.ProtectionValidation})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		v    any
		want string
	}{
		{key, "machinekey.Key{id=" + key.ID() + " validation=SHA1 decryption=AES mode=Framework20SP1}"},
		{new(machinekey.Key), "machinekey.Key{invalid}"},
		{ring, "machinekey.Ring{keys=[" + key.ID() + " "},
		{p, `machinekey.Protector{purpose=User.MachineKey.Protect "a" "b c" keys=[` + key.ID() + " "},
		{cookies,
			"machinekey.Protector{purpose=FormsAuthentication.Ticket protection=All unsigned keys=[" + key.ID() + " "},
		{encode, "machinekey.Protector{MachineKey.Encode protection=Validation keys=[" + key.ID() + " "},
	} {
		if got := fmt.Sprint(test.v); !strings.HasPrefix(got, test.want) {
			t.Errorf("%T prints %q, want %q", test.v, got, test.want)
		}
	}
}
