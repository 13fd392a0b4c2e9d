package machinekey_test

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"testing"

	"github.com/webfarm-go/webfarm/internal/autogen"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// hexBytes is a binary value of a vector file, in hex.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// attributes are those of <machineKey> as written; absent ones are empty.
type attributes struct {
	ValidationKey     string
	DecryptionKey     string
	Validation        string
	Decryption        string
	CompatibilityMode string
}

type vector struct {
	Name           string
	Op             string
	Kind           string
	Valid          bool
	Note           string
	PrimaryPurpose string
	Purposes       []string
	Label          hexBytes
	Context        hexBytes

	// kdf.json: derive
	MasterKey  hexBytes
	LengthBits int
	Derived    hexBytes

	// kdf.json: masterKeys
	MasterEncryptionKey hexBytes
	MasterValidationKey hexBytes
	Environment         struct {
		AutogenKeys       hexBytes
		AppPath           string
		AppID             string
		TargetFramework45 bool
	}

	// protect45.json
	MachineKey           attributes
	KeyName              string
	Plaintext            hexBytes
	Random               hexBytes
	IV                   hexBytes
	Ciphertext           hexBytes
	MAC                  hexBytes
	Protected            hexBytes
	DerivedEncryptionKey hexBytes
	DerivedValidationKey hexBytes
	PredictableIV        bool
	CustomAlgorithm      bool
	Mutation             string
	Error                string
	Message              string
	Reason               string
}

// readVectors returns the vectors of one file, and fails unless there are as
// many as expected.
func readVectors(tb testing.TB, name string, count int) []vector {
	tb.Helper()
	var file struct {
		Format             int
		File, Note, Source string
		Vectors            []vector
	}
	testkit.StrictJSON(tb, name, &file)
	if len(file.Vectors) != count {
		tb.Fatalf("%s has %d vectors, want %d", name, len(file.Vectors), count)
	}
	return file.Vectors
}

func kdfVectors(tb testing.TB) []vector { tb.Helper(); return readVectors(tb, "kdf.json", 68) }
func protectVectors(tb testing.TB) []vector {
	tb.Helper()
	return readVectors(tb, "protect45.json", 259)
}

// config reads the attributes with the defaults of .NET 4. The custom
// algorithms of the vectors are the built-in ones by another name.
func (a attributes) config() (cfg machinekey.Config, err error) {
	cfg = machinekey.Config{Validation: machinekey.HMACSHA256, Mode: machinekey.Framework45,
		AllowInsecure: true, AllowKnownKey: true, AllowWeakKey: true}
	validation, err := hex.DecodeString(a.ValidationKey)
	if err != nil {
		return cfg, err
	}
	decryption, err := hex.DecodeString(a.DecryptionKey)
	if err != nil {
		return cfg, err
	}
	cfg.ValidationKey, cfg.DecryptionKey = machinekey.NewSecret(validation), machinekey.NewSecret(decryption)
	switch a.Validation {
	case "":
	case "alg:HMACSHA1":
		cfg.Validation = machinekey.HMACSHA1
	case "alg:HMACSHA256":
		cfg.Validation = machinekey.HMACSHA256
	default:
		cfg.Validation = machinekey.Validation(a.Validation)
	}
	switch a.Decryption {
	case "":
	case "alg:AES":
		cfg.Decryption = machinekey.AES
	default:
		cfg.Decryption = machinekey.Decryption(a.Decryption)
	}
	cfg.Mode = machinekey.Mode(a.CompatibilityMode)
	return cfg, nil
}

// protector returns the protector that a vector asks for, with random as the
// source of its IV.
func (v *vector) protector() (protector, error) {
	cfg, err := v.MachineKey.config()
	if err != nil {
		return protector{}, err
	}
	cfg.Rand = bytes.NewReader(v.IV)
	return newProtector(cfg, v.purposes()...)
}

func (v *vector) purposes() []string {
	return append([]string{cmp.Or(v.PrimaryPurpose, machinekey.UserPurpose)}, v.Purposes...)
}

func newProtector(cfg machinekey.Config, purposes ...string) (protector, error) {
	key, err := machinekey.New(cfg)
	if err != nil {
		return protector{}, err
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		return protector{}, err
	}
	return wrap(ring.Protector(purposes...))
}

func TestProtectVectors(t *testing.T) {
	ran := map[string]int{}
	for _, v := range protectVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			switch {
			case v.Op == "protect" && v.Valid:
				ran["protect"]++
				testProtectVector(t, &v)
			case v.Op == "unprotect" && !v.Valid:
				ran["unprotect"]++
				p, err := v.protector()
				if err != nil {
					t.Fatal(err)
				}
				if out, err := p.Unprotect(nil, v.Protected); err != machinekey.ErrUnprotect ||
					out != nil {
					t.Errorf("Unprotect = %x, %v, want ErrUnprotect; %s", out, err, v.Mutation)
				}
			case v.Op == "protect" && v.Kind == "config":
				ran["config"]++
				if _, err := v.protector(); err == nil {
					t.Errorf("accepted; .NET refuses: %s", v.Reason)
				}
			default:
				t.Fatalf("no test for op %q, kind %q, valid %v", v.Op, v.Kind, v.Valid)
			}
		})
	}
	if want := map[string]int{"protect": 106, "unprotect": 130,
		"config": 23}; fmt.Sprint(ran) != fmt.Sprint(want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

func testProtectVector(t *testing.T, v *vector) {
	p, err := v.protector()
	if err != nil {
		t.Fatal(err)
	}
	if got := protect(t, p, v.Plaintext); !bytes.Equal(got, v.Protected) {
		t.Errorf("Protect = %x\n want %x", got, v.Protected)
	}
	got, err := p.Unprotect(nil, v.Protected)
	if err != nil || !bytes.Equal(got, v.Plaintext) {
		t.Errorf("Unprotect = %x, %v\n want %x", got, err, v.Plaintext)
	}
}

// TestConfigVectorCodes names the errors of the refusals that are this
// package's own and not the web.config reader's.
func TestConfigVectorCodes(t *testing.T) {
	want := map[string]string{
		"c45-validation-MD5":  "invalid_validation_algorithm",
		"c45-validation-3DES": "invalid_validation_algorithm",
		"c45-validation-AES":  "invalid_validation_algorithm",
		"c45-AES-keylen-20":   "invalid_decryption_key",
		"c45-AES-keylen-8":    "invalid_decryption_key",
		"c45-Auto-keylen-8":   "invalid_decryption_key",
		"c45-DES-keylen-24":   "invalid_decryption_key",
		"c45-DES-keylen-16":   "invalid_decryption_key",
		"c45-3DES-keylen-32":  "invalid_decryption_key",
		"c45-3DES-keylen-8":   "invalid_decryption_key",
	}
	seen := 0
	for _, v := range protectVectors(t) {
		code, ok := want[v.Name]
		if !ok {
			continue
		}
		seen++
		// A site in a legacy mode that calls MachineKey.Protect meets the
		// same rules.
		for _, mode := range []string{"Framework45", "Framework20SP1", "Framework20SP2"} {
			v.MachineKey.CompatibilityMode = mode
			if v.Name == "c45-validation-3DES" && mode != "Framework45" {
				code = "invalid_decryption_key" // the key does not even fit the legacy formats
			}
			_, err := v.protector()
			var e *machinekey.ConfigError
			if !errors.As(err, &e) || e.Code != code {
				t.Errorf("%s in %s: %v, want code %s", v.Name, mode, err, code)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("saw %d vectors, want %d", seen, len(want))
	}
}

// TestKDFVectors finds the derived keys from outside: the tag is an HMAC under
// one, the ciphertext is CBC under the other.
func TestKDFVectors(t *testing.T) {
	ran := map[string]int{}
	for _, v := range kdfVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			ran[v.Op]++
			switch v.Op {
			case "derive":
				if _, err := ringOf(t, generated(t)).Protector(v.purposes()...); err != nil {
					if v.Name != "kdf-purposes-empty-string" && v.Name != "kdf-purposes-space" {
						t.Fatal(err)
					}
					ran["blank"]++ // MachineKey.Protect refuses it too; TestDeriveKey derives it
					return
				}
				other := bytes.Repeat([]byte{0x5a}, 32)
				checkDerived(t, machinekey.Config{ValidationKey: machinekey.NewSecret(v.MasterKey),
					DecryptionKey: machinekey.NewSecret(other), Validation: machinekey.HMACSHA256,
					AllowKnownKey: true, AllowWeakKey: true}, v.purposes(), v.Derived, nil)
				if n := len(v.MasterKey); n == 16 || n == 24 || n == 32 {
					ran["decryption"]++
					checkDerived(t, machinekey.Config{ValidationKey: machinekey.NewSecret(other),
						DecryptionKey: machinekey.NewSecret(v.MasterKey),
						Validation:    machinekey.HMACSHA256, AllowKnownKey: true,
						AllowWeakKey: true}, v.purposes(), nil, v.Derived)
				}
			case "masterKeys":
				cfg := machinekey.Config{Validation: machinekey.HMACSHA256,
					Mode: machinekey.Framework45}
				var err error
				cfg.ValidationKey, cfg.DecryptionKey, err = autogen.Site{
					ValidationKey: v.MachineKey.ValidationKey,
					DecryptionKey: v.MachineKey.DecryptionKey,
					AppPath:       v.Environment.AppPath,
					AppID:         v.Environment.AppID,
				}.Keys(machinekey.NewSecret(v.Environment.AutogenKeys))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(cfg.ValidationKey.Reveal(), v.MasterValidationKey) {
					t.Errorf("validation key %x, want %x", cfg.ValidationKey.Reveal(),
						v.MasterValidationKey)
				}
				if !bytes.Equal(cfg.DecryptionKey.Reveal(), v.MasterEncryptionKey) {
					t.Errorf("decryption key %x, want %x", cfg.DecryptionKey.Reveal(),
						v.MasterEncryptionKey)
				}
				checkDerived(t, cfg, v.purposes(), v.DerivedValidationKey, v.DerivedEncryptionKey)
			default:
				t.Fatalf("no test for op %q", v.Op)
			}
		})
	}
	if want := map[string]int{"derive": 62, "decryption": 45, "blank": 2,
		"masterKeys": 6}; fmt.Sprint(ran) != fmt.Sprint(want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

// checkDerived protects a text with cfg and opens it by hand with the recorded
// derived keys; a nil one is not checked.
func checkDerived(t *testing.T, cfg machinekey.Config, purposes []string, kval, kenc []byte) {
	t.Helper()
	p, err := newProtector(cfg, purposes...)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("sixteen or more bytes of text")
	protected := protect(t, p, text)
	signed, tag := protected[:len(protected)-sha256.Size], protected[len(protected)-sha256.Size:]
	if kval != nil {
		mac := hmac.New(sha256.New, kval)
		mac.Write(signed)
		if !hmac.Equal(mac.Sum(nil), tag) {
			t.Errorf("tag is not the HMAC under the derived key")
		}
	}
	if kenc != nil {
		block, err := aes.NewCipher(kenc)
		if err != nil {
			t.Fatal(err)
		}
		plain := make([]byte, len(signed)-aes.BlockSize)
		cipher.NewCBCDecrypter(block, signed[:aes.BlockSize]).CryptBlocks(plain,
			signed[aes.BlockSize:])
		if !bytes.HasPrefix(plain, text) {
			t.Errorf("ciphertext is not CBC under the derived key")
		}
	}
}

// TestVectorsAreConsistent opens each recorded value by hand, so that a fault
// of a vector does not look like one of the package.
func TestVectorsAreConsistent(t *testing.T) {
	hashes := map[int]func() hash.Hash{20: sha1.New, 32: sha256.New, 48: sha512.New384, 64: sha512.New}
	for _, v := range protectVectors(t) {
		if v.Op != "protect" || !v.Valid {
			continue
		}
		mac := hmac.New(hashes[len(v.MAC)], v.DerivedValidationKey)
		mac.Write(v.IV)
		mac.Write(v.Ciphertext)
		if !hmac.Equal(mac.Sum(nil), v.MAC) {
			t.Errorf("%s: mac", v.Name)
		}
		block, err := recordedBlock(v.DerivedEncryptionKey, len(v.IV))
		if err != nil {
			t.Fatal(err)
		}
		plain := make([]byte, len(v.Ciphertext))
		cipher.NewCBCDecrypter(block, v.IV).CryptBlocks(plain, v.Ciphertext)
		if !bytes.HasPrefix(plain, v.Plaintext) {
			t.Errorf("%s: ciphertext", v.Name)
		}
	}
}

func recordedBlock(key []byte, size int) (cipher.Block, error) {
	switch {
	case size == aes.BlockSize:
		return aes.NewCipher(key)
	case len(key) == 8:
		return des.NewCipher(key)
	case len(key) == 16:
		return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
	}
	return des.NewTripleDESCipher(key)
}
