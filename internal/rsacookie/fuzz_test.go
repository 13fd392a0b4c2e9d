package rsacookie

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
)

func FuzzVerify(f *testing.F) {
	file := readFile(f)
	keys := []*Key{file.key(f, "rsa2048"), file.key(f, "sign2048")}
	s, err := NewSignature(SHA256, keys...)
	if err != nil {
		f.Fatal(err)
	}
	known := [][]byte{}
	for _, v := range file.Vectors {
		f.Add(testkit.Unhex(f, v.Stages.RSASignedHex))
		known = append(known, testkit.Unhex(f, v.Stages.RSAEncryptedHex))
	}
	for _, v := range file.Negatives {
		f.Add(testkit.Unhex(f, v.RSASignedHex))
	}
	f.Fuzz(func(t *testing.T, signed []byte) {
		data, err := s.Verify(signed)
		if err != nil {
			if err != ErrSignature || data != nil {
				t.Fatal(err)
			}
			return
		}
		for _, k := range known {
			if bytes.Equal(k, data) {
				return
			}
		}
		for _, v := range file.Negatives {
			if v.Error == nil && bytes.HasSuffix(testkit.Unhex(t, v.RSASignedHex), data) {
				return
			}
		}
		t.Fatalf("forged %x", data)
	})
}

func FuzzDecrypt(f *testing.F) {
	file := readFile(f)
	e, err := NewEncryption(SHA256, file.key(f, "rsa2048"), file.key(f, "rsa1024"))
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range file.Vectors {
		f.Add(testkit.Unhex(f, v.Stages.RSAEncryptedHex))
	}
	f.Fuzz(func(t *testing.T, encrypted []byte) {
		data, err := e.Decrypt(nil, encrypted)
		if err != nil {
			if err != ErrDecrypt || data != nil {
				t.Fatal(err)
			}
			return
		}
		// The lengths leave no room for anything else.
		if pad := len(encrypted) - len(data); pad < 32+8+128+1 || pad > 32+8+256+16 {
			t.Fatalf("%d bytes from %d", len(data), len(encrypted))
		}
	})
}

func FuzzParseKey(f *testing.F) {
	n := 0
	for _, k := range readFile(f).RSAKeys {
		f.Add([]byte(k.PEM))
		n++
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := ParseKey(data); (k == nil) == (err == nil) {
			t.Fatal("neither key nor error, or both")
		}
	})
}
