package dataprotection

import (
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// parseDate reads an xs:dateTime or xs:date as XmlConvert.ToDateTimeOffset
// does, to the tick of 100 ns. Without an offset it is UTC.
func parseDate(text string) (time.Time, bool) {
	text = strings.Trim(text, xmlSpace)
	text, offset, ok := cutOffset(text)
	if !ok {
		return time.Time{}, false
	}
	day, clock, timed := strings.Cut(text, "T")
	t, err := time.Parse("2006-01-02", day)
	if err != nil || t.Year() == 0 {
		return time.Time{}, false
	}
	if timed {
		since, ok := parseClock(clock)
		if !ok {
			return time.Time{}, false
		}
		t = t.Add(since)
	}
	t = t.Add(-offset)
	if _, inRange := dotnet.Ticks(t); !inRange {
		return time.Time{}, false
	}
	return t, true
}

// cutOffset cuts Z, +hh:mm or -hh:mm off the end of a date.
func cutOffset(text string) (rest string, offset time.Duration, ok bool) {
	if rest, ok := strings.CutSuffix(text, "Z"); ok {
		return rest, 0, true
	}
	at := len(text) - len("+00:00")
	if at < len("2006-01-02") || text[at+3] != ':' || text[at] != '+' && text[at] != '-' {
		return text, 0, true
	}
	hours, ok1 := twoDigits(text[at+1:at+3], 14)
	minutes, ok2 := twoDigits(text[at+4:], 59)
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[at] == '-' {
		offset = -offset
	}
	return text[:at], offset, ok1 && ok2 && offset.Abs() <= 14*time.Hour
}

// parseClock reads hh:mm:ss with any number of digits behind a point.
func parseClock(text string) (time.Duration, bool) {
	text, fraction, fractional := strings.Cut(text, ".")
	if len(text) != 8 || text[2] != ':' || text[5] != ':' || fractional && fraction == "" {
		return 0, false
	}
	hours, ok1 := twoDigits(text[:2], 23)
	minutes, ok2 := twoDigits(text[3:5], 59)
	seconds, ok3 := twoDigits(text[6:], 59)
	if !ok1 || !ok2 || !ok3 || strings.Trim(fraction, "0123456789") != "" {
		return 0, false
	}
	ticks, _ := strconv.Atoi((fraction + "0000000")[:7])
	if len(fraction) > 7 && fraction[7] >= '5' {
		ticks++
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute +
		time.Duration(seconds)*time.Second + time.Duration(ticks)*100, true
}

func twoDigits(text string, largest int) (int, bool) {
	if len(text) != 2 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n := int(text[0]-'0')*10 + int(text[1]-'0')
	return n, n <= largest
}
