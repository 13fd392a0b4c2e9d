package webconfig

import (
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// checkSpelling reports an element of a configuration whose name is not want
// but nearly so. parent is the path it stands in, file as in [Error].
func checkSpelling(e *xmltree.Element, want, parent, file string) *Error {
	if e.Space != "" || e.Name == want || !nearly(e.Name, want) ||
		strings.EqualFold(e.Name, "system.net") { // a section group two letters away from system.web
		return nil
	}
	return &Error{Code: CodeUnknownElement, Section: strings.TrimPrefix(parent+"/"+want, "/"),
		File: file, Line: e.Line, Found: "<" + secret.Name(e.Name) + ">",
		Want: "<" + want + "> (names are case sensitive)"}
}

// propose returns the one of known that name was probably meant to be, or "".
func propose(name string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return k
		}
	}
	for _, k := range known {
		if nearly(name, k) {
			return k
		}
	}
	return ""
}

// nearly reports whether name is a misspelling of want: wrong case, or one
// letter missing, extra, wrong or swapped with its neighbour; two such faults
// in names of 8 letters and more, none in those below 5.
func nearly(name, want string) bool {
	faults := 2
	switch {
	case len(want) < 5:
		faults = 0
	case len(want) < 8:
		faults = 1
	}
	if len(name) > len(want)+faults || len(name) < len(want)-faults {
		return false
	}
	return distance(strings.ToLower(name), strings.ToLower(want)) <= faults
}

// distance is the number of single letters to insert, delete, replace or swap
// with their neighbour to turn a into b (optimal string alignment). Both are
// short: nearly compares their lengths first.
func distance(a, b string) int {
	// d[i][j] is the distance between a[:i] and b[:j]. A large file has many
	// names to compare, so the rows share one array.
	width := len(b) + 1
	cells := make([]int16, (len(a)+1)*width)
	d := make([][]int16, len(a)+1)
	for i := range d {
		d[i] = cells[i*width:][:width]
		d[i][0] = int16(i)
	}
	for j := range d[0] {
		d[0][j] = int16(j)
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return int(d[len(a)][len(b)])
}
