package testvectors_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/testvectors"
)

const coreRingFile = "dataprotection_keyring.json"

// coreRing is a key ring and what .NET's key manager makes of it.
type coreRing struct {
	Name, Note   string
	Elements     []string
	Certificates []coreCertificate
	Keys         []coreKey
	Resolve      []struct {
		Now               time.Time
		Default, Fallback string
		Generate          bool
	}
	LoadError string

	opened map[string]*dataprotection.Ring // by application name
	random struct{ io.Reader }             // for what they protect next
}

type coreCertificate struct {
	Subject, Thumbprint           string
	CertificatePEM, PrivateKeyPEM string
	PFXPassword, PFXBase64        string
}

type coreKey struct {
	ID                               string
	Creation, Activation, Expiration time.Time
	Revoked, Usable                  bool
	Encryption, Validation           string
	KeyLength                        int
	MasterKey                        string // base64
	Why                              string
}

func (k *coreKey) master(t *testing.T) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(k.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type coreRings struct {
	header
	About string
	Rings []coreRing
}

// ringsByName are the rings that other files name: those of a folder of one's
// own first.
var ringsByName struct {
	once  sync.Once
	rings map[string]*coreRing
	err   error
}

func coreRingOf(t *testing.T, name string) *coreRing {
	t.Helper()
	r := &ringsByName
	r.once.Do(func() { r.rings, r.err = loadRings() })
	if r.err != nil {
		t.Fatal(r.err)
	}
	if r.rings[name] == nil {
		t.Fatalf("no ring %q", name)
	}
	return r.rings[name]
}

func loadRings() (map[string]*coreRing, error) {
	recorded, err := testvectors.Read(coreRingFile)
	if err != nil {
		return nil, err
	}
	all := [][]byte{recorded}
	if dir := os.Getenv(folderVariable); dir != "" {
		contents, err := readFolder(dir)
		if err != nil {
			return nil, err
		}
		if own := contents[coreRingFile]; own != nil {
			all = append(all, own)
		}
	}
	byName := map[string]*coreRing{}
	for _, data := range all {
		var content coreRings
		if err := decode(data, &content); err != nil {
			return nil, fmt.Errorf("%s: %w", coreRingFile, err)
		}
		for i := range content.Rings {
			byName[content.Rings[i].Name] = &content.Rings[i]
		}
	}
	return byName, nil
}

// elements is a repository in memory.
type elements []string

func (e elements) Elements(_ context.Context, each func(string, []byte) error) error {
	for i, xml := range e {
		if err := each(fmt.Sprintf("element %d", i), []byte(xml)); err != nil {
			return err
		}
	}
	return nil
}

func (elements) Store(context.Context, string, []byte) error { return errors.ErrUnsupported }

// open opens the ring at suiteNow.
func (v *coreRing) open(t *testing.T, o dataprotection.RingOptions) (*dataprotection.Ring, error) {
	t.Helper()
	for _, c := range v.Certificates {
		pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
		if err != nil {
			t.Fatal(err)
		}
		o.Certificates = append(o.Certificates, pair)
	}
	o.Now = func() time.Time { return suiteNow }
	return dataprotection.Open(context.Background(), elements(v.Elements), &o)
}

// suiteNow is the time of the files that name rings: what was recorded at
// another time does not depend on it.
var suiteNow = time.Date(2026, 11, 21, 8, 35, 41, 0, time.UTC)

// widerThanDotNet are the rings of which Go opens more than .NET on Linux,
// where they were recorded.
var widerThanDotNet = map[string]string{
	"cng-cbc-aes256-sha256": "an algorithm by Windows CNG, whose bytes are those of the managed one",
	"cng-gcm-aes128":        "an algorithm by Windows CNG",
}

func runCoreRing(t *testing.T, f *file) {
	var content coreRings
	f.read(t, &content)
	content.check(t, f, len(content.Rings))
	wider := 0
	each(t, f, content.Rings, func(v *coreRing) string { return v.Name },
		func(t *testing.T, v *coreRing) {
			for _, c := range v.Certificates {
				c.check(t)
			}
			ring, err := v.open(t, dataprotection.RingOptions{})
			if v.LoadError != "" {
				var at *dataprotection.RingError
				if !errors.As(err, &at) || at.File == "" || at.Element == "" {
					t.Errorf("error %v, want a RingError that names file and element", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !v.checkKeys(t, f, ring, &wider) {
				return
			}
			for _, row := range v.Resolve {
				id, fallback := ring.Resolve(row.Now)
				generate := id == "" || fallback // what .NET does without a default
				want := row.Default
				if want == "" {
					want = row.Fallback
				}
				if id != want || fallback != (row.Default == "" && row.Fallback != "") ||
					generate != row.Generate {
					t.Errorf("at %v: key %q, fallback %v, generate %v; want %+v", row.Now, id,
						fallback, generate, row)
				}
			}
		})
	if !f.own && wider != len(widerThanDotNet) && !t.Failed() && !selected() {
		t.Errorf("%d rings are read further than .NET does, want %d", wider, len(widerThanDotNet))
	}
	say("wider than .NET, as declared: %d", wider)
}

// check wants subject and thumbprint to be the certificate's.
func (c *coreCertificate) check(t *testing.T) {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != "" && pair.Leaf.Subject.String() != c.Subject {
		t.Errorf("subject %s, want %s", pair.Leaf.Subject, c.Subject)
	}
	if got := fmt.Sprintf("%X", sha1.Sum(pair.Certificate[0])); c.Thumbprint != "" &&
		got != c.Thumbprint {
		t.Errorf("thumbprint %s, want %s", got, c.Thumbprint)
	}
}

// checkKeys compares the keys and reports whether they protect as in .NET.
func (v *coreRing) checkKeys(t *testing.T, f *file, ring *dataprotection.Ring, wider *int) (same bool) {
	if v.Keys == nil && f.own {
		return true
	}
	got := ring.Keys()
	got = slices.DeleteFunc(got, func(k dataprotection.Key) bool { return k.Created.IsZero() }) // no keys for .NET either
	if len(got) != len(v.Keys) {
		t.Fatalf("%d keys, want %d", len(got), len(v.Keys))
	}
	same = true
	for _, want := range v.Keys {
		i := slices.IndexFunc(got, func(k dataprotection.Key) bool { return k.ID == want.ID })
		if i < 0 {
			t.Fatalf("no key %s", want.ID)
		}
		k := got[i]
		if !k.Created.Equal(want.Creation) || !k.Activated.Equal(want.Activation) ||
			!k.Expires.Equal(want.Expiration) || k.Revoked != want.Revoked {
			t.Errorf("got %+v, want %+v", k, want)
		}
		switch {
		case want.Usable && k.Err != nil:
			f.refused(t, v.Name, k.Err, len(want.master(t)) < 32)
			return false
		case !want.Usable && k.Err == nil:
			if !strings.Contains(v.Elements[0], ".CngCbc") &&
				!strings.Contains(v.Elements[0], ".CngGcm") ||
				!f.own && widerThanDotNet[v.Name] == "" {
				t.Errorf("%s can be used, in .NET not", k.ID)
			}
			*wider++
			same = false
		case k.Err != nil:
			var at *dataprotection.RingError
			if !errors.As(k.Err, &at) || at.File == "" || !strings.Contains(at.Element, k.ID) {
				t.Errorf("error %v, want a RingError that names the key", k.Err)
			}
			continue
		}
		v.checkKey(t, ring, k, &want)
	}
	return same
}

// checkKey opens, with the key of the ring, what a formula protects with the
// recorded algorithm and master key.
func (v *coreRing) checkKey(t *testing.T, ring *dataprotection.Ring, k dataprotection.Key, want *coreKey) {
	t.Helper()
	a, err := want.algorithm()
	if err != nil {
		t.Fatal(err)
	}
	if k.Algorithm != a.name {
		t.Errorf("algorithm %s, want %s", k.Algorithm, a.name)
	}
	random := bytes.Repeat([]byte{7}, 32)
	stages, err := a.stages(want.master(t), want.ID, []string{"purpose"}, random[:16],
		random[16:16+a.ivSize()], []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ring.DangerousProtector("purpose")
	if err != nil {
		t.Fatal(err)
	}
	got, id, err := p.Unprotect(context.Background(), nil, stages.protected())
	if err != nil || string(got) != "plain" || id != want.ID {
		t.Errorf("what the recorded master key protects gives %q, %v", got, err)
	}
	if known, _ := ring.KeyStatus(id); known == want.Revoked {
		t.Errorf("known: %v, revoked: %v", known, want.Revoked)
	}
}
