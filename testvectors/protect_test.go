package testvectors_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// protectVector is one call of MachineKey.Protect or Unprotect.
type protectVector struct {
	Name, Op, Kind, KeyName          string
	Valid                            bool
	MachineKey                       attributes
	Environment                      struct{ TargetFramework45 bool }
	PrimaryPurpose                   string
	Purposes                         []string
	Plaintext, Random                hexBytes
	Label, Context                   hexBytes
	DerivedEncryptionKey             hexBytes
	DerivedValidationKey             hexBytes
	IV, Ciphertext, MAC, Protected   hexBytes
	PredictableIV, CustomAlgorithm   bool
	Error, Message, Reason, Mutation string
}

func runProtect(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []protectVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *protectVector) string { return v.Name },
		func(t *testing.T, v *protectVector) {
			switch {
			case v.Op == "protect" && v.Kind == "config" && !v.Valid:
				v.misconfigured(t)
			case v.Op == "protect" && v.Kind == "" && v.Valid:
				v.protect(t)
				v.unprotect(t)
			case v.Op == "unprotect" && v.Kind == "":
				v.unprotect(t)
			default:
				t.Fatalf("no test for op %q, kind %q, valid %v", v.Op, v.Kind, v.Valid)
			}
		})
}

// protector returns the vector's protector. A custom algorithm is refused when
// it comes from a web.config, and is then named by hand.
func (v *protectVector) protector(t *testing.T) machinekey.Protector {
	t.Helper()
	cfg, err := v.MachineKey.config(v.Environment.TargetFramework45)
	if v.CustomAlgorithm {
		wantCode(t, err, "custom_algorithm")
		cfg, err = v.MachineKey.builtin().config(v.Environment.TargetFramework45)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := protectorOf(cfg, purposesOf(v.PrimaryPurpose, v.Purposes...), v.Protected) // the IV is the beginning of the result
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// builtin replaces the names of algorithms that .NET also has built in.
func (a attributes) builtin() *attributes {
	builtin := func(name *string) *string {
		if name != nil {
			if other, ok := map[string]string{"alg:HMACSHA1": "SHA1",
				"alg:HMACSHA256": "HMACSHA256",
				"alg:HMACSHA384": "HMACSHA384", "alg:HMACSHA512": "HMACSHA512", "alg:AES": "AES"}[*name]; ok {
				return &other
			}
		}
		return name
	}
	a.Validation, a.Decryption = builtin(a.Validation), builtin(a.Decryption)
	return &a
}

func (v *protectVector) protect(t *testing.T) {
	got, err := v.protector(t).Protect(nil, v.Plaintext)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "protected", got, v.Protected)
	v.byHand(t)
}

func (v *protectVector) unprotect(t *testing.T) {
	got, _, err := v.protector(t).Unprotect(t.Context(), nil, v.Protected)
	switch {
	case v.Valid && err != nil:
		t.Error(err)
	case v.Valid:
		sameBytes(t, "plaintext", got, v.Plaintext)
	case err != machinekey.ErrUnprotect || got != nil:
		t.Errorf("Unprotect returns %x and %v, want ErrUnprotect; %s", got, err, v.Mutation)
	}
}

// byHand compares the recorded parts of a protected value with each other, so
// that a fault of a vector does not look like one of the module.
func (v *protectVector) byHand(t *testing.T) {
	if v.IV == nil {
		return // not recorded
	}
	checkInputs(t, v.PrimaryPurpose, v.Purposes, v.Label, v.Context)
	sameBytes(t, "iv, ciphertext and mac", slices.Concat(v.IV, v.Ciphertext, v.MAC), v.Protected)
	if v.Random != nil {
		sameBytes(t, "random", v.IV, v.Random)
	}
	if v.PredictableIV {
		sum := sha256.Sum256(v.Plaintext)
		sameBytes(t, "predictable iv", sum[:len(v.IV)], v.IV)
	}
	hashes := map[int]func() hash.Hash{20: sha1.New, 32: sha256.New, 48: sha512.New384, 64: sha512.New}
	newHash := hashes[len(v.MAC)]
	if newHash == nil {
		t.Fatalf("mac of %d bytes", len(v.MAC))
	}
	mac := hmac.New(newHash, v.DerivedValidationKey)
	mac.Write(v.IV)
	mac.Write(v.Ciphertext)
	sameBytes(t, "mac under derivedValidationKey", mac.Sum(nil), v.MAC)
	block, err := blockCipher(v.DerivedEncryptionKey, len(v.IV))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Ciphertext)%block.BlockSize() != 0 {
		t.Fatalf("ciphertext of %d bytes", len(v.Ciphertext))
	}
	plain := make([]byte, len(v.Ciphertext))
	cipher.NewCBCDecrypter(block, v.IV).CryptBlocks(plain, v.Ciphertext)
	if !bytes.HasPrefix(plain, v.Plaintext) {
		t.Error("ciphertext does not open under derivedEncryptionKey")
	}
}

// blockCipher returns the cipher with blocks of that size.
func blockCipher(key []byte, size int) (cipher.Block, error) {
	switch {
	case size == aes.BlockSize:
		return aes.NewCipher(key)
	case size != des.BlockSize:
		return nil, fmt.Errorf("iv of %d bytes", size)
	case len(key) == 8:
		return des.NewCipher(key)
	case len(key) == 16: // two-key
		return des.NewTripleDESCipher(slices.Concat(key, key[:8]))
	}
	return des.NewTripleDESCipher(key)
}

// misconfigured wants the refusal of a configuration or of a purpose before
// there is anything to protect.
func (v *protectVector) misconfigured(t *testing.T) {
	purposes := purposesOf(v.PrimaryPurpose, v.Purposes...)
	good, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	_, purposeErr := protectorOf(good, purposes, nil)
	if v.Error == "ArgumentException" {
		if purposeErr == nil {
			t.Errorf("purposes %q are accepted; %s", v.Purposes, v.Reason)
		}
		return
	}
	if purposeErr != nil {
		t.Fatal(purposeErr)
	}
	cfg, err := v.MachineKey.config(v.Environment.TargetFramework45)
	if err == nil {
		_, err = protectorOf(cfg, purposes, nil)
	}
	wantCode(t, err, map[string]string{
		"Wrong_validation_enum_FX45": "invalid_validation_algorithm",
		"Wrong_decryption_enum":      "invalid_decryption_algorithm",
		"Invalid_validation_key":     "invalid_validation_key",
		"Invalid_decryption_key":     "invalid_decryption_key",
	}[v.Message])
}

// wantCode fails unless err is a ConfigError, with this code if it is not
// empty.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *machinekey.ConfigError
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a ConfigError %s", err, code)
	}
	if code != "" && e.Code != code {
		t.Errorf("code %s, want %s: %v", e.Code, code, err)
	}
}
