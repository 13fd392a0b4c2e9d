package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// recordedRing is a ring of the vectors.
type recordedRing struct {
	Name         string
	Elements     []string
	Certificates []struct{ CertificatePEM, PrivateKeyPEM, PFXBase64, PFXPassword string }
}

func recordedRings(t testing.TB) []recordedRing {
	t.Helper()
	var file struct{ Rings []recordedRing }
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	return file.Rings
}

// encryptedRing is one of the recorded rings that a certificate opens.
func encryptedRing(t testing.TB) recordedRing {
	t.Helper()
	for _, r := range recordedRings(t) {
		if len(r.Certificates) > 0 && len(r.Elements) > 0 {
			return r
		}
	}
	t.Fatal("no ring with certificates")
	return recordedRing{}
}

// openRing opens a ring with flags.
func openRing(t testing.TB, args ...string) (*dataprotection.Ring, error) {
	t.Helper()
	return openRingContext(t, t.Context(), args...)
}

func openRingContext(t testing.TB, ctx context.Context, args ...string) (*dataprotection.Ring, error) {
	t.Helper()
	var r ringFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	r.register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return r.open(ctx)
}

// usableKeys returns how many keys of a ring open.
func usableKeys(ring *dataprotection.Ring) (n int) {
	for _, k := range ring.Keys() {
		if k.Err == nil {
			n++
		}
	}
	return n
}

func TestRingFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	recorded := encryptedRing(t)
	if err := os.Mkdir("keys", 0o700); err != nil {
		t.Fatal(err)
	}
	for i, xml := range recorded.Elements {
		writeFile(t, filepath.Join("keys", string(rune('a'+i))+".xml"), xml)
	}
	writeFile(t, "ring.xml", "<repository>"+strings.Join(recorded.Elements, "")+"</repository>")
	certificates := []string{"--app=shop"}
	for i, c := range recorded.Certificates {
		name := string(rune('a'+i)) + ".pem"
		writeFile(t, name, c.PrivateKeyPEM+"\n"+c.CertificatePEM)
		certificates = append(certificates, "--certificate="+name)
	}
	for _, keys := range []string{"keys", "ring.xml"} {
		ring, err := openRing(t, append(certificates, "--keys="+keys)...)
		if err != nil {
			t.Fatalf("%s: %v", keys, err)
		}
		if usableKeys(ring) == 0 {
			t.Errorf("%s: no key of %v opens", keys, ring.Keys())
		}
		if ring, err = openRing(t, "--keys="+keys); err != nil || usableKeys(ring) != 0 {
			t.Errorf("%s: %v keys without the certificate, %v", keys, usableKeys(ring), err)
		}
	}
	if ring, err := openRing(t); ring != nil || err != nil {
		t.Errorf("%v, %v without flags", ring, err)
	}
}

// TestPFX opens the recorded files, 3DES with SHA-1, and the first certificate in AES-256 with
// PBKDF2 and SHA-256, as OpenSSL 3 and .NET's ExportPkcs12 write it and .NET 10 opens it. All of
// these keys are public.
func TestPFX(t *testing.T) {
	type file struct{ name, pfx, password, certificate, key string }
	var files []file
	for _, r := range recordedRings(t) {
		for _, c := range r.Certificates {
			pfx, err := base64.StdEncoding.DecodeString(c.PFXBase64)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file{r.Name, string(pfx), c.PFXPassword, c.CertificatePEM,
				c.PrivateKeyPEM})
		}
	}
	modern, err := os.ReadFile("testdata/burnt-aes256.pfx")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, file{"AES-256", string(modern), "modern",
		files[0].certificate, files[0].key})
	t.Chdir(t.TempDir())
	writeFile(t, "ring.xml", "<repository>"+strings.Join(encryptedRing(t).Elements, "")+
		"</repository>")
	for _, f := range files {
		want, err := tls.X509KeyPair([]byte(f.certificate), []byte(f.key))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, "a.pfx", f.pfx)
		got, err := readCertificate("a.pfx", f.password)
		if err != nil || !bytes.Equal(got.Certificate[0], want.Certificate[0]) ||
			!want.PrivateKey.(*rsa.PrivateKey).Equal(got.PrivateKey) {
			t.Errorf("%s: %v", f.name, err)
		}
		usable := 0
		if f.certificate == files[0].certificate {
			usable = 1
		}
		t.Setenv(certificatePassword, f.password)
		ring, err := openRing(t, "--keys=ring.xml", "--certificate=a.pfx")
		if err != nil || usableKeys(ring) != usable {
			t.Errorf("%s: %v, %v", f.name, ring, err)
		}
		t.Setenv(certificatePassword, "another")
		writeFile(t, "password", f.password+"\r\n")
		ring, err = openRing(t, "--keys=ring.xml", "--certificate=a.pfx",
			"--password-file=password")
		if err != nil || usableKeys(ring) != usable {
			t.Errorf("%s: %v, %v", f.name, ring, err)
		}
	}
}

func TestRingFlagsRefuse(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "ring.xml", "<repository/>")
	writeFile(t, "broken.xml", "<repository")
	certificate := encryptedRing(t).Certificates[0]
	pfx, err := base64.StdEncoding.DecodeString(certificate.PFXBase64)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "cut.pem", certificate.CertificatePEM)
	writeFile(t, "key.pem", certificate.PrivateKeyPEM)
	writeFile(t, "closed.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
	writeFile(t, "empty.txt", "\n")
	writeFile(t, "good.pfx", string(pfx))
	writeFile(t, "cut.pfx", string(pfx[:len(pfx)/2]))
	t.Setenv(certificatePassword, "secret")
	t.Setenv(keysPassword, "secret")
	for _, tt := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"--app=shop"}, true, "-app and -certificate go with -keys"},
		{[]string{"--certificate=a.pem"}, true, "-app and -certificate go with -keys"},
		{[]string{"--keys=none"}, false, "webfarm: -keys none: no such file"},
		{[]string{"--keys=broken.xml"}, false, "webfarm: -keys: dataprotection: broken.xml: "},
		{[]string{"--keys=ring.xml", "--certificate=none.pem"}, false,
			"webfarm: -certificate none.pem: no such file"},
		{[]string{"--keys=ring.xml", "--certificate=cut.pem"}, false,
			"webfarm: -certificate cut.pem: the file has no private key; append it"},
		{[]string{"--keys=ring.xml", "--certificate=key.pem"}, false,
			"webfarm: -certificate key.pem: the file has a private key and no certificate; append it"},
		{[]string{"--keys=ring.xml", "--certificate=closed.pem"}, false,
			"webfarm: -certificate closed.pem: the private key has a password"},
		{[]string{"--keys=ring.xml", "--certificate=good.pfx", "--password-file=empty.txt"}, false,
			"the file needs its password: -password-file or WEBFARM_CERTIFICATE_PASSWORD"},
		{[]string{"--keys=ring.xml", "--certificate=ring.xml"}, false,
			"webfarm: -certificate ring.xml: neither PEM nor a PFX"},
		{[]string{"--keys=ring.xml", "--certificate=cut.pfx"}, false,
			"webfarm: -certificate cut.pfx: neither PEM nor a PFX"},
		{[]string{"--keys=ring.xml", "--certificate=good.pfx"}, false,
			"webfarm: -certificate good.pfx: the password is wrong: -password-file or WEBFARM_CERTIFICATE_PASSWORD"},
		{[]string{"--keys=ring.xml", "--password-file=none"}, false, "webfarm: -password-file: open none"},
		{[]string{"--password-file=none"}, true, "go with -keys"},
		{[]string{"--keys=mysql://root:secret@db/farm"}, true,
			"webfarm: -keys mysql:…: a folder, a file, or a URL that begins with redis://"},
		{[]string{"--keys=redis://:secret/1@db"}, false,
			"webfarm: -keys redis: not a URL; write special letters of the password as %2F"},
		{[]string{"--keys=redis://:secret@db/x"}, false,
			"webfarm: -keys redis: redis: invalid database number"},
		{[]string{"--keys=redis://:secret@db?x=y"}, false, "webfarm: -keys redis: redis: unexpected option"},
		{[]string{"--keys=postgres://u:secret@db/farm?sslmode=x"}, false, "webfarm: -keys postgres: "},
		{[]string{"--keys=postgres://u@db/farm?connect_timeout=x"}, false, "webfarm: -keys postgres: "},
		{[]string{"--keys=sqlserver://u:secret@db?encrypt=x"}, false, "webfarm: -keys sqlserver: "},
		{[]string{"--keys=sqlserver://u@db?dial+timeout=x"}, false, "webfarm: -keys sqlserver: "},
		{[]string{"--keys=postgres://u:secret@db/farm#a;b"}, false, `"a;b" is no name for a table`},
		{[]string{"--keys=sqlite:none.db"}, false, "none.db: no such file"},
		{[]string{"--keys=sqlite:ring.xml"}, false,
			"webfarm: -keys: dataprotection: reading the key ring: sqlstore: read the key ring: "},
	} {
		ring, err := openRing(t, tt.args...)
		var usage usageError
		if ring != nil || err == nil || !strings.HasPrefix(err.Error(), "webfarm: ") ||
			!strings.Contains(err.Error(), tt.want) || errors.As(err, &usage) != tt.usage ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v, %v", tt.args, ring, err)
		}
	}
}
