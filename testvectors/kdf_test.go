package testvectors_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/autogen"
	"github.com/webfarm-go/webfarm/machinekey"
)

// kdfVector is one derivation of keys: "derive" from one master key, or
// "masterKeys" from the block that Windows keeps for AutoGenerate.
type kdfVector struct {
	Name, Op, Note string
	Valid          bool
	PrimaryPurpose string
	Purposes       []string

	MasterKey, Label, Context, Derived hexBytes
	LengthBits                         *int

	MachineKey  attributes
	Environment struct {
		AutogenKeys    hexBytes
		AppPath, AppID string
	}
	MasterEncryptionKey, MasterValidationKey   hexBytes
	DerivedEncryptionKey, DerivedValidationKey hexBytes
}

func runKDF(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []kdfVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *kdfVector) string { return v.Name },
		func(t *testing.T, v *kdfVector) {
			switch {
			case v.Op == "derive" && v.Valid:
				v.derive(t)
			case v.Op == "masterKeys" && v.Valid:
				v.masterKeys(t)
			default:
				t.Fatalf("no test for op %q, valid %v", v.Op, v.Valid)
			}
		})
}

// derive compares the recorded key with the standard's formula and with the
// keys that a Protector of either key really uses.
func (v *kdfVector) derive(t *testing.T) {
	checkDerivation(t, "derived", v.MasterKey, v.PrimaryPurpose, v.Purposes, v.Derived)
	checkInputs(t, v.PrimaryPurpose, v.Purposes, v.Label, v.Context)
	if v.LengthBits != nil && *v.LengthBits != 8*len(v.Derived) {
		t.Errorf("lengthBits %d for %d bytes", *v.LengthBits, len(v.Derived))
	}
	purposes := purposesOf(v.PrimaryPurpose, v.Purposes...)
	other := bytes.Repeat([]byte{0x5a}, 32)
	cfg := machinekey.Config{ValidationKey: machinekey.NewSecret(v.MasterKey),
		DecryptionKey: machinekey.NewSecret(other), Validation: machinekey.HMACSHA256,
		AllowKnownKey: true, AllowWeakKey: true}
	if slices.ContainsFunc(v.Purposes, func(s string) bool { return strings.TrimSpace(s) == "" }) {
		// The formula takes such a purpose, MachineKey.Protect does not.
		if _, err := protectorOf(cfg, purposes, nil); err == nil {
			t.Error("a blank purpose is accepted")
		}
		return
	}
	checkSubkeys(t, cfg, purposes, v.Derived, nil)
	if n := len(v.MasterKey); n == 16 || n == 24 || n == 32 { // sizes of AES
		cfg.ValidationKey, cfg.DecryptionKey = cfg.DecryptionKey, cfg.ValidationKey
		checkSubkeys(t, cfg, purposes, nil, v.Derived)
	}
}

func (v *kdfVector) masterKeys(t *testing.T) {
	site := autogen.Site{AppPath: v.Environment.AppPath, AppID: v.Environment.AppID}
	if s := v.MachineKey.ValidationKey; s != nil {
		site.ValidationKey = *s
	}
	if s := v.MachineKey.DecryptionKey; s != nil {
		site.DecryptionKey = *s
	}
	cfg := machinekey.Config{Validation: machinekey.HMACSHA256, Mode: machinekey.Framework45}
	var err error
	cfg.ValidationKey, cfg.DecryptionKey, err = site.Keys(machinekey.NewSecret(v.Environment.AutogenKeys))
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "masterValidationKey", cfg.ValidationKey.Reveal(), v.MasterValidationKey)
	sameBytes(t, "masterEncryptionKey", cfg.DecryptionKey.Reveal(), v.MasterEncryptionKey)
	if mode := v.MachineKey.CompatibilityMode; mode != nil && string(cfg.Mode) != *mode {
		t.Errorf("mode %v, want %s", cfg.Mode, *mode)
	}
	checkSubkeys(t, cfg, purposesOf(v.PrimaryPurpose, v.Purposes...), v.DerivedValidationKey,
		v.DerivedEncryptionKey)
}

// checkSubkeys protects a text with cfg and opens it by hand with recorded
// derived keys: the tag is an HMAC under one, the ciphertext is CBC under the
// other. A nil one is not checked.
func checkSubkeys(t *testing.T, cfg machinekey.Config, purposes []string, validation, encryption []byte) {
	t.Helper()
	p, err := protectorOf(cfg, purposes, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("sixteen or more bytes of text")
	protected, err := p.Protect(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	end := len(protected) - sha256.Size
	signed, tag := protected[:end], protected[end:]
	if validation != nil {
		mac := hmac.New(sha256.New, validation)
		mac.Write(signed)
		if !hmac.Equal(mac.Sum(nil), tag) {
			t.Error("the tag is not the HMAC under the derived validation key")
		}
	}
	if encryption != nil {
		block, err := aes.NewCipher(encryption)
		if err != nil {
			t.Fatal(err)
		}
		plain := make([]byte, end-aes.BlockSize)
		cipher.NewCBCDecrypter(block, signed[:aes.BlockSize]).CryptBlocks(plain,
			signed[aes.BlockSize:])
		if !bytes.HasPrefix(plain, text) {
			t.Error("the ciphertext is not CBC under the derived encryption key")
		}
	}
}

// checkDerivation compares a derived key with NIST SP 800-108 in counter mode
// with HMAC-SHA512, written out here a second time.
func checkDerivation(t *testing.T, what string, master []byte, primary string, specific []string, want []byte) {
	t.Helper()
	if len(master) == 0 {
		t.Fatal("no master key")
	}
	label, context := derivationInputs(primary, specific)
	var got []byte
	for i := uint32(1); len(got) < len(master); i++ {
		mac := hmac.New(sha512.New, master)
		mac.Write(binary.BigEndian.AppendUint32(nil, i))
		mac.Write(append(label, 0))
		mac.Write(context)
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(8*len(master))))
		got = mac.Sum(got)
	}
	sameBytes(t, what, got[:len(master)], want)
}

// derivationInputs returns label and context of a purpose.
func derivationInputs(primary string, specific []string) (label, context []byte) {
	for _, s := range specific {
		context = binary.AppendUvarint(context, uint64(len(s)))
		context = append(context, s...)
	}
	return []byte(primary), context
}

// checkInputs compares recorded label and context, where they are recorded.
func checkInputs(t *testing.T, primary string, specific []string, label, context []byte) {
	t.Helper()
	wantLabel, wantContext := derivationInputs(primary, specific)
	if label != nil {
		sameBytes(t, "label", wantLabel, label)
	}
	if context != nil {
		sameBytes(t, "context", wantContext, context)
	}
}

// sameBytes compares a computed value with a recorded one.
func sameBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs at byte %d of %d\ngot  %s\nwant %s", what, commonPrefix(got, want),
			len(want), short(got), short(want))
	}
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
