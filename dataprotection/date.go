package dataprotection

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// dateTime has day, time, decimals and offset of an xs:dateTime or xs:date.
var dateTime = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(T\d\d:[0-5]\d:[0-5]\d(?:\.(\d+))?)?` +
	`(Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?$`)

// parseDate reads an xs:dateTime or xs:date as XmlConvert.ToDateTimeOffset
// does, to the tick of 100 ns. Without an offset it is UTC.
func parseDate(text string) (time.Time, bool) {
	m := dateTime.FindStringSubmatch(strings.Trim(text, xmlSpace))
	if m == nil {
		return time.Time{}, false
	}
	seconds := (m[2] + "T00:00:00")[:len("T00:00:00")]
	t, err := time.Parse(time.RFC3339, m[1]+seconds+cmp.Or(m[4], "Z"))
	if err != nil || t.Year() == 0 {
		return time.Time{}, false
	}
	ticks, _ := strconv.Atoi((m[3] + "0000000")[:7])
	if len(m[3]) > 7 && m[3][7] >= '5' {
		ticks++
	}
	t = t.UTC().Add(time.Duration(ticks) * 100)
	_, inRange := dotnet.Ticks(t)
	return t, inRange
}
