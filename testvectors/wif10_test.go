package testvectors_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// wif10Vector is a token of WIF 1.0.
type wif10Vector struct {
	sessionVector
	Stages                        rsaStages
	Transforms                    string // "legacyMachineKey" or "rsa"
	RSAKey                        string // encrypts and signs
	ProtectedText                 *string
	UseLegacyMachineKeyEncryption bool
	CompatibilityMode             *string
}

// wif10Negative is an envelope whose content is mostly not good.
type wif10Negative struct {
	Name, Desc, Provenance string
	MachineKey             string
	XMLHex                 hexBytes
	Expected               *model
	Error, Message         string // empty: it is read
}

func runWIF10(t *testing.T, f *file) {
	var content struct {
		keyedFile
		RSAKeys   rsaKeys
		Vectors   []wif10Vector
		Negatives []wif10Negative
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors), len(content.Negatives))
	for name := range content.RSAKeys {
		content.RSAKeys.check(t, name)
	}
	each(t, f, content.Vectors, func(v *wif10Vector) string { return v.Name },
		func(t *testing.T, v *wif10Vector) {
			v.sessionVector.Stages = v.Stages.stages
			c := chained{session: session{f: f, keyedFile: &content.keyedFile,
				sessionVector: &v.sessionVector, format: wif.V10}}
			switch {
			case v.Transforms == "rsa":
				c.transforms = content.RSAKeys.transforms(t, v.RSAKey, v.RSAKey, "SHA256")
				if c.run(t) {
					c.rsaLayers(t, &v.Stages)
				}
			case v.Transforms != "legacyMachineKey" && v.Transforms != "":
				t.Fatalf("no test for transforms %q", v.Transforms)
			case v.UseLegacyMachineKeyEncryption:
				v.unsigned(t, &c)
			default:
				if c.run(t) {
					v.layers(t, &c, v.config(t, &c))
				}
			}
		})
	each(t, f, content.Negatives, func(v *wif10Negative) string { return v.Name },
		func(t *testing.T, v *wif10Negative) {
			v.run(t, f, &content.keyedFile)
		})
}

// config returns the machine key, whose mode matters only without a signature.
func (v *wif10Vector) config(t *testing.T, c *chained) machinekey.Config {
	t.Helper()
	if c.MachineKeys[v.MachineKey] == nil {
		t.Fatalf("no machine key %q in the file", v.MachineKey)
	}
	a := *c.MachineKeys[v.MachineKey]
	if v.CompatibilityMode != nil {
		a.CompatibilityMode = v.CompatibilityMode
	}
	cfg, err := a.config(false)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// layers takes off the layers by hand, and puts the outermost one on again
// with the recorded random bytes, which are the beginning of what it holds.
func (v *wif10Vector) layers(t *testing.T, c *chained, cfg machinekey.Config) {
	text := v.text(t, c)
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	tag := len(legacyDigest(t, cfg, nil))
	if len(raw) <= tag {
		t.Fatalf("%d protected bytes", len(raw))
	}
	random := legacyDecrypt(t, cfg, raw[:len(raw)-tag])[:cfg.DecryptionKey.Len()]
	tr, err := sessiontoken.MachineKeyEncodeTransform(ringOf(t, keyOf(t, cfg, random)))
	if err != nil {
		t.Fatal(err)
	}
	var deflated []byte
	for _, text := range []string{text, strings.ToLower(text)} {
		if deflated, _, err = tr.Unprotect(t.Context(), nil, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := tr.Protect(nil, deflated)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "protected anew", again, []byte(text))
	v.inner(t, c, deflated)
}

// text returns the protected text.
func (v *wif10Vector) text(t *testing.T, c *chained) string {
	t.Helper()
	protected := c.protected(t)
	if v.ProtectedText != nil && *v.ProtectedText != string(protected) {
		t.Errorf("protectedText differs from the cookies")
	}
	if v.Stages.ProtectedHex != nil {
		sameBytes(t, "protectedHex", protected, v.Stages.ProtectedHex)
	}
	return string(protected)
}

// inner compares the layers below the protection.
func (v *wif10Vector) inner(t *testing.T, c *chained, deflated []byte) {
	t.Helper()
	if v.Stages.DeflatedHex != nil {
		sameBytes(t, "deflatedHex", deflated, v.Stages.DeflatedHex)
	}
	payload, _, err := sessiontoken.DeflateTransform().Unprotect(t.Context(), nil, deflated)
	if err != nil {
		t.Fatal(err)
	}
	c.payload(t, payload)
}

// unsigned opens a token of a site that sets UseLegacyMachineKeyEncryption,
// with a transform of its own: there is none for it.
func (v *wif10Vector) unsigned(t *testing.T, c *chained) {
	cfg := v.config(t, c)
	key := keyOf(t, cfg, nil)
	c.transforms = []sessiontoken.Protector{sessiontoken.DeflateTransform(),
		unsignedTransform{t, cfg}}
	if !c.run(t) {
		return
	}
	raw, err := hex.DecodeString(v.text(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := encodeProtector(t, key, machinekey.LegacyOptions{}).Unprotect(t.Context(),
		nil, raw); err != machinekey.ErrUnprotect || got != nil {
		t.Errorf("unsigned data gives %x and %v, want ErrUnprotect", got, err)
	}
	deflated, _, err := encodeProtector(t, key,
		machinekey.LegacyOptions{InsecureUnsigned: true}).Unprotect(t.Context(), nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	parts := legacyParts{InnerMAC: legacyDigest(t, cfg, deflated), Ciphertext: raw}
	parts.check(t, cfg, deflated, raw)
	v.inner(t, c, deflated)
	c.f.unissued++
}

// unsignedTransform is MachineKey.Encode under UseLegacyMachineKeyEncryption.
// That it authenticates is half true: nothing is verified before it has been
// decrypted.
type unsignedTransform struct {
	t   *testing.T
	cfg machinekey.Config
}

func (u unsignedTransform) Protect(dst, data []byte) ([]byte, error) {
	inner := slices.Concat(data, legacyDigest(u.t, u.cfg, data))
	raw, err := lowLevel(u.t, u.cfg, nil, netfx.Layers{Encrypted: true}).Seal(nil, inner, nil)
	return append(dst, upperHex(raw)...), err
}

func (u unsignedTransform) Unprotect(ctx context.Context, dst, data []byte) ([]byte, string, error) {
	raw, err := hex.DecodeString(string(data))
	if err != nil {
		return dst, "", err
	}
	p := encodeProtector(u.t, keyOf(u.t, u.cfg, nil),
		machinekey.LegacyOptions{InsecureUnsigned: true})
	return p.Unprotect(ctx, dst, raw)
}

func (v *wif10Negative) run(t *testing.T, f *file, k *keyedFile) {
	if (v.Expected == nil) == (v.Error == "") {
		t.Fatal("not exactly one of expected and error")
	}
	opts := reading(nil)
	opts.WIF10 = true
	codec := newCodec(t, k.MachineKeys.ring(t, v.MachineKey), opts)
	got, err := codec.Decode(context.Background(), base64.StdEncoding.EncodeToString(v.XMLHex))
	switch {
	case v.Error != "" && err == nil:
		t.Errorf("read as %v; .NET refuses: %s %s", got, v.Error, v.Message)
	case v.Error == "System.Exception" || v.Error == "System.ArgumentException":
		if err != sessiontoken.ErrInvalid { // nothing may be told
			t.Errorf("error %v, want ErrInvalid as it is", err)
		}
	case v.Error != "":
		if !errors.Is(err, sessiontoken.ErrInvalid) &&
			!errors.Is(err, sessiontoken.ErrUnsupported) {
			t.Errorf("undocumented error %v", err)
		}
	case err != nil:
		f.refused(t, v.Name, err, declaredClass(err))
	default:
		v.Expected.compareFormat(t, f, wif.V10, got)
	}
}
