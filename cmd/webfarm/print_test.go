package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestRelative(t *testing.T) {
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	tests := []struct {
		after time.Duration
		want  string
	}{
		{0, "now"},
		{999 * time.Millisecond, "now"},
		{42 * time.Second, "in 42s"},
		{-42 * time.Second, "42s ago"},
		{59*time.Second + 600*time.Millisecond, "in 1m"},
		{59*time.Minute + 29*time.Second, "in 59m"},
		{59*time.Minute + 59*time.Second, "in 1h00m"},
		{3*time.Hour + 12*time.Minute, "in 3h12m"},
		{-(3*time.Hour + 2*time.Minute), "3h02m ago"},
		{47 * time.Hour, "in 47h00m"},
		{48*time.Hour - time.Second, "in 2 days"},
		{-48 * time.Hour, "2 days ago"},
		{90*24*time.Hour - time.Second, "in 90 days"},
		{89*24*time.Hour + 11*time.Hour, "in 89 days"},
		{365 * 24 * time.Hour, "in 365 days"},
		{-3 * 365 * 24 * time.Hour, "3 years ago"},
	}
	for _, tt := range tests {
		if got := relative(now.Add(tt.after), now); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.after, got, tt.want)
		}
	}
	for _, year := range []int{1, 9999} { // what .NET can say
		if got := relative(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), now); !strings.Contains(got,
			"more than 200 years") {
			t.Errorf("year %d: %q", year, got)
		}
	}
}

func TestJudgedAt(t *testing.T) {
	want := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-01-31T18:00:00Z", "2026-01-31T19:00:00+01:00",
		"2026-01-31 18:00:00", "2026-01-31 18:00", "2026-01-31T18:00:00"} {
		if got, err := judgedAt(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got, err := judgedAt("2026-01-31"); err != nil || !got.Equal(want.Truncate(24*time.Hour)) {
		t.Errorf("a date alone: %v, %v", got, err)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"Jürgen Ω":               "Jürgen Ω",
		"a\x1b[2Jb":              `"a\x1b[2Jb"`,
		"two\nlines":             `"two\nlines"`,
		"right\u202eto left":     `"right\u202eto left"`,
		"no utf-8 \xff":          `"no utf-8 \xff"`,
		strings.Repeat("ä", 300): strings.Repeat("ä", 200) + "... (300 characters)",
	} {
		if got := abridged(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWriteTable(t *testing.T) {
	var b bytes.Buffer
	writeTable(&b, "> ", [][]string{
		{"one", "two", "three"},
		{"größer", "", "drei"},
		{strings.Repeat("x", maxColumn+1), "2", ""},
		{"alone"},
	})
	want := "> one     two  three\n> größer       drei\n> " + strings.Repeat("x", maxColumn+1) +
		"  2\n> alone\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestFolded breaks prose at blanks and nothing else, and loses no word.
func TestFolded(t *testing.T) {
	long := strings.Repeat("x", 90)
	for _, test := range []struct{ text, indent, want string }{
		{"short  text", "  ", "short  text"},
		{strings.Repeat("a", 77) + " b", "  ", strings.Repeat("a", 77) + "\n  b"},
		{strings.Repeat("a", 76) + " b", "  ", strings.Repeat("a", 76) + " b"},
		{strings.Repeat("\u00e4", 76) + " b", "  ", strings.Repeat("\u00e4", 76) + " b"},
		{long, "", long},
		{"a " + long + " b", "    ", "a\n    " + long + "\n    b"},
		{"  fact: " + strings.Repeat("a", 70) + " b", "  ", "  fact: " + strings.Repeat("a", 70) + "\n    b"},
		{"a " + strings.Repeat("b", 26), strings.Repeat(" ", 70),
			"a\n" + strings.Repeat(" ", 70) + strings.Repeat("b", 26)},
		{"", "  ", ""},
	} {
		if got := folded(test.text, test.indent); got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}
