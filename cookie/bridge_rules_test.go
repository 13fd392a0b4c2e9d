package cookie

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tables of TestBridgeRules have a row for each standing of one half, and a
// letter for each of the other: absent, expired, ended, unknown, same, renewed,
// again, other.
const (
	// Rows: the half of System.Web. Letters: . nothing, 0 its session is copied, 1
	// that of ASP.NET Core is, 2 both began by themselves, x what was ended goes, _
	// cannot be.
	withoutMarker = `
		..x.___1
		..x.___1
		xxx.___1
		........
		___.____
		___.____
		___.____
		000.___2`
	// Rows: the original. o: it is copied as a new one, c: the copy is a new
	// original and copied, e: the original is copied once more, l: both are named
	// anew, x: both end, 2: both began by themselves.
	withMarker = `
		xxx.xxcc
		xxx.xxcc
		xxx.xxcc
		........
		xex..llc
		xex.ellc
		oeo.ellc
		ooo.ooo2`
)

// TestBridgeRules compares the decision on every combination with the tables.
func TestBridgeRules(t *testing.T) {
	both, marked := strings.Fields(withoutMarker), strings.Fields(withMarker)
	count := 0
	for i := range 1 << 7 {
		q := question{marked: i&1 != 0, original: i >> 1 & 1, oneUser: i>>2&1 != 0,
			elder: i >> 3 & 1, past: i>>4&1 != 0}
		q.from = [][2]bool{{true, true}, {true, false}, {false, true}}[(i>>5&3)%3]
		for s := range 64 {
			q.is = [2]standing{standing(s >> 3), standing(s & 7)}
			letter := both[q.is[0]][q.is[1]]
			if q.marked {
				row, column := q.is[q.original], q.is[1-q.original]
				if q.past && (row == same || row == renewed) {
					row = expired
				}
				letter = marked[row][column]
			}
			if !q.marked && letter == '_' { // there is nothing to be the same as
				continue
			}
			o := q.original
			want, of := leave, -1
			begins := func(half int) {
				if want, of = begin, half; !q.from[half] {
					want, of = unlink, -1
				}
				if want == unlink && !q.marked {
					want = leave
				}
			}
			switch letter {
			case '.':
				if q.marked && q.is[0] == same && q.is[1] == same {
					of = o
				}
			case '0', '1':
				begins(int(letter - '0'))
			case 'o':
				begins(o)
			case 'c':
				begins(1 - o)
			case 'e':
				want, of = extend, o
			case 'l':
				want, of = link, o
			case 'x':
				want = end
			case '2':
				switch {
				case !q.oneUser && q.marked:
					want = unlink
				case !q.oneUser:
				case q.from == [2]bool{true, true}:
					want, of = link, q.elder
				case q.from[0]:
					want, of = link, 0
				default:
					want, of = link, 1
				}
			default:
				t.Fatalf("letter %q", letter)
			}
			if got, gotOf := decide(q); got != want || gotOf != of {
				t.Fatalf("%+v: %d of %d, want %d of %d", q, got, gotOf, want, of)
			}
			count++
		}
	}
	if count < 4000 {
		t.Errorf("%d combinations", count)
	}
}

// markers are some that the bridge writes.
func markers() []*marker {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	return []*marker{
		{issued: time.Time{}.UTC()},
		{original: 1, issued: at, expires: at.Add(time.Hour), began: at.Add(-time.Hour),
			ends: at.Add(12 * time.Hour), halves: [2]trace{{sumOf("a"), true, "urn:uuid:0", "user",
				"key"}, {sumOf("b"), false, strings.Repeat("é", 300), "", "k2"}}},
	}
}

func TestMarker(t *testing.T) {
	for _, m := range markers() {
		data := m.append(nil)
		got, ok := parseMarker(data)
		if !ok || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v became %+v, %v", m, got, ok)
		}
		for n := range data {
			if _, ok := parseMarker(data[:n]); ok {
				t.Errorf("%d of %d bytes are read", n, len(data))
			}
		}
		if _, ok := parseMarker(append(slices.Clone(data), 0)); ok {
			t.Error("a byte more is read")
		}
	}
}

// FuzzParseMarker wants what is read to be what is written.
func FuzzParseMarker(f *testing.F) {
	if len(markers()) == 0 {
		f.Fatal("no seeds")
	}
	for _, m := range markers() {
		f.Add(m.append(nil))
	}
	f.Add([]byte("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ok := parseMarker(data)
		if !ok {
			return
		}
		if again, ok := parseMarker(m.append(nil)); !ok || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v became %+v", m, again)
		}
		if len(m.append(nil)) > len(data) {
			t.Errorf("% x grew", data)
		}
	})
}
