package dotnet

import "time"

// MaxTicks is the last instant of System.DateTime, 100 ns before the year
// 10000. Zero is 0001-01-01T00:00:00Z, and a tick is 100 ns.
const MaxTicks = 3155378975999999999

const (
	ticksPerSecond = 10_000_000
	unixEpoch      = 62_135_596_800  // 1970-01-01 in seconds since year 1
	endOfTime      = 315_537_897_600 // 10000-01-01 in seconds since year 1
)

// Time returns the UTC time of a tick count, and false if the count is
// negative or above [MaxTicks].
func Time(ticks int64) (time.Time, bool) {
	if ticks < 0 || ticks > MaxTicks {
		return time.Time{}, false
	}
	return time.Unix(ticks/ticksPerSecond-unixEpoch, ticks%ticksPerSecond*100).UTC(), true
}

// Ticks returns the tick count of t, rounded down to 100 ns, and false if t
// lies outside the years 1 to 9999 of UTC.
func Ticks(t time.Time) (int64, bool) {
	sec := t.Unix()
	if sec < -unixEpoch || sec >= endOfTime-unixEpoch {
		return 0, false
	}
	return (sec+unixEpoch)*ticksPerSecond + int64(t.Nanosecond()/100), true
}
