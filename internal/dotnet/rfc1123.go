package dotnet

import (
	"strings"
	"time"
)

// rfc1123 is .NET's format "r".
const rfc1123 = "Mon, 02 Jan 2006 15:04:05 GMT"

// FormatRFC1123 returns t, rounded down to the second, in .NET's format "r".
func FormatRFC1123(t time.Time) string { return t.UTC().Format(rfc1123) }

// ParseRFC1123 accepts what FormatRFC1123 writes for the years 1 to 9999,
// with the right day of the week, and the names of days and months in any case
// of letters, as DateTimeOffset.TryParseExact does with "r". GMT is in capitals.
func ParseRFC1123(s string) (time.Time, bool) {
	if len(s) != len(rfc1123) {
		return time.Time{}, false
	}
	number := func(from, to int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	day, month, year := number(5, 7), strings.Index(monthNames,
		capitalized(s[8:11])), number(12, 16)
	hour, minute, second := number(17, 19), number(20, 22), number(23, 25)
	if month%3 != 0 || year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day || capitalized(s[:3]) != dayNames[3*t.Weekday():][:3] ||
		s[3:5] != ", " || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[19] != ':' ||
		s[22] != ':' || s[25:] != " GMT" {
		return time.Time{}, false
	}
	return t, true
}

// capitalized returns three bytes with the bit that makes the case of a letter as
// in "Mon". No other byte becomes a letter.
func capitalized(s string) string { return string([]byte{s[0] &^ 0x20, s[1] | 0x20, s[2] | 0x20}) }

const (
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
	dayNames   = "SunMonTueWedThuFriSat"
)
