package webconfig

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// trim removes the white space that .NET's String.Trim would.
func trim(s string) string { return strings.TrimSpace(s) }

// ParseBool reads true or false in any case with blanks around it, as
// System.Boolean.Parse does. 1 and 0 are no booleans.
func ParseBool(s string) (value, ok bool) {
	switch s = trim(s); {
	case fold.Equal(s, "true"):
		return true, true
	case fold.Equal(s, "false"):
		return false, true
	}
	return false, false
}

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

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int32) bool {
	return v[0] > major || v[0] == major && v[1] >= minor
}

// ParseTimeSpan reads a time span as System.TimeSpan.Parse does:
//
//	[-] d                      days
//	[-] [d.]hh:mm[:ss[.f…]]    at most 23:59:59, up to 7 decimals
//	[-] d:hh:mm:ss[.f…]
//
// Spans beyond the range of time.Duration (292 years) are refused.
func ParseTimeSpan(s string) (d time.Duration, ok bool) {
	s = trim(s)
	s, negative := strings.CutPrefix(s, "-")
	fields := strings.Split(s, ":")
	var days, hours, minutes, seconds, fraction int64
	switch len(fields) {
	case 1:
		days, ok = number(s, math.MaxInt32)
	case 2, 3, 4:
		hour := fields[0]
		if before, after, dotted := strings.Cut(hour, "."); dotted || len(fields) == 4 {
			hour = after
			if len(fields) == 4 {
				if dotted {
					return 0, false
				}
				hour, fields = fields[1], fields[1:]
			}
			if days, ok = number(before, math.MaxInt32); !ok {
				return 0, false
			}
		}
		var second, ticks string
		dotted := false
		if len(fields) == 3 {
			second, ticks, dotted = strings.Cut(fields[2], ".")
		} else {
			second = "0"
		}
		var ok1, ok2, ok3 bool
		hours, ok1 = number(hour, 23)
		minutes, ok2 = number(fields[1], 59)
		seconds, ok3 = number(second, 59)
		ok = ok1 && ok2 && ok3
		if dotted {
			if len(ticks) == 0 || len(ticks) > 7 {
				return 0, false
			}
			fraction, dotted = number(ticks+"0000000"[len(ticks):], math.MaxInt32)
			ok = ok && dotted
		}
	}
	total := ((days*24+hours)*60+minutes)*60 + seconds
	if !ok || total >= math.MaxInt64/int64(time.Second) {
		return 0, false
	}
	d = time.Duration(total)*time.Second + time.Duration(fraction)*100
	if negative {
		d = -d
	}
	return d, true
}

// number reads decimal digits of at most most.
func number(s string, most int64) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n <= most
}

// TypeName returns the class of an assembly-qualified .NET type name: the part
// before the first comma, without blanks and line breaks.
func TypeName(s string) string {
	class, _, _ := strings.Cut(s, ",")
	return trim(class)
}
