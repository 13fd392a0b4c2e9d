package dotnet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

func TestRFC1123(t *testing.T) {
	good := "Tue, 06 Dec 2016 15:04:31 GMT"
	at, ok := dotnet.ParseRFC1123(good)
	if !ok || !at.Equal(time.Date(2016, 12, 6, 15, 4, 31, 0, time.UTC)) {
		t.Fatalf("%v, %v", at, ok)
	}
	for i := range good { // no other character fits anywhere, but for other times and the case of names
		for c := range 256 {
			s := good[:i] + string([]byte{byte(c)}) + good[i+1:]
			at, ok := dotnet.ParseRFC1123(s)
			if std, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", s); ok &&
				(err != nil || !std.Equal(at) ||
					!strings.EqualFold(dotnet.FormatRFC1123(at), s) || s[25:] != " GMT") {
				t.Errorf("%q is read as %v", s, at)
			}
		}
	}
	for _, s := range []string{
		"TUE, 06 DEC 2016 15:04:31 GMT", "tue, 06 dec 2016 15:04:31 GMT",
		"tUe, 06 dEC 2016 15:04:31 GMT", "Tue, 06 DEC 2016 15:04:31 GMT",
	} {
		if got, ok := dotnet.ParseRFC1123(s); !ok || !got.Equal(at) {
			t.Errorf("%q is read as %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{
		"", "0", "Tue, 6 Dec 2016 15:04:31 GMT", "Wed, 06 Dec 2016 15:04:31 GMT",
		"Tue, 06 Dec 2016 15:04:31 gmt",
		"Tue, 06 Dec 2016 15:04:31 Gmt", "WED, 06 DEC 2016 15:04:31 GMT",
		"Tue,\u00a06 Dec 2016 15:04:31 GMT", "Tue, 06 Dec 2016 15:04:31GMT ",
		"Tue, 06 Dec 2016 15:04:31 GMT ", "Tue, 06 Dec 2016 15:04:31 GMT\x00",
		" Tue, 06 Dec 2016 15:04:31 GMT", "Tue,  06 Dec 2016 15:04:31 GMT",
		"Tu\x05, 06 Dec 2016 15:04:31 GMT", "Tuesday, 06 Dec 2016 15:04:31 GMT",
		"Tue, 06 Dec 2016 15:04:31 UTC", "Tue, 06 Dec 2016 15:04:31 +00", "Tue, 06 Dec 2016 24:04:31 GMT",
		"Thu, 30 Feb 2017 00:00:00 GMT", "Sat, 00 Apr 2017 00:00:00 GMT", "Sun, 01 anF 2017 00:00:00 GMT",
		"Sat, 01 Jan 0000 00:00:00 GMT", " Tue, 06 Dec 2016 15:04:3 GMT",
		"2016-12-06T15:04:31Z, as of GMT", "Tue, 06 Dec 2016 15:04:60 GMT",
	} {
		if at, ok := dotnet.ParseRFC1123(s); ok {
			t.Errorf("%q is read as %v", s, at)
		}
	}
	for _, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC),
	} {
		if got, ok := dotnet.ParseRFC1123(dotnet.FormatRFC1123(at)); !ok || !got.Equal(at) {
			t.Errorf("%v is read as %v", at, got)
		}
	}
}
