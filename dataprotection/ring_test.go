package dataprotection_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// TestHostileRings are refused when the ring is opened, and a ring that is
// there stays.
func TestHostileRings(t *testing.T) {
	good := plainKey(1)
	padded := func(size int) string { return "<note>" + strings.Repeat("x", size-len("<note></note>")) + "</note>" }
	many := func(n int, element string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = element
		}
		return list
	}
	bomb := `<!DOCTYPE key [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><key id="&b;"/>`
	for _, tt := range []struct {
		name     string
		elements []string
		words    []string
	}{
		{"bomb", []string{good, bomb}, []string{"key-1.xml", "document type declaration"}},
		{"external entity", []string{`<!DOCTYPE key SYSTEM "file:///etc/passwd"><key/>`},
			[]string{"document type declaration"}},
		{"deep", []string{strings.Repeat("<key>", 10_000) + strings.Repeat("</key>", 10_000)},
			[]string{"key-0.xml", "at most 64 levels"}},
		{"parts", []string{"<key>" + strings.Repeat("<a/>", 1000) + "</key>"},
			[]string{"at most 1000 elements"}},
		{"attributes", []string{"<key " + strings.Repeat(`a="" `, 100_000) + "/>"}, []string{"attributes"}},
		{"elements", many(10_001, "<note/>"), []string{"more than 10000 elements"}},
		{"one MB", []string{padded(1<<20 + 1)}, []string{"key-0.xml", "more than 1048576 bytes"}},
		{"16 MB", many(17, padded(1<<20)), []string{"more than 16777216 bytes in all"}},
		{"no XML", []string{good, "key"}, []string{"key-1.xml", "line 1", "not well-formed"}},
		{"half a file", []string{good[:300]}, []string{"key-0.xml", "not well-formed"}},
		{"not UTF-8", []string{"<key>\xff</key>"}, []string{"not well-formed"}},
		{"empty", []string{""}, []string{"key-0.xml", "not well-formed"}},
		{"twice", []string{good, good}, []string{"key-1.xml", keyID(1), "already in the ring"}},
		{"revocation", []string{good, "<revocation/>"}, []string{"key-1.xml", "revocation"}},
		{"revocation without id", []string{"<revocation><key/></revocation>"},
			[]string{"revocation", "no GUID"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ring, err := openErr(nil, tt.elements...)
			if ring != nil {
				t.Error("a ring and an error")
			}
			ringError(t, err, append(tt.words, "dataprotection: ")...)

			m := &memory{elements: []string{good}}
			ring, err = dataprotection.Open(t.Context(), m,
				&dataprotection.RingOptions{Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			m.set(nil, tt.elements...)
			ringError(t, ring.Refresh(t.Context()), tt.words...)
			if _, err := protector(t, ring, "a").Protect(nil, nil); err != nil {
				t.Errorf("the ring did not stay: %v", err)
			}
		})
	}
	// At the bounds a ring loads.
	open(t, nil, append(many(15, padded(1<<20)), good)...)
	open(t, nil, append(many(9_999, "<note/>"), good)...)
}

// TestBadKeys leaves the other keys alone.
func TestBadKeys(t *testing.T) {
	good := plainKey(1)
	in := func(old, new string) string { return strings.Replace(plainKey(2), old, new, 1) }
	const descriptor = "<encryption algorithm=\"AES_256_CBC\"/><validation algorithm=\"HMACSHA256\"/>"
	managed := func(e, v string) string {
		return strings.Replace(in(descriptor, e+v), "ConfigurationModel.Auth",
			"ConfigurationModel.ManagedAuth", 1)
	}
	const aes, sha = `<encryption algorithm="AES" keyLength="256"/>`, `<validation algorithm="HMACSHA256"/>`
	for _, tt := range []struct{ name, element, want string }{
		{"no id", in(" id=", " ID="), "no id"},
		{"id", in(keyID(2), "1"), "no GUID"},
		{"date", in("2026-05-30T", "2026-15-30T"), "no date"},
		{"long names", in("AES_256_CBC", strings.Repeat("long", 1000)), `longlong"…`},
		{"no descriptor", in("<descriptor ", "<other "), ""},
		{"two master keys", in("<masterKey>", "<masterKey/><masterKey>"), "not exactly one masterKey"},
		{"no value", in("<value>", "<value/><value>"), "masterKey of 0 bytes"},
		{"short master key", in(master, "AAAA"), "masterKey of 3 bytes"},
		{"31 bytes", in(master, strings.Repeat("A", 40)+"AA=="), "masterKey of 31 bytes"},
		{"no base64", in(master, "!"), "no base64"},
		{"class", in("AuthenticatedEncryptorDescriptorDeserializer", "Other"), "deserializerType"},
		{"validation", in("HMACSHA256", "HMACSHA1"), `validation "HMACSHA1"`},
		{"no validation", in("<validation ", "<other "), "no validation"},
		{"keyLength", managed(strings.Replace(aes, "256", "257", 1), sha), `keyLength of "257"`},
		{"DES", managed(strings.Replace(aes, "AES", "DES", 1), sha), `encryption "DES"`},
		{"MD5", managed(aes, strings.Replace(sha, "SHA256", "MD5", 1)), `validation "HMACMD5"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "no descriptor" {
				tt.element, tt.want = strings.Replace(tt.element, "</descriptor></key>",
					"</other></key>", 1), "no descriptor"
			}
			if tt.element == plainKey(2) {
				t.Fatal("nothing changed")
			}
			ring := open(t, nil, tt.element, good)
			for _, k := range ring.Keys() {
				if k.ID == keyID(1) {
					if k.Err != nil {
						t.Error(k.Err)
					}
					continue
				}
				ringError(t, k.Err, "key-0.xml", tt.want)
				if strings.Contains(k.Err.Error(), master[:8]) || len(k.Err.Error()) > 1000 {
					t.Errorf("error %v", k.Err)
				}
			}
			if id, fallback := ring.Resolve(now); id != keyID(1) || fallback {
				t.Errorf("key %q protects", id)
			}
		})
	}
	for _, element := range []string{
		managed(strings.Replace(aes, `"AES"`,
			`"System.Security.Cryptography.AesManaged, System.Core"`, 1),
			strings.Replace(sha, `"HMACSHA256"`,
				`"System.Security.Cryptography.HMACSHA256, mscorlib"`, 1)),
		managed(aes, strings.Replace(sha, "256", "1", 1)),
	} {
		if k := open(t, nil, element).Keys()[0]; k.Err != nil ||
			!strings.HasPrefix(k.Algorithm, "AES_256_CBC, HMACSHA") {
			t.Errorf("%v, %v", k.Algorithm, k.Err)
		}
	}
}

func TestPath(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	folder := dataprotection.Path(dir)
	o := &dataprotection.RingOptions{Now: func() time.Time { return now }}
	for n := 1; n <= 2; n++ {
		if err := folder.Store(ctx, "key-"+keyID(n), []byte(plainKey(n))); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("note.XML", "not read")
	write("note.tmp", "not read")
	if err := os.Mkdir(filepath.Join(dir, "folder.xml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "gone.xml")); err != nil {
		t.Fatal(err)
	}
	ring, err := dataprotection.Open(ctx, folder, o)
	if err != nil || len(ring.Keys()) != 2 {
		t.Fatalf("%v, %v", ring, err)
	}
	file := filepath.Join(dir, "key-"+keyID(1)+".xml")
	if data, err := os.ReadFile(file); err != nil ||
		!strings.HasPrefix(string(data), "\xef\xbb\xbf<?xml") {
		t.Errorf("stored %q, %v", data, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, name := range []string{"", "../key", "a/b", "a.b", "key 1"} {
		if folder.Store(ctx, name, nil) == nil {
			t.Errorf("stored as %q", name)
		}
	}

	// One element in a file, and a document of several.
	for _, content := range []string{plainKey(1),
		"<repository xmlns:p='urn:p'>\n" + plainKey(1) + "<p:note/></repository>"} {
		path := write("one", content)
		for _, r := range []dataprotection.Repository{dataprotection.Path(path),
			dataprotection.Document([]byte(content))} {
			ring, err := dataprotection.Open(ctx, r, o)
			if err != nil || len(ring.Keys()) != 1 || ring.Keys()[0].Err != nil {
				t.Errorf("%q: %v, %v", content[:20], ring, err)
			}
			if r.Store(ctx, "key", []byte("<key/>")) == nil {
				t.Error("added to a document")
			}
		}
	}

	write("broken.xml", "<key")
	_, err = dataprotection.Open(ctx, folder, o)
	ringError(t, err, "broken.xml")
	write("broken.xml", strings.Repeat(" ", 2<<20))
	_, err = dataprotection.Open(ctx, folder, o)
	ringError(t, err, "broken.xml", "1048576")
	_, err = dataprotection.Open(ctx, dataprotection.Path(write("large",
		strings.Repeat(" ", 17<<20))), o)
	ringError(t, err, "large", "16777216")
	_, err = dataprotection.Open(ctx, dataprotection.Document([]byte("<a>"+plainKey(1)+"<b>"+
		strings.Repeat("<c>"+strings.Repeat("x", 1000)+"</c>", 1100)+"</b></a>")), o)
	ringError(t, err, "element 2", "1048576")

	var at *dataprotection.RingError
	if _, err := dataprotection.Open(ctx, dataprotection.Path(filepath.Join(dir, "none")),
		o); !errors.Is(err, os.ErrNotExist) || errors.As(err, &at) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// swallow is a repository that does not stop at an error.
type swallow struct{ memory }

func (s *swallow) Elements(ctx context.Context, each func(string, []byte) error) error {
	s.memory.Elements(ctx, func(name string, xml []byte) error { each(name, xml); return nil })
	return nil
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	if _, err := dataprotection.Open(ctx, nil, nil); err == nil {
		t.Error("no repository")
	}
	if _, err := openErr(&dataprotection.RingOptions{ApplicationName: "\xff"}); err == nil {
		t.Error("a name that is not UTF-8")
	}
	_, err := dataprotection.Open(ctx, &swallow{memory{elements: []string{"<key"}}}, nil)
	ringError(t, err, "key-0.xml")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := dataprotection.Open(ended, &memory{elements: []string{plainKey(1)}},
		nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	ring := open(t, nil, plainKey(1))
	if _, err := ring.Protector(); err == nil {
		t.Error("a protector without a purpose")
	}
	if _, err := ring.Protector("a", "\xff"); err == nil {
		t.Error("a purpose that is not UTF-8")
	}
	if id, fallback := open(t, nil).Resolve(now); id != "" || fallback {
		t.Errorf("an empty ring: %q, %v", id, fallback)
	}
}

// TestDates reads dates as .NET does.
func TestDates(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"2026-05-30T12:00:00Z", "2026-05-30T12:00:00Z"},
		{" 2026-05-30T12:00:00.5\n", "2026-05-30T12:00:00.5Z"},
		{"2026-05-30T12:00:00.12345678Z", "2026-05-30T12:00:00.1234568Z"},
		{"2026-05-30T12:00:00-14:00", "2026-05-31T02:00:00Z"},
		{"2026-05-30", "2026-05-30T00:00:00Z"},
		{"2026-05-30+02:00", "2026-05-29T22:00:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
		{"0001-01-01T00:00:00+01:00", ""}, {"2026-05-30T24:00:00Z", ""},
		{"9999-12-31T23:59:59.99999999Z", ""}, {"0000-01-01", ""},
		{"2026-05-30T24:00:01Z", ""}, {"2026-05-30T12:60:00Z", ""}, {"2026-02-30", ""},
		{"2026-05-30T12:00Z", ""},
		{"2026-05-30T12:00:00.Z", ""}, {"2026-05-30T12:00:00.1x", ""}, {"2026-05-30T12:00:00+14:01", ""},
		{"2026-05-30T12:00:00+1:00", ""}, {"2026-05-30 12:00:00", ""}, {"", ""}, {"Z", ""},
		{"2026-05-30T+2:00:00Z", ""},
	} {
		element := strings.Replace(plainKey(2), "<creationDate>2026-05-30T12:00:00Z",
			"<creationDate>"+tt.text, 1)
		k := open(t, nil, element).Keys()[0]
		if got := k.Created.Format(time.RFC3339Nano); tt.want != "" && got != tt.want ||
			tt.want == "" && k.ID != "" {
			t.Errorf("%q is read as %s, %v", tt.text, got, k.Err)
		}
	}
}

// TestSilent prints everything with every verb.
func TestSilent(t *testing.T) {
	document := dataprotection.Document([]byte(plainKey(1)))
	ring, err := dataprotection.Open(t.Context(), document,
		&dataprotection.RingOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	p := protector(t, ring, "a")
	if _, err := p.Protect(nil, nil); err != nil { // derives keys
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, v := range []any{ring, p, ring.Keys(), document, []any{ring, p, document}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		data, _ := json.Marshal(v)
		printed.Write(data)
		slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "v", v)
	}
	key := strings.Repeat("\x04\x10\x41", 2) // of the master key
	for _, leak := range []string{master[:12], key, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key),
		strings.Trim(fmt.Sprint([]byte(key)), "[]"), "masterKey"} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("%q is printed", leak)
		}
	}
}
