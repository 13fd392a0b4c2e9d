package dataprotection_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// wrapped returns the nth key encrypted for a service.
func wrapped(n int, decryptor, inside string) string {
	from := "<masterKey><value>" + master + "</value></masterKey>"
	return strings.Replace(plainKey(n), from, `<encryptedSecret decryptorType="`+decryptor+
		`" xmlns="http://schemas.asp.net/2015/03/dataProtection">`+inside+`</encryptedSecret>`, 1)
}

const (
	vault     = "Contoso.VaultXmlDecryptor, Contoso, Version=1.0"
	vaultKey  = `<encryptedKey xmlns=""><kid>k1</kid></encryptedKey>`
	plainPart = "<masterKey><value>" + master + "</value></masterKey>"
)

// TestDecryptOption has a service that is away, and asks it no more than
// needed.
func TestDecryptOption(t *testing.T) {
	calls := 0
	var fail error
	o := &dataprotection.RingOptions{Interval: -1,
		Decrypt: func(_ context.Context, decryptor string, element []byte) ([]byte, error) {
			calls++
			if decryptor != vault ||
				string(element) != "<encryptedKey><kid>k1</kid></encryptedKey>" {
				t.Errorf("asked for %q, %s", decryptor, element)
			}
			return []byte(plainPart), fail
		}}
	fail = fmt.Errorf("%w: vault is away", dataprotection.ErrUnavailable)
	ring := open(t, o, plainKey(2), wrapped(1, vault, vaultKey))
	p := protector(t, ring, "a")
	unknown := sealed(t, 1)
	ringError(t, ring.Keys()[1].Err, "key-1.xml", keyID(1), "vault is away")
	if got, _, err := p.Unprotect(t.Context(), []byte("dst"), unknown); !errors.Is(err,
		dataprotection.ErrUnavailable) || string(got) != "dst" {
		t.Errorf("Unprotect = %q, %v", got, err)
	}
	fail = errors.New("no permission")
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Unprotect(t.Context(), nil, unknown); err != dataprotection.ErrUnprotect {
		t.Errorf("Unprotect: %v", err)
	}
	fail = nil
	for range 3 {
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _, err := p.Unprotect(t.Context(), nil, unknown); err != nil ||
			string(got) != "data" {
			t.Errorf("Unprotect = %q, %v", got, err)
		}
	}
	if calls != 3 {
		t.Errorf("the service was asked %d times, want 3", calls)
	}
}

// TestNoKey has the error of a ring without a key that protects say why there is none.
func TestNoKey(t *testing.T) {
	const dpapi = "Microsoft.AspNetCore.DataProtection.XmlEncryption.DpapiXmlDecryptor, X"
	for _, tt := range []struct {
		name, text string
		elements   []string
	}{
		{"empty", "; let a .NET node or Ring.Keep make one", nil},
		{"closed", ": key " + keyID(1) + " cannot be used here: encrypted by Windows DPAPI ",
			[]string{wrapped(1, dpapi, vaultKey)}},
	} {
		_, err := protector(t, open(t, nil, tt.elements...), "a").Protect(nil, nil)
		if !errors.Is(err, dataprotection.ErrNoKey) ||
			!strings.HasPrefix(err.Error(), dataprotection.ErrNoKey.Error()+tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	const here = "Microsoft.AspNetCore.DataProtection.XmlEncryption."
	secret := func(inside string) string {
		return `<encryptedSecret decryptorType="` + vault +
			`" xmlns="http://schemas.asp.net/2015/03/dataProtection">` + inside +
			`</encryptedSecret>`
	}
	answer := func(text string) func(context.Context, string, []byte) ([]byte, error) {
		return func(context.Context, string, []byte) ([]byte, error) { return []byte(text), nil }
	}
	for _, tt := range []struct {
		name, element string
		decrypt       func(context.Context, string, []byte) ([]byte, error)
		words         []string
	}{
		{"DPAPI", wrapped(1, here+"DpapiXmlDecryptor, X", vaultKey), nil,
			[]string{"DPAPI", "DpapiXmlDecryptor", "ProtectKeysWithCertificate"}},
		{"DPAPI-NG", wrapped(1, here+"DpapiNGXmlDecryptor, X", vaultKey), nil,
			[]string{"DPAPI", "DpapiNGXmlDecryptor", "ProtectKeysWithCertificate"}},
		{"service", wrapped(1, vault, vaultKey), nil,
			[]string{"Contoso.VaultXmlDecryptor", "RingOptions.Decrypt",
				"ProtectKeysWithCertificate"}},
		{"Key Vault", wrapped(1, azureDecryptor+", X", vaultKey), nil,
			[]string{"AzureKeyVaultXmlDecryptor", "RingOptions.Decrypt"}},
		{"answer is no XML", wrapped(1, vault, vaultKey), answer("masterKey"),
			[]string{"RingOptions.Decrypt", "not well-formed"}},
		{"answer is another element", wrapped(1, vault, vaultKey), answer("<other/>"),
			[]string{"not exactly one masterKey"}},
		{"answer without end", wrapped(1, vault, vaultKey), answer(secret(vaultKey)),
			[]string{"more than 4 encrypted parts"}},
		{"nothing inside", wrapped(1, vault, ""), answer(plainPart), []string{"without exactly one element"}},
		{"null without a key", wrapped(1, here+"NullXmlDecryptor", "<unencryptedKey/>"), nil,
			[]string{"without exactly one element"}},
		{"certificate", wrapped(1, here+"EncryptedXmlDecryptor", "<a/>"), nil, []string{"no EncryptedData"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ring := open(t, &dataprotection.RingOptions{Decrypt: tt.decrypt},
				tt.element, plainKey(2))
			keys := ring.Keys()
			ringError(t, keys[0].Err, append(tt.words, "key-0.xml", keyID(1))...)
			if keys[1].Err != nil {
				t.Error(keys[1].Err)
			}
		})
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []tls.Certificate{{}, {Certificate: [][]byte{{1}}, PrivateKey: private}} {
		if _, err := openErr(&dataprotection.RingOptions{Certificates: []tls.Certificate{c}}); err == nil || !strings.Contains(err.Error(), "Certificates[0]") {
			t.Errorf("a certificate without a key that decrypts: %v", err)
		}
	}
}
