package webconfig

import (
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// sectionOf returns a section with one attribute named x.
func sectionOf(value string) *Section {
	return &Section{Path: "s", RefLine: 7, r: &reader{},
		Element: &xmltree.Element{Name: "s", Line: 7,
			Attrs: []xmltree.Attr{{Name: "x", Value: value}}}}
}

func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		value string
		read  func(a *Section) any
		want  any
		code  string
	}{
		{" a ", func(a *Section) any { return a.Text("x", "d") }, " a ", ""},
		{" a ", func(a *Section) any { return a.NonEmpty("x", "d") }, "a", ""},
		{"", func(a *Section) any { return a.NonEmpty("x", "d") }, "d", CodeEmptyAttribute},
		{" \n", func(a *Section) any { return a.NonEmpty("x", "d") }, "d", CodeEmptyAttribute},
		{" TRUE ", func(a *Section) any { return a.Bool("x", false) }, true, ""},
		{"False", func(a *Section) any { return a.Bool("x", true) }, false, ""},
		{"1", func(a *Section) any { return a.Bool("x", false) }, false, CodeInvalidBoolean},
		{"", func(a *Section) any { return a.Bool("x", true) }, true, CodeInvalidBoolean},
		{"yes", func(a *Section) any { return a.Bool("x", false) }, false, CodeInvalidBoolean},
		{"All", func(a *Section) any { return a.Enum("x", "d", "All", "None") }, "All", ""},
		{"all", func(a *Section) any { return a.Enum("x", "d", "All", "None") }, "d", CodeInvalidEnum},
		{"All ", func(a *Section) any { return a.Enum("x", "d", "All", "None") }, "d", CodeInvalidEnum},
		{"0", func(a *Section) any { return a.Enum("x", "d", "All", "None") }, "d", CodeInvalidEnum},
		{"lax", func(a *Section) any { return a.EnumFold("x", "d", "None", "Lax") }, "Lax", ""},
		{"lux", func(a *Section) any { return a.EnumFold("x", "d", "None", "Lax") }, "d", CodeInvalidEnum},
		{" 30 ", func(a *Section) any { return a.Int("x", 1, 1, "invalid_timeout") }, 30, ""},
		{"0", func(a *Section) any { return a.Int("x", 5, 1, "invalid_timeout") }, 5, "invalid_timeout"},
		{"00:30:00", func(a *Section) any { return a.Int("x", 5, 1, "invalid_timeout") }, 5, "invalid_timeout"},
		{"2147483648", func(a *Section) any { return a.Int("x", 5, 1, "invalid_timeout") }, 5,
			"invalid_timeout"},
		{"1.00:00:00", func(a *Section) any { return a.TimeSpan("x", 0, 48*time.Hour) }, 24 * time.Hour, ""},
		{"3", func(a *Section) any { return a.TimeSpan("x", 1, 48*time.Hour) }, time.Duration(1),
			CodeInvalidTimeSpan},
		{"-00:01", func(a *Section) any { return a.TimeSpan("x", 1, 48*time.Hour) },
			time.Duration(1), CodeInvalidTimeSpan},
		{"soon", func(a *Section) any { return a.TimeSpan("x", 1, 48*time.Hour) }, time.Duration(1),
			CodeInvalidTimeSpan},
	} {
		a := sectionOf(test.value)
		got := test.read(a)
		a.Done()
		err := a.Err()
		code, line := codeOf(t, err)
		if got != test.want || code != test.code || err != nil && line != 7 {
			t.Errorf("%q: %v, %v; want %v, %q", test.value, got, err, test.want, test.code)
		}
	}
	// The first fault stays, but an unknown attribute comes before it.
	for _, test := range []struct {
		more []xmltree.Attr
		done func(*Section)
		want string
	}{
		{nil, (*Section).Done, CodeInvalidBoolean},
		{[]xmltree.Attr{{Name: "y"}}, (*Section).Done, CodeUnknownAttribute},
		{[]xmltree.Attr{{Name: "y"}}, (*Section).DonePartly, CodeInvalidBoolean},
	} {
		a := sectionOf("1")
		a.Attrs = append(a.Attrs, test.more...)
		a.Bool("x", false)
		a.Fail("later", "x", "", "")
		test.done(a)
		if code, _ := codeOf(t, a.Err()); code != test.want {
			t.Errorf("%v, want %s", a.Err(), test.want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for s, want := range map[string]Version{
		"4.0": {4, 0, -1, -1}, "4.5 ": {4, 5, -1, -1}, " 4 . 5 ": {4, 5, -1, -1}, "+4.+5": {4, 5, -1, -1},
		"4.5.2": {4, 5, 2, -1}, "4.6.1.0": {4, 6, 1, 0}, "4.10": {4, 10, -1, -1}, "4.2147483647": {4, 2147483647, -1, -1},
	} {
		if v, ok := ParseVersion(s); !ok || v != want {
			t.Errorf("%q: %v, %v", s, v, ok)
		}
	}
	for _, s := range []string{"", "4", "v4.5", "4.", ".5", "4.5.", "4.5.2.0.1", "4.-5", "4,5",
		"4.5a", "4.2147483648", "net48", "4.0x5", "4.1_0", "0x4.5"} {
		if v, ok := ParseVersion(s); ok {
			t.Errorf("%q: %v", s, v)
		}
	}
	for s, want := range map[string]bool{"4.0": false, "4.4.9": false, "3.9": false, "4.5": true,
		"4.5.1": true, "4.10": true, "5.0": true} {
		if v, _ := ParseVersion(s); (HTTPRuntime{Version: v}).TargetsFramework45() != want {
			t.Errorf("%s at least 4.5: %v", s, !want)
		}
	}
}

func TestParseTimeSpan(t *testing.T) {
	const day = 24 * time.Hour
	for s, want := range map[string]time.Duration{
		"30": 30 * day, "0": 0, "10:00": 10 * time.Hour, "00:30:00": 30 * time.Minute, "0:0:0": 0, "1.00:00:00": day,
		"60.0:0:0": 60 * day, "1.02:03": day + 2*time.Hour + 3*time.Minute, "1:02:03:04": day + 2*time.Hour + 3*time.Minute + 4*time.Second,
		"-00:05": -5 * time.Minute, " 00:05 ": 5 * time.Minute, "00:00:00.5": time.Second / 2, "00:00:01.0000001": time.Second + 100,
		"1:02:03:04.25": day + 2*time.Hour + 3*time.Minute + 4*time.Second + time.Second/4,
		"23:59:59":      day - time.Second, "365.0:0:0": 365 * day,
	} {
		if d, ok := ParseTimeSpan(s); !ok || d != want {
			t.Errorf("%q: %v, %v; want %v", s, d, ok, want)
		}
	}
	for _, s := range []string{"", "-", ":", "::", "24:00:00", "00:60", "00:00:60", "1.5", "1.",
		".5", "1.24:00", "1.2:3:4:5", "1:2:3:4:5",
		"00:00:00.", "00:00:00.12345678", "+1", "1 day", "999999999", "99999999999999999999", "00:-5", "Infinite", "1_0", "01:0x1"} {
		if d, ok := ParseTimeSpan(s); ok {
			t.Errorf("%q: %v", s, d)
		}
	}
}

func TestTypeName(t *testing.T) {
	for s, want := range map[string]string{"A.B, C, Version=1": "A.B", " A.B  ,\n C": "A.B",
		"A.B": "A.B", "": ""} {
		if got := TypeName(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestNearly(t *testing.T) {
	for _, test := range []struct {
		name, want string
		near       bool
	}{
		{"machinekey", "machineKey", true}, {"machieKey", "machineKey", true},
		{"machineKeys", "machineKey", true}, {"macihneKye", "machineKey", true},
		{"machine", "machineKey", false}, {"Add", "add", true}, {"adds", "add", false},
		{"form", "forms", true}, {"fomrs", "forms", true}, {"frosm", "forms", false}, {"from", "forms", false},
		{"", "add", false}, {"authorization", "authentication", false},
		{"cookieHandlers", "cookieHandler", true},
		{strings.Repeat("m", 1<<20), "machineKey", false},
	} {
		if nearly(test.name, test.want) != test.near {
			t.Errorf("%.20q for %q: %v", test.name, test.want, !test.near)
		}
	}
}
