package testkit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// File returns a recorded file.
func File(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := testvectors.Read(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// JSON reads a recorded file into v. A test may leave out fields that are not
// its business.
func JSON(tb testing.TB, name string, v any) {
	tb.Helper()
	if err := json.Unmarshal(File(tb, name), v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// StrictJSON reads a recorded file into v, which must have all its fields.
func StrictJSON(tb testing.TB, name string, v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(File(tb, name)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// parsed holds what [Parsed] has returned.
var parsed = new(sync.Map)

// Parsed returns a recorded file, read as by [JSON], once for all tests of a
// package. They must not change it.
func Parsed[T any](tb testing.TB, name string) *T {
	tb.Helper()
	key := struct {
		name string
		of   any
	}{name, (*T)(nil)}
	if v, ok := parsed.Load(key); ok {
		return v.(*T)
	}
	v := new(T)
	JSON(tb, name, v)
	parsed.Store(key, v)
	return v
}

// Cookie is one cookie as the vectors have it.
type Cookie struct{ Name, Value string }

// CookieVector is the part of a session token vector that concerns cookies.
type CookieVector struct {
	Name, CookieName string
	ChunkSize        int
	Cookies          []Cookie
	XMLText          string
}

// WithCookies returns the vectors of a file that have cookies; it fails if
// there are fewer than want.
func WithCookies(tb testing.TB, name string, want int) []CookieVector {
	tb.Helper()
	var list []CookieVector
	for _, v := range Parsed[struct{ Vectors []CookieVector }](tb, name).Vectors {
		if len(v.Cookies) > 0 {
			list = append(list, v)
		}
	}
	if len(list) < want {
		tb.Fatalf("%s: %d vectors with cookies, want at least %d", name, len(list), want)
	}
	return list
}

// Header returns cookies as one line of the header Cookie.
func Header(cookies []Cookie) string {
	var list []string
	for _, c := range cookies {
		list = append(list, c.Name+"="+c.Value)
	}
	return strings.Join(list, "; ")
}

// Unhex returns the bytes of hex digits, which vectors have.
func Unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
