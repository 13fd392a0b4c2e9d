package dotnet

import (
	"math"
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		ticks int64
		time  string
	}{
		{0, "0001-01-01T00:00:00Z"},
		{1, "0001-01-01T00:00:00.0000001Z"},
		{504911232000000000, "1601-01-01T00:00:00Z"}, // FILETIME zero
		{621355968000000000, "1970-01-01T00:00:00Z"},
		{621355967999999999, "1969-12-31T23:59:59.9999999Z"},
		{638396640000000000, "2024-01-01T00:00:00Z"},
		{MaxTicks, "9999-12-31T23:59:59.9999999Z"},
	} {
		want, err := time.Parse(time.RFC3339Nano, test.time)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Time(test.ticks)
		if !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("Time(%d) = %v, %v, want %v", test.ticks, got, ok, want)
		}
		back, ok := Ticks(want.In(time.FixedZone("", 3600)))
		if !ok || back != test.ticks {
			t.Errorf("Ticks(%v) = %d, %v, want %d", want, back, ok, test.ticks)
		}
	}
}

func TestTicksOutOfRange(t *testing.T) {
	for _, ticks := range []int64{-1, math.MinInt64, MaxTicks + 1, math.MaxInt64, 1 << 62} {
		if got, ok := Time(ticks); ok {
			t.Errorf("Time(%d) = %v, want none", ticks, got)
		}
	}
	for _, when := range []time.Time{
		time.Date(0, 12, 31, 23, 59, 59, 999999999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Unix(math.MaxInt64, 0),
		time.Unix(math.MinInt64, 0),
	} {
		if got, ok := Ticks(when); ok {
			t.Errorf("Ticks(%v) = %d, want none", when, got)
		}
	}
}

func TestTicksTruncate(t *testing.T) {
	for _, test := range []struct {
		time  time.Time
		ticks int64
	}{
		{time.Unix(0, 99), 621355968000000000},
		{time.Unix(0, 199), 621355968000000001},
		{time.Unix(0, -1), 621355967999999999},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), MaxTicks},
	} {
		if got, ok := Ticks(test.time); !ok || got != test.ticks {
			t.Errorf("Ticks(%v) = %d, %v, want %d", test.time, got, ok, test.ticks)
		}
	}
}

func FuzzTicks(f *testing.F) {
	for _, n := range []int64{-1, 0, 1, 638505760890000000, MaxTicks, MaxTicks + 1} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		when, ok := Time(n)
		if ok != (n >= 0 && n <= MaxTicks) {
			t.Fatalf("Time(%d) ok = %v", n, ok)
		}
		if !ok {
			return
		}
		if back, ok := Ticks(when); !ok || back != n {
			t.Errorf("Ticks(Time(%d)) = %d, %v", n, back, ok)
		}
		if y := when.Year(); y < 1 || y > 9999 {
			t.Errorf("Time(%d) lies in year %d", n, y)
		}
	})
}
