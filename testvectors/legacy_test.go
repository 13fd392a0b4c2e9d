package testvectors_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// legacyVector is one call of MachineKey.Encode or Decode, or of one of the two
// operations they consist of.
type legacyVector struct {
	Name, Op, Kind, KeyName string
	Valid                   bool
	MachineKey              attributes
	AppSettings             switches
	Environment             struct {
		HashCode    *int32 // of the application's path and of its id
		AutogenKeys hexBytes
		AppPath     string // has no effect: the hash stands for it
	}
	EffectiveValidationKey, EffectiveDecryptionKey hexBytes

	Protection string // "encode" and "decode"
	Plaintext  hexBytes
	Encoded    string
	legacyParts
	CustomAlgorithm bool

	Modifier hexBytes // "hash" and "encryptData"
	MAC      hexBytes

	IVType         string // "encryptData"
	SignData       bool
	Prefix, Output hexBytes

	Error, Message, Reason, Mutation, Note string
}

func runLegacy(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []legacyVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *legacyVector) string { return v.Name },
		func(t *testing.T, v *legacyVector) {
			switch {
			case v.Op == "encode" && v.Kind == "config" && !v.Valid:
				v.misconfigured(t)
			case v.Op == "encode" && v.Kind == "" && v.Valid:
				v.encode(t, f)
				v.decode(t, f)
			case v.Op == "decode" && v.Kind == "":
				v.decode(t, f)
			case v.Op == "hash" && v.Kind == "" && v.Valid:
				v.hash(t, f)
			case v.Op == "encryptData" && v.Kind == "" && v.Valid:
				v.encryptData(t, f)
			default:
				t.Fatalf("no test for op %q, kind %q, valid %v", v.Op, v.Kind, v.Valid)
			}
		})
}

func (v *legacyVector) encode(t *testing.T, f *file) {
	cfg := v.config(t, f)
	protection := protectionOf(t, v.Protection, machinekey.ProtectionAll)
	raw, err := hex.DecodeString(v.Encoded)
	if err != nil {
		t.Fatal(err)
	}
	v.legacyParts.check(t, cfg, v.Plaintext, raw)
	if v.unsigned() {
		// The protector does not write such a form; the low level does.
		data := bytes.Clone(v.Plaintext)
		if protection == machinekey.ProtectionAll {
			data = append(data, v.InnerMAC...)
		}
		got, err := lowLevel(t, cfg, v.Random, netfx.Layers{Encrypted: true}).Seal(nil, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, "encrypted", got, raw)
		f.unissued++
		return
	}
	got, err := encodeProtector(t, keyOf(t, cfg, v.Random),
		machinekey.LegacyOptions{Protection: protection}).Protect(nil, v.Plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if text := upperHex(got); text != v.Encoded {
		t.Errorf("encoded\ngot  %s\nwant %s", short(text), short(v.Encoded))
	}
}

// unsigned reports whether the site encrypts without signing.
func (v *legacyVector) unsigned() bool {
	return v.AppSettings.UseLegacyMachineKeyEncryption && v.Protection != "Validation"
}

func (v *legacyVector) decode(t *testing.T, f *file) {
	key := keyOf(t, v.config(t, &file{own: true}), nil)
	o := machinekey.LegacyOptions{Protection: protectionOf(t, v.Protection,
		machinekey.ProtectionAll)}
	raw, err := hex.DecodeString(v.Encoded)
	if err != nil {
		if v.Valid {
			t.Error(err)
		}
		return
	}
	if v.unsigned() {
		if got, _, err := encodeProtector(t, key, o).Unprotect(t.Context(), nil,
			raw); err != machinekey.ErrUnprotect || got != nil {
			t.Errorf("unsigned data gives %x and %v, want ErrUnprotect", got, err)
		}
		o.InsecureUnsigned = true
	}
	got, _, err := encodeProtector(t, key, o).Unprotect(t.Context(), nil, raw)
	switch {
	case v.Valid && err != nil:
		t.Error(err)
	case v.Valid:
		sameBytes(t, "plaintext", got, v.Plaintext)
	case err != machinekey.ErrUnprotect || got != nil:
		t.Errorf("Unprotect returns %x and %v, want ErrUnprotect; %s", got, err, v.Mutation)
	}
}

func (v *legacyVector) hash(t *testing.T, f *file) {
	got := lowLevel(t, v.config(t, f), nil, netfx.Layers{}).Digest(v.Plaintext, v.Modifier)
	sameBytes(t, "mac", got, v.MAC)
}

func (v *legacyVector) encryptData(t *testing.T, f *file) {
	cfg := v.config(t, f)
	iv, err := ivTypeOf(v.IVType)
	if err != nil {
		t.Fatal(err)
	}
	layers := netfx.Layers{Encrypted: true, Signed: v.SignData, IV: iv}
	got, err := lowLevel(t, cfg, v.Random, layers).Seal(nil, v.Plaintext, v.Modifier)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "output", got, v.Output)
	got, ok := lowLevel(t, cfg, nil, layers).Open(nil, v.Output, v.Modifier)
	if !ok {
		t.Fatal("not opened")
	}
	sameBytes(t, "plaintext", got, v.Plaintext)
	mac := 0
	if v.SignData {
		mac = len(legacyDigest(t, cfg, nil))
	}
	plain := legacyDecrypt(t, cfg, v.Output[:len(v.Output)-mac])
	sameBytes(t, "prefix, plaintext and modifier", plain,
		bytes.Join([][]byte{v.Prefix, v.Plaintext, v.Modifier}, nil))
	if v.Random != nil {
		sameBytes(t, "random", v.Prefix, v.Random)
	}
}

// lowLevel returns the key with all parameters of the legacy formats, those that
// no credential has too.
func lowLevel(t *testing.T, cfg machinekey.Config, random []byte, layers netfx.Layers) *netfx.Sealer {
	t.Helper()
	keyOf(t, cfg, nil) // which checks it
	s := netfx.Settings{ValidationKey: cfg.ValidationKey, DecryptionKey: cfg.DecryptionKey,
		Validation: string(cfg.Validation), Decryption: string(cfg.Decryption),
		Mode: string(cfg.Mode)}
	if cfg.Decryption == machinekey.Auto {
		s.Decryption = "AES"
		if cfg.DecryptionKey.Len() == 8 {
			s.Decryption = "DES"
		}
	}
	if random != nil {
		s.Rand = bytes.NewReader(random)
	}
	l, err := netfx.NewLegacy(s, layers)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ivTypeOf(name string) (netfx.IVType, error) {
	for i := netfx.IVRandom; i <= netfx.IVNone; i++ {
		if i.String() == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no ivType %q", name)
}

// misconfigured wants the refusal of a configuration, at the latest when it is
// used.
func (v *legacyVector) misconfigured(t *testing.T) {
	cfg, err := v.MachineKey.config(false)
	if err == nil {
		var key *machinekey.Key
		if key, err = machinekey.New(cfg); err == nil {
			_, err = ringOf(t,
				key).EncodeProtector(machinekey.LegacyOptions{Protection: protectionOf(t,
				v.Protection, machinekey.ProtectionAll)})
		}
	}
	code := ""
	switch message, detail, _ := strings.Cut(v.Message, "("); {
	case strings.Contains(detail, "known weak key"):
		code = "weak_decryption_key"
	case message == "Unable_to_get_cookie_authentication_validation_key",
		v.Error == "IndexOutOfRangeException":
		code = "invalid_validation_key"
	case message == "Invalid_decryption_key", message == "Bad_machine_key":
		code = "invalid_decryption_key"
	case message == "Wrong_decryption_enum":
		code = "invalid_decryption_algorithm"
	}
	wantCode(t, err, code)
}
