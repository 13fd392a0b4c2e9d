package redisstore

import (
	"bytes"
	"testing"
	"time"
)

func TestEntry(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678_999_999, time.UTC)
	value := appendEntry(nil, at, []byte("data"))
	if string(value) != "\x01\x00\x00\x01\xb8\xe0\x94\x9b\x2e"+"data" {
		t.Errorf("% x", value)
	}
	data, expires, ok := parseEntry(value)
	if !ok || string(data) != "data" || !expires.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("%q, %v, %v", data, expires, ok)
	}
	for n := range entryHead {
		if _, _, ok := parseEntry(value[:n]); ok {
			t.Errorf("%d bytes pass", n)
		}
	}
	for _, version := range []byte{0, 2, 255} {
		if _, _, ok := parseEntry(append([]byte{version}, value[1:]...)); ok {
			t.Errorf("version %d passes", version)
		}
	}
}

// FuzzEntry wants what passes to be written again as it was.
func FuzzEntry(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Add([]byte{1, 127, 255, 255, 255, 255, 255, 255, 255, 'x'})
	f.Add([]byte{1, 128, 0, 0, 0, 0, 0, 0, 0, 'x'})
	f.Add(appendEntry(nil, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), []byte("data")))
	f.Fuzz(func(t *testing.T, value []byte) {
		data, expires, ok := parseEntry(value)
		if !ok {
			if data != nil || !expires.IsZero() {
				t.Error("refused and returned")
			}
			return
		}
		if again := appendEntry(nil, expires, data); !bytes.Equal(again, value) {
			t.Errorf("% x, again % x", value, again)
		}
	})
}
