package sessiontoken

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// wif10Vector is a vector of sessiontoken_wif10.json.
type wif10Vector struct {
	vectorJSON
	Transforms, RSAKey, ProtectedText, CompatibilityMode string
	UseLegacyMachineKeyEncryption                        bool
	Stages                                               struct {
		NBFXHex, DeflatedHex, ProtectedHex, RSAEncryptedHex, RSASignedHex string
	}
}

type wif10File struct {
	MachineKeys        map[string]keyJSON
	RSAKeys            map[string]struct{ PEM string }
	Vectors, Negatives []wif10Vector
}

func readWIF10(t testing.TB) *wif10File {
	t.Helper()
	f := testkit.Parsed[wif10File](t, "sessiontoken_wif10.json")
	if len(f.Vectors) != 31 || len(f.Negatives) != 14 {
		t.Fatalf("%d vectors, %d negatives", len(f.Vectors), len(f.Negatives))
	}
	return f
}

func (f *wif10File) vector(t testing.TB, name string) *wif10Vector {
	t.Helper()
	for i := range f.Vectors {
		if f.Vectors[i].Name == name {
			return &f.Vectors[i]
		}
	}
	t.Fatalf("no vector %q", name)
	return nil
}

func (f *wif10File) ring(t testing.TB, key string) *machinekey.Ring {
	return (&fileJSON{MachineKeys: f.MachineKeys}).ring(t, key)
}

// transforms returns the chain of a vector, nil for the default.
func (f *wif10File) transforms(t testing.TB, v *wif10Vector) []Protector {
	t.Helper()
	switch {
	case v.Transforms == "rsa":
		return certificateChain(t,
			CertificateOptions{Certificates: []tls.Certificate{parseCertificate(t,
				f.RSAKeys[v.RSAKey].PEM)}})
	case v.UseLegacyMachineKeyEncryption:
		mode := machinekey.Framework20SP2
		if v.CompatibilityMode == "Framework20SP1" {
			mode = machinekey.Framework20SP1
		}
		k := f.MachineKeys[v.MachineKey]
		key, err := machinekey.New(machinekey.Config{ValidationKey: machinekey.NewSecret(testkit.Unhex(t, k.ValidationKey)), DecryptionKey: machinekey.NewSecret(testkit.Unhex(t, k.DecryptionKey)),
			Validation: machinekey.HMACSHA1, Decryption: machinekey.AES, Mode: mode,
			AllowKnownKey: true, AllowWeakKey: true})
		if err != nil {
			t.Fatal(err)
		}
		return []Protector{DeflateTransform(), unsignedTransform{key}}
	}
	return nil
}

// unsignedTransform reads what sites with aspnet:UseLegacyMachineKeyEncryption
// write. It is an example of a transform of one's own, and of one that should
// not see requests.
type unsignedTransform struct{ key *machinekey.Key }

func (unsignedTransform) Protect(dst, data []byte) ([]byte, error) {
	return nil, errors.New("not issued")
}

func (t unsignedTransform) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	raw, err := hex.DecodeString(string(data))
	if err != nil {
		return dst, "", err
	}
	ring, err := machinekey.NewRing(t.key)
	if err != nil {
		return dst, "", err
	}
	p, err := ring.EncodeProtector(machinekey.LegacyOptions{InsecureUnsigned: true})
	if err != nil {
		return dst, "", err
	}
	dst, _, err = p.Unprotect(ctx, dst, raw)
	return dst, "", err // no ring has a key of this form
}

func (f *wif10File) codec(t testing.TB, v *wif10Vector, o SessionOptions) *SessionCodec {
	t.Helper()
	o.WIF10, o.Now, o.Transforms = true, vectorNow, f.transforms(t, v)
	var ring *machinekey.Ring
	if v.MachineKey != "" {
		ring = f.ring(t, v.MachineKey)
	}
	c, err := NewSessionCodec(ring, &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWIF10Decode(t *testing.T) {
	f := readWIF10(t)
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			o := SessionOptions{Endpoint: "/"}
			if v.Input.IsReferenceMode {
				o.Store = mapStore{}
			}
			c := f.codec(t, v, o)
			if v.Input.IsReferenceMode { // the cookie has the ids only; Encode fills the store
				text, err := c.Encode(ctx, v.Input.token(t))
				if err != nil || text != v.text() {
					t.Fatalf("%v, got %s", err, text)
				}
			}
			want := v.Expected.token(t)
			got, err := c.Decode(ctx, v.text())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, ignoreKey); diff != "" {
				t.Fatalf("differs from the recorded token (-want +got):\n%s", diff)
			}
			if (got.OpenedBy() != "") != (v.Transforms != "rsa" &&
				!v.UseLegacyMachineKeyEncryption) {
				t.Errorf("opened by %v", got.OpenedBy())
			}
			if a := anatomy.Of(ctx, c.Decode, v.text()); a.Err != nil || a.Content == nil {
				t.Errorf("Inspect: %v", a.Err)
			}
		})
	}
}

func TestWIF10Encode(t *testing.T) {
	f := readWIF10(t)
	for i := range f.Vectors {
		v := &f.Vectors[i]
		t.Run(v.Name, func(t *testing.T) {
			tok := v.Input.token(t)
			doc, err := marshal(wif.V10, tok)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(doc); got != v.Stages.NBFXHex {
				t.Fatalf("got  %s\nwant %s", got, v.Stages.NBFXHex)
			}
			if v.Input.IsReferenceMode {
				return // see TestWIF10Decode
			}
			protected := testkit.Unhex(t, v.Stages.ProtectedHex+v.Stages.RSASignedHex)
			if got := envelopeText(tok, protected); got != v.text() {
				t.Errorf("envelope: got %s", got)
			}
			c := f.codec(t, v, SessionOptions{})
			if v.UseLegacyMachineKeyEncryption {
				if _, err := c.Encode(ctx, tok); err == nil {
					t.Error("issued without a signature")
				}
				return
			}
			text, err := c.Encode(ctx, tok)
			if err != nil {
				t.Fatal(err)
			}
			back, err := c.Decode(ctx, text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v.Expected.token(t), back, ignoreKey); diff != "" {
				t.Fatalf("differs from the recorded token (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMachineKeyTextVectors encodes with the random bytes of the vectors,
// which come first in what is encrypted.
func TestMachineKeyTextVectors(t *testing.T) {
	f := readWIF10(t)
	n := 0
	for i := range f.Vectors {
		v := &f.Vectors[i]
		if v.ProtectedText == "" || v.UseLegacyMachineKeyEncryption {
			continue
		}
		n++
		k := f.MachineKeys[v.MachineKey]
		key := testkit.Unhex(t, k.DecryptionKey)
		newBlock := aes.NewCipher
		if k.Decryption == "3DES" {
			newBlock = des.NewTripleDESCipher
		}
		block, err := newBlock(key)
		if err != nil {
			t.Fatal(err)
		}
		random := testkit.Unhex(t, v.ProtectedText[:64]) // 32 bytes: enough, and whole blocks
		cipher.NewCBCDecrypter(block, make([]byte, block.BlockSize())).CryptBlocks(random, random)

		cfg := (&fileJSON{MachineKeys: f.MachineKeys}).config(t, v.MachineKey)
		cfg.Rand = bytes.NewReader(random[:len(key)])
		mk, err := machinekey.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		encode, err := MachineKeyEncodeTransform(ringOf(t, mk))
		if err != nil {
			t.Fatal(err)
		}
		text, err := encode.Protect([]byte("x"), testkit.Unhex(t, v.Stages.DeflatedHex))
		if err != nil || string(text) != "x"+v.ProtectedText {
			t.Errorf("%s: %v, got %.100s", v.Name, err, text)
		}
		for _, text := range []string{v.ProtectedText, strings.ToLower(v.ProtectedText)} {
			if got, _, err := encode.Unprotect(ctx, []byte("x"), []byte(text)); err != nil ||
				string(got) != "x"+string(testkit.Unhex(t, v.Stages.DeflatedHex)) {
				t.Errorf("%s: Unprotect: %v", v.Name, err)
			}
		}
	}
	if n != 27 {
		t.Errorf("%d vectors", n)
	}
}

func TestWIF10Negative(t *testing.T) {
	f := readWIF10(t)
	for i := range f.Negatives {
		v := &f.Negatives[i]
		t.Run(v.Name, func(t *testing.T) {
			c := f.codec(t, v, SessionOptions{})
			got, err := c.Decode(ctx, base64.StdEncoding.EncodeToString(testkit.Unhex(t, v.XMLHex)))
			if (err != nil) != (v.Error != "") {
				t.Fatalf("error %v; recorded %q", err, v.Error)
			}
			if v.Error == "" {
				if diff := cmp.Diff(v.Expected.token(t), got, ignoreKey); diff != "" {
					t.Fatalf("differs from the recorded token (-want +got):\n%s", diff)
				}
				return
			}
			switch v.Name {
			case "net45-payload", "net45-dictionary":
				if !errors.Is(err, wif.ErrV45) ||
					!strings.Contains(err.Error(), "leave SessionOptions.WIF10 out") {
					t.Error(err)
				}
			case "id-mismatch", "context-mismatch":
			default:
				if err != ErrInvalid {
					t.Error(err)
				}
			}
		})
	}
}

// TestOtherFormat gives each format the tokens of the other, in the order in
// which the layers notice.
func TestOtherFormat(t *testing.T) {
	ring := testRing(t)
	tok, c45 := newFormatToken(t, ring, wif.V45)
	_, c10 := newFormatToken(t, ring, wif.V10)
	doc45, err := marshal(wif.V45, tok)
	if err != nil {
		t.Fatal(err)
	}
	doc10, err := marshal(wif.V10, tok)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(c *SessionCodec, payload []byte) string {
		protected, err := c.chain.encode(new([2][]byte), payload)
		if err != nil {
			t.Fatal(err)
		}
		return envelopeText(tok, protected)
	}
	for _, tc := range []struct {
		name    string
		codec   *SessionCodec
		payload []byte
		want    error
		text    string
	}{
		{"4.5", c45, wif.AppendPayload(nil, doc45, wif.V45), nil, ""},
		{"1.0", c10, doc10, nil, ""},
		{"4.5 as 1.0", c10, wif.AppendPayload(nil, doc45, wif.V45), wif.ErrV45, "WIF 4.5"},
		{"1.0 as 4.5", c45, doc10, wif.ErrV10, "WIF10"},
		{"4.5 document as 1.0", c10, doc45, wif.ErrV45, "WIF 4.5"},
		{"1.0 document in NRBF", c45, wif.AppendPayload(nil, doc10, wif.V45), wif.ErrV10, "WIF10"},
		{"CoreWCF, binary", c45, []byte("\x40\x0DSecurityToken\x08\x04some\x01"), wif.ErrCoreWCF, "CoreWCF"},
		{"CoreWCF, binary, as 1.0", c10, []byte("\x40\x0DSecurityToken\x08\x04some\x01"),
			wif.ErrCoreWCF, "CoreWCF"},
		{"CoreWCF, text", c45, []byte("<SecurityToken/>"), wif.ErrCoreWCF, "CoreWCF"},
		{"CoreWCF, text with mark", c10, []byte("\xEF\xBB\xBF<SecurityToken/>"), wif.ErrCoreWCF, "CoreWCF"},
		{"CoreWCF, NRBF", c45, bytes.Replace(wif.AppendPayload(nil, doc45, wif.V45),
			[]byte("System.IdentityModel, "), []byte("CoreWCF.Primitives1, "), 1),
			wif.ErrCoreWCF, "CoreWCF"},
	} {
		got, err := tc.codec.Decode(ctx, seal(tc.codec, tc.payload))
		if !errors.Is(err, tc.want) || (got == nil) != (tc.want != nil) ||
			tc.want != nil && (!errors.Is(err, ErrUnsupported) ||
				!strings.Contains(err.Error(), tc.text)) {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
}

// newFormatToken returns a token and a codec for it.
func newFormatToken(t testing.TB, ring *machinekey.Ring, f wif.Version) (*Token, *SessionCodec) {
	t.Helper()
	c, err := NewSessionCodec(ring, &SessionOptions{WIF10: f == wif.V10})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	return tok, c
}

// TestWIF10Differences reads and writes what only WIF 1.0 has.
func TestWIF10Differences(t *testing.T) {
	tok, c := newFormatToken(t, testRing(t), wif.V10)
	tok.Principal.Identities[0].Claims[0].Properties = Properties{{"a", ""}, {"b", "2"}, {"", ""}}
	text, err := c.Encode(ctx, tok)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tok.Principal.Identities[0].Claims[0].Properties,
		got.Principal.Identities[0].Claims[0].Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	tok.Principal.Identities[0].Claims[0].Properties = Properties{{"a", ""}, {"a", ""}}
	if _, err := c.Encode(ctx, tok); err == nil {
		t.Error("a property twice")
	}
	// An identity without name and role types: 1.0 leaves them empty.
	doc := hostileDocumentOf(t, wif.V10, func(w *nbfx.Writer) {
		w.StartDict(names(wif.V10).ID("Identity"))
		w.End()
	})
	tok, err = unmarshal(wif.V10, doc)
	if err != nil {
		t.Fatal(err)
	}
	if i := tok.Principal.Identities[0]; i.NameClaimType != "" || i.RoleClaimType != "" {
		t.Errorf("%+v", i)
	}
}
