package dataprotection

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// TestAuthenticAndMalformed opens what only the owner of the key can make:
// authentic bytes with bad padding or with half a block. Nothing of it is left
// behind.
func TestAuthenticAndMalformed(t *testing.T) {
	k := &key{suite: suite{keySize: 32, mac: hmacSHA256}, master: secret.New(make([]byte, 64))}
	var err error
	if k.header, err = k.suite.contextHeader(); err != nil {
		t.Fatal(err)
	}
	s := newSealer(k, encodePurposes([]string{"a"}), nil)
	// payload seals padded as it is.
	payload := func(padded string, more ...byte) []byte {
		scratch := scratches.New().(*scratch)
		body := make([]byte, modifierSize+aes.BlockSize, 200)
		body = append(body, padded...)
		keys := bytes.Clone(s.derive(scratch, body[:modifierSize]))
		block, err := aes.NewCipher(keys[:32])
		if err != nil {
			t.Fatal(err)
		}
		ciphertext := body[modifierSize+aes.BlockSize:]
		cipher.NewCBCEncrypter(block, body[modifierSize:][:aes.BlockSize]).CryptBlocks(ciphertext,
			ciphertext)
		body = append(body, more...)
		return scratch.hmac(body, hmacSHA256, keys[32:], body[modifierSize:])
	}
	dst := make([]byte, 3, 300)
	if got, ok := s.open(dst, payload("good plain text\x01")); !ok ||
		string(got[3:]) != "good plain text" {
		t.Fatalf("%q, %v", got, ok)
	}
	for name, body := range map[string][]byte{
		"padding of 0":   payload("some plain text\x00"),
		"padding of 17":  payload("some plain text\x11"),
		"padding uneven": payload("some plain tex\x03\x02"),
		"half a block":   payload("some plain text\x01", 1, 2, 3),
		"no block":       payload(""),
	} {
		clear(dst[:cap(dst)])
		got, ok := s.open(dst, body)
		if ok || len(got) != 3 || len(bytes.Trim(dst[:cap(dst)], "\x00")) > 0 {
			t.Errorf("%s: %q, %v, and %q in memory", name, got, ok, dst[:cap(dst)])
		}
	}
}
