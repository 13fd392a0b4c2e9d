package webconfig

import (
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// trim removes the white space that .NET's String.Trim would.
func trim(s string) string { return strings.TrimSpace(s) }

// Version is a System.Version: two to four numbers, those not given -1.
type Version [4]int32

// ParseVersion reads "4.5", "4.5.2" or "4.6.1.0" as System.Version.Parse does,
// which allows blanks and a sign around each number. "4" is no version.
func ParseVersion(s string) (v Version, ok bool) {
	v = Version{-1, -1, -1, -1}
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > len(v) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseInt(trim(part), 10, 32)
		if err != nil || n < 0 {
			return v, false
		}
		v[i] = int32(n)
	}
	return v, true
}

// ParseTimeSpan reads a time span as System.TimeSpan.Parse does:
//
//	[-] d                      days
//	[-] [d.]hh:mm[:ss[.f…]]    at most 23:59:59, up to 7 decimals
//	[-] d:hh:mm:ss[.f…]
//
// Spans beyond the range of time.Duration (292 years) are refused.
func ParseTimeSpan(s string) (d time.Duration, ok bool) {
	s, negative := strings.CutPrefix(trim(s), "-")
	switch colons := strings.Count(s, ":"); {
	case colons == 0:
		s += ".0:0"
	case colons == 3 && strings.Index(s, ":") != strings.IndexAny(s, ".:"):
		return 0, false // a dot and a colon after the days
	case colons == 3:
		s = strings.Replace(s, ":", ".", 1)
	}
	parts := timeSpan.FindStringSubmatch(s)
	if parts == nil {
		return 0, false
	}
	parts[5] = (parts[5] + "0000000")[:7]
	var n [5]int64
	for i, most := range [...]int64{math.MaxInt32, 23, 59, 59, math.MaxInt32} {
		v, err := strconv.ParseInt(cmp.Or(parts[i+1], "0"), 10, 64)
		if err != nil || v > most {
			return 0, false
		}
		n[i] = v
	}
	total := ((n[0]*24+n[1])*60+n[2])*60 + n[3]
	if total >= math.MaxInt64/int64(time.Second) {
		return 0, false
	}
	d = time.Duration(total)*time.Second + time.Duration(n[4])*100
	if negative {
		d = -d
	}
	return d, true
}

// timeSpan has days, hours, minutes, seconds and decimals.
var timeSpan = regexp.MustCompile(`^(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(?:\.(\d{1,7}))?)?$`)

// TypeName returns the class of an assembly-qualified .NET type name: the part
// before the first comma, without blanks and line breaks.
func TypeName(s string) string {
	class, _, _ := strings.Cut(s, ",")
	return trim(class)
}
