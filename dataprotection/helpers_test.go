package dataprotection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// now is the time of these tests.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// master is a burnt test key of 64 bytes.
const master = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=="

// keyID returns the id of the nth key.
func keyID(n int) string { return fmt.Sprintf("00000000-0000-0000-0000-%012x", 1<<20+n) }

// keyXML returns the nth key, made and active n days before now, for a year.
func keyXML(n int, algorithm, masterKey string) string {
	at := now.AddDate(0, 0, -n)
	return fmt.Sprintf(`<key id="%s" version="1">`+
		`<creationDate>%s</creationDate><activationDate>%[2]s</activationDate><expirationDate>%[3]s</expirationDate>`+
		`<descriptor deserializerType="Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel.AuthenticatedEncryptorDescriptorDeserializer, Microsoft.AspNetCore.DataProtection">`+
		`<descriptor><encryption algorithm="%[4]s"/><validation algorithm="HMACSHA256"/>`+
		`<masterKey><value>%[5]s</value></masterKey></descriptor></descriptor></key>`,
		keyID(n), at.Format(time.RFC3339), at.AddDate(1, 0, 0).Format(time.RFC3339),
		algorithm, masterKey)
}

// plainKey returns the nth key with the default algorithms.
func plainKey(n int) string { return keyXML(n, "AES_256_CBC", master) }

// memory is a repository in memory.
type memory struct {
	mu       sync.Mutex
	elements []string
	err      error
	reads    int
	wait     func(context.Context) // in the middle of a reading
}

func (m *memory) Elements(ctx context.Context, each func(string, []byte) error) error {
	m.mu.Lock()
	elements, err, wait := m.elements, m.err, m.wait
	m.reads++
	m.mu.Unlock()
	if wait != nil {
		wait(ctx)
	}
	for i, xml := range elements {
		if err := each(fmt.Sprintf("key-%d.xml", i), []byte(xml)); err != nil {
			return err
		}
	}
	return err
}

func (m *memory) Store(_ context.Context, _ string, xml []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.elements = append(m.elements[:len(m.elements):len(m.elements)], string(xml))
	return nil
}

func (m *memory) set(err error, elements ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err, m.elements = err, elements
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

// open opens a ring of elements at now.
func open(t testing.TB, o *dataprotection.RingOptions, elements ...string) *dataprotection.Ring {
	t.Helper()
	ring, err := openErr(o, elements...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func openErr(o *dataprotection.RingOptions, elements ...string) (*dataprotection.Ring, error) {
	if o == nil {
		o = &dataprotection.RingOptions{}
	}
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	return dataprotection.Open(context.Background(), &memory{elements: elements}, o)
}

// protector returns a protector of a ring.
func protector(t testing.TB, ring *dataprotection.Ring, purposes ...string) dataprotection.Protector {
	t.Helper()
	p, err := ring.Protector(purposes...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ringError wants a RingError whose text has all of the words.
func ringError(t *testing.T, err error, words ...string) {
	t.Helper()
	var at *dataprotection.RingError
	if !errors.As(err, &at) {
		t.Fatalf("error %v, want a RingError", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// vectorRings are the elements of the recorded rings.
func vectorRings(t testing.TB) (rings []struct {
	Name     string
	Elements []string
}) {
	t.Helper()
	var file struct {
		Rings []struct {
			Name     string
			Elements []string
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	if len(file.Rings) != 86 {
		t.Fatalf("%d rings, want 86", len(file.Rings))
	}
	return file.Rings
}
