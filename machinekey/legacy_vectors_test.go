package machinekey_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/autogen"
	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// legacyVector is one vector of legacy_encode.json, and of the two files of
// cookies those parts that concern the envelope.
type legacyVector struct {
	Name       string
	Op         string
	Kind       string
	Valid      bool
	MachineKey attributes
	Random     hexBytes
	Error      string
	Message    string
	Reason     string
	Mutation   string
	Note       string

	AppSettings struct {
		UseLegacyMachineKeyEncryption                   bool `json:"aspnet:UseLegacyMachineKeyEncryption"`
		UseLegacyEncryption                             bool `json:"aspnet:UseLegacyEncryption"`
		UseLegacyFormsAuthenticationTicketCompatibility bool `json:"aspnet:UseLegacyFormsAuthenticationTicketCompatibility"`
	}
	Environment struct {
		HashCode    int32
		AutogenKeys hexBytes
		AppPath     string
	}

	// legacy_encode.json
	KeyName                string
	Protection             string
	Plaintext              hexBytes
	Encoded                string
	InnerMac               hexBytes
	Ciphertext             hexBytes
	OuterMac               hexBytes
	EffectiveValidationKey hexBytes
	EffectiveDecryptionKey hexBytes
	CustomAlgorithm        bool
	Modifier               hexBytes
	Mac                    hexBytes
	IVType                 string
	SignData               bool
	Prefix                 hexBytes
	Output                 hexBytes

	// formsauth.json, cookieprotection.json
	Forms            struct{ Protection string }
	CookieProtection string
	SerializedTicket hexBytes
	Payload          hexBytes
	Cookie           string
	CookieEncoding   string
	TooLongToDecrypt bool
}

func legacyVectors(tb testing.TB, name string, count int) []legacyVector {
	tb.Helper()
	var file struct{ Vectors []legacyVector }
	if name == "legacy_encode.json" { // of the other files only the envelope is read
		var strict struct {
			Format             int
			File, Note, Source string
			Vectors            []legacyVector
		}
		testkit.StrictJSON(tb, name, &strict)
		file.Vectors = strict.Vectors
	} else {
		testkit.JSON(tb, name, &file)
	}
	if len(file.Vectors) != count {
		tb.Fatalf("%s has %d vectors, want %d", name, len(file.Vectors), count)
	}
	return file.Vectors
}

// key makes the key of a vector, through the reader of web.config wherever
// that one takes the attributes.
func (v *legacyVector) key() (*machinekey.Key, error) {
	cfg, err := v.config()
	if err != nil {
		return nil, err
	}
	cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
	if v.Random != nil {
		cfg.Rand = bytes.NewReader(v.Random)
	}
	return machinekey.New(cfg)
}

func (v *legacyVector) config() (machinekey.Config, error) {
	a := v.MachineKey
	hashes := netfx.Isolation{AppPathHash: &v.Environment.HashCode,
		AppIDHash: &v.Environment.HashCode}
	switch {
	case v.Environment.AutogenKeys != nil:
		cfg, err := a.algorithms()
		if err != nil {
			return cfg, err
		}
		cfg.ValidationKey, cfg.DecryptionKey, err = autogen.Site{
			ValidationKey: a.ValidationKey, DecryptionKey: a.DecryptionKey, Hashes: hashes,
			Validation: string(cfg.Validation), Decryption: string(cfg.Decryption), Legacy: true,
		}.Keys(machinekey.NewSecret(v.Environment.AutogenKeys))
		return cfg, err
	case strings.Contains(a.ValidationKey+a.DecryptionKey, ",Isolate"):
		cut := func(key *string) (i netfx.Isolation) {
			var found bool
			if *key, found = strings.CutSuffix(*key, ",IsolateByAppId"); found {
				i.AppIDHash = hashes.AppIDHash
			}
			if *key, found = strings.CutSuffix(*key, ",IsolateApps"); found {
				i.AppPathHash = hashes.AppPathHash
			}
			return i
		}
		validation, decryption := cut(&a.ValidationKey), cut(&a.DecryptionKey)
		cfg, err := a.webConfig()
		if err != nil {
			return cfg, err
		}
		if cfg.ValidationKey, err = validation.Apply(cfg.ValidationKey); err != nil {
			return cfg, err
		}
		cfg.DecryptionKey, err = decryption.Apply(cfg.DecryptionKey)
		return cfg, err
	case v.Name == "leg-nonhex-digit-counts-as-zero":
		if cfg, err := a.webConfig(); err == nil {
			return cfg, fmt.Errorf("a digit that is none is accepted")
		}
		a.ValidationKey = hex.EncodeToString(v.EffectiveValidationKey) // what .NET makes of it
	case v.Name == "leg-alg-HMACSHA256":
		a.Validation = "HMACSHA256"
	}
	return a.webConfig()
}

// webConfig reads the attributes as a site's file.
func (a attributes) webConfig() (machinekey.Config, error) {
	var b strings.Builder
	b.WriteString("<configuration><system.web><machineKey")
	for name, value := range map[string]string{"validationKey": a.ValidationKey,
		"decryptionKey": a.DecryptionKey,
		"validation":    a.Validation, "decryption": a.Decryption, "compatibilityMode": a.CompatibilityMode} {
		if value != "" {
			fmt.Fprintf(&b, " %s=%q", name, value)
		}
	}
	b.WriteString("/></system.web></configuration>")
	return machinekey.ParseWebConfig(strings.NewReader(b.String()))
}

// algorithms reads all attributes but the keys.
func (a attributes) algorithms() (machinekey.Config, error) {
	a.ValidationKey, a.DecryptionKey = "", ""
	return a.config()
}

func (v *legacyVector) protection(t *testing.T, name string) machinekey.Protection {
	t.Helper()
	p := cmp.Or(machinekey.Protection(name), machinekey.ProtectionAll)
	if !slices.Contains(everyProtection, p) {
		t.Fatalf("no protection %q", name)
	}
	return p
}

func TestLegacyVectors(t *testing.T) {
	ran := map[string]int{}
	for _, v := range legacyVectors(t, "legacy_encode.json", 220) {
		t.Run(v.Name, func(t *testing.T) {
			switch {
			case v.Op == "encode" && v.Valid && v.AppSettings.UseLegacyMachineKeyEncryption:
				ran["unsigned"]++
				v.testUnsigned(t)
			case v.Op == "encode" && v.Valid:
				ran["encode"]++
				v.testEncode(t)
			case v.Op == "encode" && v.Kind == "config":
				ran["config"]++
				if key, err := v.key(); err == nil {
					if text, err := encode(key, v.Plaintext,
						v.protection(t, v.Protection)); err == nil {
						t.Errorf("Encode = %s; .NET refuses: %s", text, v.Reason)
					}
				}
			case v.Op == "decode" && !v.Valid:
				ran["decode"]++
				v.testRefused(t)
			case v.Op == "hash" && v.Valid:
				ran["hash"]++
				key, err := v.key()
				if err != nil {
					t.Fatal(err)
				}
				got, err := legacyData{Modifier: v.Modifier}.Hash(key, v.Plaintext)
				if err != nil || !bytes.Equal(got, v.Mac) {
					t.Errorf("Hash = %x, %v\n want %x", got, err, v.Mac)
				}
			case v.Op == "encryptData" && v.Valid:
				ran["encryptData"]++
				v.testEncryptData(t)
			default:
				t.Fatalf("no test for op %q, kind %q, valid %v", v.Op, v.Kind, v.Valid)
			}
		})
	}
	want := map[string]int{"encode": 83, "unsigned": 6, "config": 16, "decode": 96, "hash": 7,
		"encryptData": 12}
	if fmt.Sprint(ran) != fmt.Sprint(want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

func (v *legacyVector) testEncode(t *testing.T) {
	prot := v.protection(t, v.Protection)
	key, err := v.key()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := encode(key, v.Plaintext, prot); err != nil || got != v.Encoded {
		t.Errorf("Encode = %s, %v\n want %s", got, err, v.Encoded)
	}
	for _, text := range []string{v.Encoded, strings.ToLower(v.Encoded)} {
		if got, err := decode(key, text, prot); err != nil || !bytes.Equal(got, v.Plaintext) {
			t.Errorf("Decode = %x, %v\n want %x", got, err, v.Plaintext)
		}
	}
	raw, err := hex.DecodeString(v.Encoded)
	if err != nil {
		t.Fatal(err)
	}
	if prot == machinekey.ProtectionAll {
		key, err := v.key() // reads Random anew
		if err != nil {
			t.Fatal(err)
		}
		p, err := wrap(ringOf(t, key).EncodeProtector(machinekey.LegacyOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Protect(nil, v.Plaintext); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("EncodeProtector.Protect = %x, %v\n want %x", got, err, raw)
		}
		if got, opener, err := p.UnprotectKey(nil, raw); err != nil || opener != key.ID() ||
			!bytes.Equal(got, v.Plaintext) {
			t.Errorf("EncodeProtector.UnprotectKey = %x, %v", got, err)
		}
	}
	// The recorded parts are the ones that the formula names.
	if prot != machinekey.ProtectionValidation &&
		!bytes.Equal(slices.Concat(v.Ciphertext, v.OuterMac), raw) {
		t.Errorf("ciphertext || outerMac is not encoded")
	}
	if len(v.InnerMac) > 0 {
		got, err := legacyData{}.Hash(key, v.Plaintext)
		if err != nil || !bytes.Equal(got, v.InnerMac) {
			t.Errorf("H(data) = %x, %v\n want %x", got, err, v.InnerMac)
		}
	}
}

// testUnsigned writes with the low level, since Encode does not write it.
func (v *legacyVector) testUnsigned(t *testing.T) {
	prot := v.protection(t, v.Protection)
	key, err := v.key()
	if err != nil {
		t.Fatal(err)
	}
	data := []byte(v.Plaintext)
	low := legacyData{Unsigned: true}
	if prot == machinekey.ProtectionAll {
		mac, err := low.Hash(key, data)
		if err != nil || !bytes.Equal(mac, v.InnerMac) {
			t.Fatalf("Hash = %x, %v", mac, err)
		}
		data = append(bytes.Clone(data), mac...)
	}
	raw, err := low.Encrypt(key, data)
	if err != nil || fmt.Sprintf("%X", raw) != v.Encoded {
		t.Errorf("Encrypt = %X, %v\n want %s", raw, err, v.Encoded)
	}
	if got, err := decodeUnsigned(key, v.Encoded, prot); err != nil ||
		!bytes.Equal(got, v.Plaintext) {
		t.Errorf("InsecureDecodeUnsigned = %x, %v\n want %x", got, err, v.Plaintext)
	}
	if got, err := decode(key, v.Encoded, prot); err != machinekey.ErrUnprotect || got != nil {
		t.Errorf("Decode of unsigned data = %x, %v", got, err)
	}
}

func (v *legacyVector) testRefused(t *testing.T) {
	key, err := v.key()
	if err != nil {
		t.Fatal(err)
	}
	prot := v.protection(t, v.Protection)
	if got, err := decode(key, v.Encoded, prot); err != machinekey.ErrUnprotect || got != nil {
		t.Errorf("Decode = %x, %v, want ErrUnprotect; .NET: %s", got, err, v.Error)
	}
	raw, err := hex.DecodeString(v.Encoded)
	if err != nil || prot != machinekey.ProtectionAll {
		return
	}
	p, err := wrap(ringOf(t, key).EncodeProtector(machinekey.LegacyOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Unprotect(nil, raw); err != machinekey.ErrUnprotect || got != nil {
		t.Errorf("EncodeProtector.Unprotect = %x, %v, want ErrUnprotect", got, err)
	}
}

func (v *legacyVector) testEncryptData(t *testing.T) {
	key, err := v.key()
	if err != nil {
		t.Fatal(err)
	}
	iv := netfx.IVRandom
	for iv.String() != v.IVType {
		if iv++; iv > netfx.IVNone {
			t.Fatalf("no IV type %q", v.IVType)
		}
	}
	low := legacyData{IVType: iv, Unsigned: !v.SignData, Modifier: v.Modifier}
	if got, err := low.Encrypt(key, v.Plaintext); err != nil || !bytes.Equal(got, v.Output) {
		t.Errorf("Encrypt = %x, %v\n want %x", got, err, v.Output)
	}
	if got, err := low.Decrypt(key, v.Output); err != nil || !bytes.Equal(got, v.Plaintext) {
		t.Errorf("Decrypt = %x, %v\n want %x", got, err, v.Plaintext)
	}
	if len(v.Prefix) > 0 { // the prefix is data to one who does not know of it
		all := legacyData{IVType: netfx.IVNone, Unsigned: true}
		body := v.Output
		if v.SignData {
			mac, err := legacyData{}.Hash(key, nil)
			if err != nil {
				t.Fatal(err)
			}
			body = body[:len(body)-len(mac)]
		}
		want := slices.Concat(v.Prefix, v.Plaintext, v.Modifier)
		if got, err := all.Decrypt(key, body); err != nil || !bytes.Equal(got, want) {
			t.Errorf("P = %x, %v\n want %x", got, err, want)
		}
	}
}

// cookieBytes decodes the text of a cookie vector: hex, or else the URL token
// form of base64.
func (v *legacyVector) cookieBytes() ([]byte, error) {
	if raw, err := hex.DecodeString(v.Cookie); err == nil {
		return raw, nil
	}
	if v.Cookie == "" {
		return nil, nil
	}
	return base64.RawURLEncoding.DecodeString(v.Cookie[:len(v.Cookie)-1])
}

// TestLegacyCookieVectors runs the envelopes of forms, role and anonymous
// cookies; the tickets in them are not this package's.
func TestLegacyCookieVectors(t *testing.T) {
	ran := map[string]int{}
	vectors := append(legacyVectors(t, "formsauth.json", 226),
		legacyVectors(t, "cookieprotection.json", 39)...)
	for _, v := range vectors {
		if !strings.HasPrefix(v.MachineKey.CompatibilityMode, "Framework20") {
			continue // Framework45 has Protector; renew and urlToken have no envelope
		}
		t.Run(v.Name, func(t *testing.T) {
			key, err := v.key()
			if err != nil {
				t.Fatal(err)
			}
			o := machinekey.LegacyOptions{
				Protection:       v.protection(t, v.Forms.Protection+v.CookieProtection),
				InsecureUnsigned: v.AppSettings.UseLegacyEncryption,
			}
			p, err := wrap(ringOf(t, key).CookieProtector(o, machinekey.FormsPurpose))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := v.cookieBytes()
			if err != nil {
				ran["no text"]++
				if v.Valid {
					t.Fatal(err)
				}
				return
			}
			plaintext := v.SerializedTicket
			if v.Payload != nil {
				plaintext = v.Payload
			}
			got, err := p.Unprotect(nil, raw)
			switch {
			case v.Valid && v.Op != "cookieDecode" && v.Op != "formsDecrypt":
				ran["write"]++
				if err != nil || !bytes.Equal(got, plaintext) {
					t.Errorf("Unprotect = %x, %v\n want %x", got, err, plaintext)
				}
				v.testProtect(t, o, plaintext, raw)
			case v.Valid:
				ran["read"]++
				if err != nil || len(got) == 0 || plaintext != nil && !bytes.Equal(got, plaintext) {
					t.Errorf("Unprotect = %x, %v\n want %x", got, err, plaintext)
				}
			case v.Op == "formsEncrypt" || raw == nil:
				ran["nothing"]++ // .NET makes no cookie, or there is none
			case v.Error == "HttpException":
				ran["refused"]++
				if err != machinekey.ErrUnprotect || got != nil {
					t.Errorf("Unprotect = %x, %v, want ErrUnprotect; %s", got, err, v.Mutation)
				}
			default:
				ran["ticket"]++ // the envelope may be good, the ticket in it is not
				if err != nil && (err != machinekey.ErrUnprotect || got != nil) {
					t.Errorf("Unprotect = %x, %v", got, err)
				}
			}
		})
	}
	want := map[string]int{"no text": 3, "nothing": 2, "read": 8, "refused": 38,
		"ticket": 17, "write": 94}
	if fmt.Sprint(ran) != fmt.Sprint(want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

// testProtect writes the cookie with the recorded random bytes, the last of
// which are the prefix. What the protector only reads, the low level writes.
func (v *legacyVector) testProtect(t *testing.T, o machinekey.LegacyOptions, plaintext, want []byte) {
	w := *v
	if v.AppSettings.UseLegacyFormsAuthenticationTicketCompatibility &&
		bytes.HasPrefix(plaintext, v.Random[:min(8, len(v.Random))]) {
		w.Random = append(make([]byte, 0, 1), v.Random[min(8, len(v.Random)):]...) // without the head of the old ticket
	}
	key, err := w.key()
	if err != nil {
		t.Fatal(err)
	}
	p, err := wrap(ringOf(t, key).CookieProtector(o, machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Protect(nil, plaintext)
	if o.Protection != machinekey.ProtectionValidation &&
		o != (machinekey.LegacyOptions{Protection: o.Protection}) ||
		o.Protection == machinekey.InsecureProtectionNone {
		var e *machinekey.ConfigError
		if got != nil || !errors.As(err, &e) || e.Code != "insecure_protection" {
			t.Errorf("Protect = %x, %v, want insecure_protection", got, err)
		}
		if o.Protection == machinekey.InsecureProtectionNone {
			return
		}
		low := legacyData{Unsigned: true}
		data := plaintext
		if o.Protection == machinekey.ProtectionAll {
			mac, err := low.Hash(key, data)
			if err != nil {
				t.Fatal(err)
			}
			data = slices.Concat(data, mac)
		}
		got, err = low.Encrypt(key, data)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Protect = %x, %v\n want %x", got, err, want)
	}
}
