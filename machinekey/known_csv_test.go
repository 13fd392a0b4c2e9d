package machinekey_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/webfarm-go/webfarm/machinekey"
)

// hashOf is the rule of Microsoft's list.
func hashOf(key []byte) string { return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%X", key))) }

// listOf returns a list of one validation key, on line 2.
func listOf(tb testing.TB, key []byte) *machinekey.KnownKeyList {
	tb.Helper()
	list, err := machinekey.KnownKeys(strings.NewReader("validationKey, decryptionKey\n" +
		hashOf(key) + ", " + hashOf(nil) + "\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// syntheticList returns a file of n rows, of 131 bytes each as in Microsoft's.
func syntheticList(n int) string {
	var b strings.Builder
	b.WriteString("validationKey, decryptionKey\n")
	for i := range n {
		fmt.Fprintf(&b, "%s, %s\n", hashOf(fmt.Appendf(nil, "v%d", i)),
			hashOf(fmt.Appendf(nil, "d%d", i)))
	}
	return b.String()
}

// csvSeeds are whole files, the good ones with the number of their keys.
func csvSeeds() map[string]int {
	a, b, none := hashOf([]byte("a")), hashOf([]byte("b")), hashOf(nil)
	return map[string]int{
		"validationKey, decryptionKey\n" + a + ", " + b + "\n":                                           2,
		"validationKey,decryptionKey\n" + a + "," + b:                                                    2,
		"\ufeffvalidationKey, decryptionKey\r\n" + a + ", " + b + "\r\n\r\n":                             2,
		"\"validationKey\",\"decryptionKey\"\n\"" + a + "\",\"" + strings.ToUpper(b) + "\"\n":            2,
		"VALIDATIONKEY , decryptionkey \n\n" + a + "\t,\t" + a + " \n":                                   1,
		"validationKey, decryptionKey\n" + none + ", " + a + "\n" + b + ", " + none + "\n" + b + "," + a: 2,
		"":                               0,
		"\n\n":                           0,
		"validationKey, decryptionKey\n": 0,
		"validationKey, decryptionKey\n" + none + ", " + none + "\n":        0,
		"validationKey\n" + a + "\n":                                        0,
		"decryptionKey, validationKey\n" + a + ", " + b + "\n":              0,
		a + ", " + b + "\n":                                                 0,
		"<!DOCTYPE html>\n<html lang=\"en\">\n":                             0,
		"validationKey, decryptionKey\n" + a + ", " + b + "\n" + a[:63]:     0,
		"validationKey, decryptionKey\n" + a + "\n":                         0,
		"validationKey, decryptionKey\n" + a + ", " + b + ", " + a + "\n":   0,
		"validationKey, decryptionKey\n" + a + ", \n":                       0,
		"validationKey, decryptionKey\n" + a + ", \"" + b + "\n":            0,
		"validationKey, decryptionKey\n" + a + ", g" + b[1:] + "\n":         0,
		"validationKey, decryptionKey\n" + a + "00, " + b + "\n":            0,
		"validationKey, decryptionKey\n" + strings.Repeat("x", 2000) + "\n": 0,
	}
}

func TestKnownKeys(t *testing.T) {
	for text, n := range csvSeeds() {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(text),
			"bytes": iotest.OneByteReader(strings.NewReader(text))} {
			list, err := machinekey.KnownKeys(r)
			if n == 0 {
				if e := configErrorOf(t, err); e.Code != "invalid_known_keys" || list != nil {
					t.Errorf("%s: %.60q: %v", name, text, err)
				}
				continue
			}
			if err != nil || list.Len() != n {
				t.Errorf("%s: %.60q: %d keys, %v", name, text, list.Len(), err)
				continue
			}
			if list.Source(machinekey.NewSecret([]byte("a"))) == "" ||
				list.Source(machinekey.NewSecret([]byte("A"))) != "" {
				t.Errorf("%s: %.60q: wrong keys", name, text)
			}
		}
	}
}

// TestKnownKeysErrorsNameTheLine also wants no text of the file, which may be
// one of keys.
func TestKnownKeysErrorsNameTheLine(t *testing.T) {
	const header = "validationKey, decryptionKey\n"
	good := hashOf([]byte("a")) + ", " + hashOf([]byte("b")) + "\n"
	failed := errors.New("disk gone")
	tests := []struct {
		name string
		r    io.Reader
		line int
		text string
	}{
		{"empty", strings.NewReader(""), 1, "no header"},
		{"web page", strings.NewReader("<!DOCTYPE html>\n"), 1, "a web page"},
		{"no rows", strings.NewReader(header), 0, "no hash"},
		{"a key", strings.NewReader(header + good + "\n" + strings.Repeat("BEEF", 32) + ", " +
			hashOf(nil) + "\n"), 4, "a field 1 of 128 characters"},
		{"second field", strings.NewReader(header + hashOf(nil) + ", BEEF\n"), 2, "a field 2 of 4 characters"},
		{"fields", strings.NewReader(header + good + "BEEF\n"), 3, "1 fields"},
		{"long line", strings.NewReader(header + good + good + strings.Repeat("BEEF", 300) + "\n"),
			4, "a longer line"},
		{"long header", strings.NewReader(strings.Repeat("BEEF", 300)), 1, "a longer line"},
		{"read error", io.MultiReader(strings.NewReader(header+good), iotest.ErrReader(failed)),
			3, "disk gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := machinekey.KnownKeys(tt.r)
			e := configErrorOf(t, err)
			if e.Line != tt.line || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("line %d: %v", e.Line, err)
			}
			if strings.Contains(err.Error(), "BEEF") {
				t.Error("the error repeats the file")
			}
			if (tt.name == "read error") != errors.Is(err, failed) {
				t.Errorf("%v", err)
			}
		})
	}
}

// endless repeats a text for ever and counts what was taken.
type endless struct {
	text string
	n    int
}

func (r *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m := copy(p[n:], r.text[(r.n+n)%len(r.text):])
		n += m
	}
	r.n += n
	return n, nil
}

// TestKnownKeysIsBounded feeds files without end: of one line, of blank lines
// and of good rows. No more than 100,001 lines are read.
func TestKnownKeysIsBounded(t *testing.T) {
	row := hashOf([]byte("a")) + ", " + hashOf([]byte("b")) + "\n"
	for text, limit := range map[string]int{"x": 4096, "\n": 200_000,
		row: 100_002*len(row) + 4096} {
		rest := &endless{text: text}
		list, err := machinekey.KnownKeys(io.MultiReader(strings.NewReader("validationKey, decryptionKey\n"), rest))
		if e := configErrorOf(t, err); e.Line != 2 && e.Line != 100_001 || list != nil {
			t.Errorf("%.5q: %v", text, err)
		}
		if rest.n > limit {
			t.Errorf("%.5q: %d bytes were read, limit %d", text, rest.n, limit)
		}
	}
	list, err := machinekey.KnownKeys(strings.NewReader("validationKey, decryptionKey\n" +
		strings.Repeat(row, 99_999)))
	if err != nil || list.Len() != 2 {
		t.Errorf("100,000 lines: %d keys, %v", list.Len(), err)
	}
}

func TestBuiltInListIsAlwaysAsked(t *testing.T) {
	var none *machinekey.KnownKeyList
	if none.Source(machinekey.NewSecret([]byte("a"))) != "" {
		t.Error("nil list")
	}
	if none.Source(publicConfig(t, "A").ValidationKey) == "" ||
		listOf(t, []byte("a")).Source(publicConfig(t, "B").DecryptionKey) == "" {
		t.Error("the built-in list was not asked")
	}
}

// TestKnownKeyListSize wants the list of Microsoft's size to take 16 bytes a
// key, and a look to take no more than the digits of the key.
func TestKnownKeyListSize(t *testing.T) {
	list, err := machinekey.KnownKeys(strings.NewReader(syntheticList(3713)))
	if err != nil || list.Len() != 7426 {
		t.Fatalf("%d keys, %v", list.Len(), err)
	}
	key := freshConfig(t).ValidationKey
	if n := testing.AllocsPerRun(100, func() { list.Source(key) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
	for i := range 3713 {
		want := fmt.Sprintf("on line %d of", i+2)
		for _, column := range []string{"v", "d"} {
			if got := list.Source(machinekey.NewSecret(fmt.Appendf(nil, "%s%d", column,
				i))); !strings.HasPrefix(got, want) {
				t.Fatalf("%s%d: %q, want %q", column, i, got, want)
			}
		}
	}
}

// FuzzKnownKeys wants a list or an error with a line, and the same list from
// the file in another dress.
func FuzzKnownKeys(f *testing.F) {
	seeds := csvSeeds()
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for text := range seeds {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := machinekey.KnownKeys(bytes.NewReader(data))
		if err != nil {
			if e := configErrorOf(t, err); e.Code != "invalid_known_keys" ||
				e.Line > bytes.Count(data, []byte("\n"))+1 || list != nil {
				t.Fatalf("%+v", *e)
			}
			return
		}
		if n := list.Len(); n == 0 || n > len(data)/64 {
			t.Fatalf("%d keys of %d bytes", n, len(data))
		}
		upper := bytes.ToUpper(bytes.TrimPrefix(data, []byte("\ufeff")))
		again, err := machinekey.KnownKeys(bytes.NewReader(upper))
		if err != nil || again.Len() != list.Len() {
			t.Fatalf("in upper case: %v", err)
		}
	})
}

func BenchmarkKnownKeys(b *testing.B) {
	text := syntheticList(3713)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := machinekey.KnownKeys(strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
