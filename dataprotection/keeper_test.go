package dataprotection_test

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

const day = 24 * time.Hour

// keyOf returns the nth key, made five days before now, which protects between
// these times after now.
func keyOf(n int, begins, ends time.Duration) string {
	date := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339Nano) }
	year := date(-time.Duration(n) * day)
	return strings.NewReplacer(
		"<creationDate>"+year, "<creationDate>"+date(-5*day),
		"<activationDate>"+year, "<activationDate>"+date(begins),
		"<expirationDate>"+now.AddDate(1, 0, -n).Format(time.RFC3339), "<expirationDate>"+date(ends),
	).Replace(keyXML(n, "AES_256_CBC", master))
}

// made returns the key of this id.
func made(t *testing.T, ring *dataprotection.Ring, id string) dataprotection.Key {
	t.Helper()
	for _, k := range ring.Keys() {
		if k.ID == id {
			return k
		}
	}
	t.Fatalf("no key %q in %v", id, ring.Keys())
	return dataprotection.Key{}
}

// TestKeep has the rings of which .NET 10 was recorded, and some for which the
// keeper looks further ahead.
func TestKeep(t *testing.T) {
	hours := func(days float64) time.Duration { return time.Duration(days * float64(day)) }
	from := func(begins, ends float64) func(n int) string {
		return func(n int) string { return keyOf(n, hours(begins), hours(ends)) }
	}
	for _, tt := range []struct {
		name   string
		ahead  time.Duration
		keys   []func(int) string
		begins float64 // of the key that is made, in days; negative: none is
	}{
		{"no key", 3 * day, nil, 0},
		{"ended yesterday", 3 * day, []func(int) string{from(-5, -1)}, 0},
		{"ends in 0.5 days", 3 * day, []func(int) string{from(-5, 0.5)}, 0.5},
		{"ends in 1.9 days", 3 * day, []func(int) string{from(-5, 1.9)}, 1.9},
		{"ends in 2.9 days", 3 * day, []func(int) string{from(-5, 2.9)}, 2.9},
		{"ends in 3 days", 3 * day, []func(int) string{from(-5, 3)}, -1},
		{"ends in 3.1 days", 3 * day, []func(int) string{from(-5, 3.1)}, -1},
		{"successor", 3 * day, []func(int) string{from(-5, 1), from(1, 90)}, -1},
		{"successor for 3.5 days", 3 * day, []func(int) string{from(-5, 1), from(1, 3.5)}, -1},
		{"successor within the skew", 3 * day, []func(int) string{from(-5, 1), from(1+4./1440, 90)}, -1},
		{"successor an hour late", 3 * day, []func(int) string{from(-5, 1), from(1+1./24, 90)}, 1},
		{"13 days, 14 ahead", 14 * day, []func(int) string{from(-5, 13)}, 13},
		{"15 days, 14 ahead", 14 * day, []func(int) string{from(-5, 15)}, -1},
		{"successor for 20 days, 14 ahead", 14 * day, []func(int) string{from(-5, 5), from(5, 20)}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var elements []string
			for n, key := range tt.keys {
				elements = append(elements, key(n+1))
			}
			ring := open(t, nil, elements...)
			id, err := ring.Keep(t.Context(), tt.ahead, 0)
			if err != nil || (id == "") != (tt.begins < 0) {
				t.Fatalf("%q, %v", id, err)
			}
			if id != "" {
				k := made(t, ring, id)
				if !k.Created.Equal(now) || !k.Activated.Equal(now.Add(hours(tt.begins))) ||
					!k.Expires.Equal(now.Add(90*day)) {
					t.Errorf("%+v", k)
				}
				if at, fallback := ring.Resolve(k.Activated.Add(time.Second)); at != id ||
					fallback {
					t.Errorf("then %s protects, fallback %v", at, fallback)
				}
			}
			if again, err := ring.Keep(t.Context(), tt.ahead, 0); again != "" || err != nil {
				t.Errorf("again %q, %v", again, err)
			}
		})
	}
}

// TestKeepSettles has keys that begin when the new one would. .NET leaves it to
// the ids which of them protects; here the new one always does.
func TestKeepSettles(t *testing.T) {
	for name, elements := range map[string][]string{
		"a successor that ends too soon":    {keyOf(1, -5*day, day), keyOf(2, day, 2*day)},
		"a revoked key of a clock ahead":    {keyOf(1, time.Minute, 90*day), revocationOf(1)},
		"a revoked key that begins now":     {keyOf(1, 0, 90*day), revocationOf(1)},
		"an ended key of a clock far ahead": {keyOf(1, time.Minute, -time.Minute)},
	} {
		ring := open(t, nil, elements...)
		id, err := ring.Keep(t.Context(), 3*day, 0)
		if err != nil || id == "" {
			t.Fatalf("%s: %q, %v", name, id, err)
		}
		k := made(t, ring, id)
		if at, _ := ring.Resolve(k.Activated); at != id {
			t.Errorf("%s: %s protects, not %s", name, at, id)
		}
		if again, err := ring.Keep(t.Context(), 3*day, 0); again != "" || err != nil {
			t.Errorf("%s: again %q, %v", name, again, err)
		}
	}
}

// revocationOf revokes the nth key.
func revocationOf(n int) string {
	return `<revocation><key id="` + keyID(n) + `"/></revocation>`
}

// TestKeepRefuses has rings that a keeper leaves alone.
func TestKeepRefuses(t *testing.T) {
	unreadable := strings.Replace(keyOf(2, -day, 90*day), "AES_256_CBC", "ROT13", 1)
	for _, tt := range []struct {
		name            string
		ahead, lifetime time.Duration
		want            string
		elements        []string
	}{
		{"an unreadable key", 3 * day, 0, `cannot be told here: dataprotection: key-1.xml: key ` +
			keyID(2), []string{keyOf(1, -5*day, 90*day), unreadable}},
		{"an unreadable successor", 3 * day, 0, "ROT13",
			[]string{keyOf(1, -5*day, day), strings.Replace(keyOf(2, day, 90*day),
				"AES_256_CBC", "ROT13", 1)}},
		{"a short life", 3 * day, 3 * day, "made 72h0m0s ahead if it lives for 72h0m0s", nil},
		{"a negative time", -1, 0, "ahead", nil},
		{"all revoked by a clock ahead", 3 * day, 0,
			"created before 2026-06-01T12:01:00Z are revoked, and this clock has 2026-06-01T12:00:00Z",
			[]string{`<revocation><revocationDate>2026-06-01T12:01:00Z</revocationDate><key id="*"/></revocation>`}},
		{"a full ring", 3 * day, 0, "no room", slices.Repeat([]string{"<note/>"}, 10_000)},
	} {
		m := &memory{elements: tt.elements}
		ring, err := dataprotection.Open(t.Context(), m,
			&dataprotection.RingOptions{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		id, err := ring.Keep(t.Context(), tt.ahead, tt.lifetime)
		if id != "" || err == nil || !strings.Contains(err.Error(), tt.want) ||
			len(m.elements) != len(tt.elements) {
			t.Errorf("%s: %q, %v, %d elements", tt.name, id, err, len(m.elements))
		}
	}
	if _, err := openErr(&dataprotection.RingOptions{KeepAhead: 90 * day}); err == nil {
		t.Error("opened with KeepAhead of 90 days")
	}
}

// layout returns an element of a key with what differs from key to key replaced.
func layout(element string) string {
	for _, r := range [][2]string{
		{`id="[-0-9a-f]{36}"`, `id="ID"`},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "DATE"},
		{`[A-Za-z0-9+/]{80,}=*`, "BASE64"},
	} {
		element = regexp.MustCompile(r[0]).ReplaceAllString(element, r[1])
	}
	return element
}

// TestKeyLayout wants keys to lie in a folder as .NET's do, byte for byte, and
// elsewhere in one line. They have the algorithms of the key before.
func TestKeyLayout(t *testing.T) {
	var file struct {
		Rings []struct {
			Name         string
			Elements     []string
			Certificates []struct{ CertificatePEM, PrivateKeyPEM string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	seen := 0
	for _, r := range file.Rings {
		switch r.Name {
		case "AES_128_CBC-HMACSHA256", "AES_192_CBC-HMACSHA512", "AES_256_CBC-HMACSHA256",
			"AES_128_GCM", "AES_256_GCM", "x509-2048", "x509-gcm", "x509-4096":
		default:
			continue
		}
		seen++
		o := &dataprotection.RingOptions{Now: func() time.Time { return now }}
		for _, c := range r.Certificates {
			pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
			if err != nil {
				t.Fatal(err)
			}
			o.Certificates = append(o.Certificates, pair)
		}
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "key-0.xml"), []byte(r.Elements[0]),
			0o600); err != nil {
			t.Fatal(err)
		}
		m := &memory{elements: r.Elements[:1]}
		for _, repository := range []dataprotection.Repository{dataprotection.Path(folder), m} {
			ring, err := dataprotection.Open(t.Context(), repository, o)
			if err != nil {
				t.Fatal(err)
			}
			id, err := ring.NewKey(t.Context(), time.Time{}, time.Time{})
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			k, before := made(t, ring, id), ring.Keys()[0]
			if k.Err != nil || k.Algorithm != before.Algorithm || k.Decryptor != before.Decryptor ||
				(k.Certificate == nil) != (len(r.Certificates) == 0) ||
				k.Certificate != nil && !k.Certificate.Equal(before.Certificate) {
				t.Errorf("%s: %+v after %+v", r.Name, k, before)
			}
			if !k.Activated.Equal(now.Add(2*day)) || !k.Expires.Equal(now.Add(90*day)) {
				t.Errorf("from %v to %v", k.Activated, k.Expires)
			}
			want := "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + r.Elements[0]
			got := m.elements[len(m.elements)-1]
			if repository == m {
				want = regexp.MustCompile(`\n *`).ReplaceAllString(r.Elements[0], "")
			} else if text, err := os.ReadFile(filepath.Join(folder,
				"key-"+id+".xml")); err != nil {
				t.Fatal(err)
			} else {
				got = string(text)
			}
			if layout(got) != layout(want) {
				t.Errorf("%s:\n%s\nwant\n%s", r.Name, layout(got), layout(want))
			}
		}
	}
	if seen != 8 {
		t.Errorf("%d rings", seen)
	}
}

// TestNewKeyInClear wants no key in clear behind one that is encrypted.
func TestNewKeyInClear(t *testing.T) {
	for _, r := range vectorRings(t) {
		if r.Name != "x509-2048" && r.Name != "dpapi" && r.Name != "null-encryptor" {
			continue
		}
		ring := open(t, nil, r.Elements...)
		id, err := ring.NewKey(t.Context(), time.Time{}, time.Time{})
		if r.Name == "null-encryptor" {
			if err != nil || made(t, ring, id).Decryptor != "" {
				t.Errorf("%s: %v", r.Name, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "set RingOptions.Certificates") {
			t.Errorf("%s: %q, %v", r.Name, id, err)
		}
	}
	ring := open(t, nil)
	for _, to := range []time.Time{now, now.Add(-time.Hour),
		time.Date(10_001, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if id, err := ring.NewKey(t.Context(), now, to); err == nil {
			t.Errorf("key %s until %v", id, to)
		}
	}
	if id, err := ring.NewKey(t.Context(), now.Add(time.Hour), now.Add(2*time.Hour)); err != nil ||
		!made(t, ring, id).Expires.Equal(now.Add(2*time.Hour)) {
		t.Error(err)
	}
}

// counted is a repository that can tell whether it has changed.
type counted struct {
	memory
	refused atomic.Int32
}

func (c *counted) StoreIf(_ context.Context, _ string, xml []byte, count int) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.elements) != count {
		c.refused.Add(1)
		return false, nil
	}
	c.elements = append(c.elements[:count:count], string(xml))
	return true, nil
}

// TestTenKeepers has ten keepers at once. All then protect with the same key and
// open what the others protect.
func TestTenKeepers(t *testing.T) {
	c := &counted{}
	for name, repository := range map[string]dataprotection.Repository{
		"counted": c, "folder": dataprotection.Path(t.TempDir()),
	} {
		rings := make([]*dataprotection.Ring, 10)
		for i := range rings {
			var err error
			rings[i], err = dataprotection.Open(t.Context(), repository,
				&dataprotection.RingOptions{Interval: -1})
			if err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		var keys atomic.Int32
		for _, ring := range rings {
			wg.Go(func() {
				id, err := ring.Keep(context.Background(), 14*day, 0)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if id != "" {
					keys.Add(1)
				}
			})
		}
		wg.Wait()
		for _, ring := range rings {
			if err := ring.Refresh(t.Context()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if n := len(rings[0].Keys()); n != int(keys.Load()) || name == "counted" && n != 1 {
			t.Errorf("%s: %d keys, %d made", name, n, keys.Load())
		}
		want, _ := rings[0].Resolve(time.Now())
		for i, ring := range rings {
			protected, err := protector(t, ring, "a").Protect(nil, []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			_, id, err := protector(t, rings[9-i], "a").Unprotect(t.Context(), nil, protected)
			if err != nil || id != want {
				t.Errorf("%s: ring %d protects with %s, not %s: %v", name, i, id, want, err)
			}
		}
	}
}

// TestKeepContended has a repository that changes each time.
func TestKeepContended(t *testing.T) {
	c := &counted{}
	ring, err := dataprotection.Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.wait = func(context.Context) { c.Store(t.Context(), "", []byte("<note/>")) }
	id, err := ring.Keep(t.Context(), 3*day, 0)
	if id != "" || err == nil || !strings.Contains(err.Error(), "changed each time") ||
		c.refused.Load() != 5 {
		t.Errorf("%q, %v, %d attempts", id, err, c.refused.Load())
	}
}

// TestKeepAhead lives two years with a ring that keeps itself. There is always a
// key, each is known to all for two days before it protects, and every key has a
// predecessor that ends when it begins.
func TestKeepAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{Interval: time.Hour, KeepAhead: 14 * day})
		other, err := dataprotection.Open(t.Context(), f.memory,
			&dataprotection.RingOptions{Interval: -1, Now: farmClock()})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 * 365 {
			if err := other.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(day) // the other has read the ring a day ago
			f.p.Protect(nil, nil)
			synctest.Wait() // this one has just read it
			protected, err := f.p.Protect(nil, []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := protector(t, other, "a").Unprotect(t.Context(), nil,
				protected); err != nil {
				t.Fatal(err)
			}
		}
		if n := f.count(); n == 0 || len(f.elements) < 9 || len(f.elements) > 11 {
			t.Errorf("%d keys", len(f.elements))
		}
		keys := f.ring.Keys()
		for i, k := range keys[1:] {
			if !k.Activated.Equal(keys[i].Expires) {
				t.Errorf("key %d begins at %v, the one before ends at %v", i+1, k.Activated,
					keys[i].Expires)
			}
		}
		for _, err := range f.refreshes {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// farmClock is the clock of a new farm that is opened at the same time.
func farmClock() func() time.Time {
	start := time.Now()
	return func() time.Time { return now.Add(time.Since(start)) }
}

// readOnly is a repository that stores nothing.
type readOnly struct{ *memory }

var errReadOnly = errors.New("read only")

func (readOnly) Store(context.Context, string, []byte) error { return errReadOnly }

// TestKeeperCannotWrite wants a ring to go on that cannot get its next key, and
// to say so. Without any key it does not open.
func TestKeeperCannotWrite(t *testing.T) {
	told := make(chan error, 10)
	o := &dataprotection.RingOptions{Interval: -1, KeepAhead: 14 * day,
		Now: func() time.Time { return now }, OnRefresh: func(err error) { told <- err }}
	if _, err := dataprotection.Open(t.Context(), readOnly{&memory{}},
		o); !errors.Is(err, errReadOnly) {
		t.Errorf("opened an empty ring: %v", err)
	}
	m := &memory{elements: []string{keyOf(1, -5*day, day)}}
	ring, err := dataprotection.Open(t.Context(), readOnly{m}, o)
	if err != nil {
		t.Fatal(err)
	}
	m.set(nil, keyOf(1, -5*day, day), keyOf(2, -5*day, day)) // it still follows the farm
	if err := ring.Refresh(t.Context()); !errors.Is(err, errReadOnly) {
		t.Errorf("refreshed: %v", err)
	}
	p := protector(t, ring, "a")
	if _, _, err := p.Unprotect(t.Context(), nil, sealed(t, 2)); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Unprotect(t.Context(), nil,
		sealed(t, 7)); err != dataprotection.ErrUnprotect {
		t.Errorf("an unknown key: %v", err)
	}
	if err := <-told; !errors.Is(err, errReadOnly) {
		t.Errorf("told %v", err)
	}
	if _, err := ring.Keep(t.Context(), 14*day, 0); !errors.Is(err, errReadOnly) {
		t.Errorf("kept: %v", err)
	}
	for _, id := range []string{"*", keyID(1)} {
		ring, err := dataprotection.Open(t.Context(), readOnly{m}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Revoke(t.Context(), id, ""); !errors.Is(err, errReadOnly) {
			t.Errorf("revoked %s: %v", id, err)
		}
	}
}

func TestRevoke(t *testing.T) {
	folder := t.TempDir()
	write := func(name, xml string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(xml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key-1.xml", keyOf(1, -5*day, 90*day))
	write("key-2.xml", keyOf(2, -day, 90*day))
	// A key that a clock ahead of this one has made.
	write("key-3.xml", strings.Replace(keyOf(3, -day, 90*day), "2026-05-27T12:00:00Z",
		"2026-06-01T12:02:00Z", 1))
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder),
		&dataprotection.RingOptions{
			Now: func() time.Time { return now.Add(1234567 * time.Microsecond) }})
	if err != nil {
		t.Fatal(err)
	}
	revoked := func() (list string) {
		for _, k := range ring.Keys() {
			if k.Revoked {
				list += " " + k.ID[len(k.ID)-1:]
			}
		}
		return list
	}
	protected, err := protector(t, ring, "a").Protect(nil, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "x", keyID(4)} {
		if err := ring.Revoke(t.Context(), id, ""); err == nil ||
			!strings.Contains(err.Error(), "the ring has no key") {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, reason := range []string{strings.Repeat("x", 1001), "\xff"} {
		if err := ring.Revoke(t.Context(), "*", reason); err == nil {
			t.Errorf("a reason of %d bytes", len(reason))
		}
	}
	for range 2 { // twice is once
		if err := ring.Revoke(t.Context(), "{"+strings.ToUpper(keyID(1))+"}",
			"lost & <found>\n\"x\" 'y'"); err != nil || revoked() != " 1" {
			t.Fatalf("revoked%s, %v", revoked(), err)
		}
	}
	want := "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + `<revocation version="1">
  <revocationDate>2026-06-01T12:00:01.234567Z</revocationDate>
  <key id="` + keyID(1) + `" />
  <reason>lost &amp; &lt;found&gt;&#xA;"x" 'y'</reason>
</revocation>`
	if got, err := os.ReadFile(filepath.Join(folder,
		"revocation-"+keyID(1)+".xml")); string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	if err := ring.Revoke(t.Context(), "*", ""); err != nil || revoked() != " 1 2 3" {
		t.Fatalf("revoked%s, %v", revoked(), err)
	}
	want = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + `<revocation version="1">
  <revocationDate>2026-06-01T12:00:01.234567Z</revocationDate>
  <!-- All keys created before the revocation date are revoked. -->
  <key id="*" />
  <reason></reason>
</revocation>`
	if got, err := os.ReadFile(filepath.Join(folder,
		"revocation-20260601T120001234567Z.xml")); string(got) != want {
		t.Errorf("%s, %v, want\n%s", got, err, want)
	}
	if files, err := filepath.Glob(filepath.Join(folder, "*")); len(files) != 6 {
		t.Errorf("%q, %v", files, err)
	}
	p := protector(t, ring, "a")
	if _, _, err := p.Unprotect(t.Context(), nil, protected); err != dataprotection.ErrUnprotect {
		t.Errorf("a revoked key opens: %v", err)
	}
	if _, err := p.Protect(nil, nil); !errors.Is(err, dataprotection.ErrNoKey) {
		t.Errorf("a revoked key protects: %v", err)
	}
	id, err := ring.NewKey(t.Context(), time.Time{}, time.Time{})
	if at, _ := ring.Resolve(now.Add(2 * time.Second)); err != nil || at != id {
		t.Errorf("%q after %q, %v", at, id, err)
	}
}
