package fold

import (
	"testing"
	"unicode"
)

// TestToUpper has what .NET makes of letters where others make something else.
func TestToUpper(t *testing.T) {
	for in, want := range map[string]string{
		"":       "",
		"Kate_1": "KATE_1",
		"\u212A": "\u212A", // KELVIN SIGN
		"\u212B": "\u212B", // ANGSTROM SIGN
		"å":      "Å",
		"ıIiİ":   "ıIIİ",
		"ſsS":    "ſSS",
		"ß":      "ß",
		"ẞ":      "ẞ",
		"ÿ":      "Ÿ",
		"ς":      "Σ",
		"ǆǅǄ":    "ǄǄǄ",
		"ŉ":      "ŉ",
		"ﬁ":      "ﬁ",
		"я":      "Я",
		"𐐨":      "𐐨", // DESERET, two UTF-16 units
		"a\xff":  "a\xff",
		"日本":     "日本",
	} {
		if got := ToUpper(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestEqual compares every code point with all that strings.EqualFold takes
// for it.
func TestEqual(t *testing.T) {
	pairs := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			pairs++
			a, b := "x"+string(r)+"y", "X"+string(o)+"Y"
			if got, want := Equal(a, b), ToUpper(a) == ToUpper(b); got != want {
				t.Errorf("%q, %q: %v", a, b, got)
			}
		}
	}
	if pairs < 2000 {
		t.Errorf("%d pairs", pairs)
	}
	for _, two := range [][2]string{{"k", "\u212A"}, {"s", "ſ"}, {"i", "ı"}, {"a", "ab"},
		{"ab", "a"}, {"", "a"}, {"é", "e"}, {"\xff", "\xfe"}, {"@", "`"}, {"[", "{"}} {
		if Equal(two[0], two[1]) {
			t.Errorf("%q and %q are equal", two[0], two[1])
		}
	}
	for _, one := range [][2]string{{"", ""}, {"Role", "rOLE"}, {"Éa", "éA"}, {"\xff", "\xff"}} {
		if !Equal(one[0], one[1]) {
			t.Errorf("%q and %q are not equal", one[0], one[1])
		}
	}
}
