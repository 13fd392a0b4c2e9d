package main

import (
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
	var r ringFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	r.register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return r.open(t.Context())
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

func TestRingFlagsRefuse(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "ring.xml", "<repository/>")
	writeFile(t, "broken.xml", "<repository")
	writeFile(t, "cut.pem", encryptedRing(t).Certificates[0].CertificatePEM)
	for _, tt := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"--app=shop"}, true, "-app and -certificate go with -keys"},
		{[]string{"--certificate=a.pem"}, true, "-app and -certificate go with -keys"},
		{[]string{"--keys=none"}, false, "webfarm: -keys none: no such file"},
		{[]string{"--keys=broken.xml"}, false, "webfarm: -keys: dataprotection: broken.xml: "},
		{[]string{"--keys=ring.xml", "--certificate=none.pem"}, false, "webfarm: -certificate none.pem: no such file"},
		{[]string{"--keys=ring.xml", "--certificate=cut.pem"}, false, "webfarm: -certificate cut.pem: tls: "},
		{[]string{"--keys=ring.xml", "--certificate=ring.xml"}, false, "webfarm: -certificate ring.xml: tls: "},
	} {
		ring, err := openRing(t, tt.args...)
		var usage usageError
		if ring != nil || err == nil || !strings.HasPrefix(err.Error(), "webfarm: ") ||
			!strings.Contains(err.Error(), tt.want) || errors.As(err, &usage) != tt.usage {
			t.Errorf("%v: %v, %v", tt.args, ring, err)
		}
	}
}
