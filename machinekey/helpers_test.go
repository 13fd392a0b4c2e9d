package machinekey_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/machinekey"
)

// generated returns a fresh key, SHA1 and AES as the farms this library meets.
func generated(tb testing.TB) *machinekey.Key {
	tb.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		tb.Fatal(err)
	}
	return keyOf(tb, cfg)
}

func keyOf(tb testing.TB, cfg machinekey.Config) *machinekey.Key {
	tb.Helper()
	key, err := machinekey.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func ringOf(tb testing.TB, primary *machinekey.Key, older ...*machinekey.Key) *machinekey.Ring {
	tb.Helper()
	ring, err := machinekey.NewRing(primary, older...)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

// purposeOf returns the purposes of MachineKey.Protect.
func purposeOf(specific ...string) []string {
	return append([]string{machinekey.UserPurpose}, specific...)
}

// protector is a machinekey.Protector as most tests want it.
type protector struct{ machinekey.Protector }

func wrap(p machinekey.Protector, err error) (protector, error) { return protector{p}, err }

func (p protector) Unprotect(dst, protected []byte) ([]byte, error) {
	dst, _, err := p.UnprotectKey(dst, protected)
	return dst, err
}

func (p protector) UnprotectKey(dst, protected []byte) (plaintext []byte, keyID string, err error) {
	return p.Protector.Unprotect(context.Background(), dst, protected)
}

// protectorOf returns the protector of cfg alone for MachineKey.Protect.
func protectorOf(tb testing.TB, cfg machinekey.Config, specific ...string) protector {
	tb.Helper()
	p, err := wrap(ringOf(tb, keyOf(tb, cfg)).Protector(purposeOf(specific...)...))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func protect(tb testing.TB, p protector, plaintext []byte) []byte {
	tb.Helper()
	protected, err := p.Protect(nil, plaintext)
	if err != nil {
		tb.Fatal(err)
	}
	return protected
}

// encode is MachineKey.Encode.
func encode(key *machinekey.Key, data []byte, prot machinekey.Protection) (string, error) {
	p, err := encoder(key, machinekey.LegacyOptions{Protection: prot})
	if err != nil {
		return "", err
	}
	protected, err := p.Protect(nil, data)
	return fmt.Sprintf("%X", protected), err
}

// decode is MachineKey.Decode.
func decode(key *machinekey.Key, text string, prot machinekey.Protection) ([]byte, error) {
	return decodeWith(key, text, machinekey.LegacyOptions{Protection: prot})
}

// decodeUnsigned is MachineKey.Decode under
// aspnet:UseLegacyMachineKeyEncryption.
func decodeUnsigned(key *machinekey.Key, text string, prot machinekey.Protection) ([]byte, error) {
	return decodeWith(key, text, machinekey.LegacyOptions{Protection: prot, InsecureUnsigned: true})
}

func decodeWith(key *machinekey.Key, text string, o machinekey.LegacyOptions) ([]byte, error) {
	p, err := encoder(key, o)
	if err != nil {
		return nil, err
	}
	protected, err := hex.DecodeString(text)
	if err != nil {
		return nil, machinekey.ErrUnprotect
	}
	return p.Unprotect(nil, protected)
}

func encoder(key *machinekey.Key, o machinekey.LegacyOptions) (protector, error) {
	ring, err := machinekey.NewRing(key)
	if err != nil {
		return protector{}, err
	}
	return wrap(ring.EncodeProtector(o))
}

// legacyData is the low level of the legacy formats, with all parameters.
type legacyData struct {
	IVType   netfx.IVType
	Unsigned bool
	Modifier []byte
}

func (d legacyData) key(k *machinekey.Key) (*netfx.Sealer, error) {
	return netfx.NewLegacy(k.Settings(), netfx.Layers{Encrypted: true,
		Signed: !d.Unsigned, IV: d.IVType})
}

func (d legacyData) Hash(k *machinekey.Key, data []byte) ([]byte, error) {
	l, err := netfx.NewLegacy(k.Settings(), netfx.Layers{})
	if err != nil {
		return nil, err
	}
	return l.Digest(data, d.Modifier), nil
}

func (d legacyData) Encrypt(k *machinekey.Key, data []byte) ([]byte, error) {
	l, err := d.key(k)
	if err != nil {
		return nil, err
	}
	return l.Seal(nil, data, d.Modifier)
}

func (d legacyData) Decrypt(k *machinekey.Key, encrypted []byte) ([]byte, error) {
	l, err := d.key(k)
	if err != nil {
		return nil, err
	}
	data, ok := l.Open(nil, encrypted, d.Modifier)
	if !ok {
		return nil, machinekey.ErrUnprotect
	}
	return data, nil
}
