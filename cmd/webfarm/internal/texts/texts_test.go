package texts_test

import (
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
)

const file = `# a comment
[first]
says: The {what} of {file}
   goes on: here.
reason: one

reason: two: parts
# another
[second]
says: never seen
fix: from the base
[second/variant]
says:
  {What} begins {unknown}.
`

func TestParse(t *testing.T) {
	f := texts.Parse(file)
	if len(f) != 3 {
		t.Fatalf("%d sections: %v", len(f), f)
	}
	first := f["first"]
	if got := first.Text("says", "what", "key", "file",
		"{what}"); got != "The key of {what} goes on: here." {
		t.Errorf("%q", got)
	}
	if got := first["reason"]; !slices.Equal(got, []string{"one", "two: parts"}) {
		t.Errorf("%q", got)
	}
	if got := f["second/variant"].Text("says", "what", "élan"); got != "Élan begins {unknown}." {
		t.Errorf("%q", got)
	}
	if got := f["second/variant"].Text("fix"); got != "from the base" {
		t.Errorf("%q", got)
	}
	if got := first.Text("missing"); got != "" {
		t.Errorf("%q", got)
	}
	if got := texts.Fill("{N} of {n}", "n", 3); got != "3 of 3" {
		t.Errorf("%q", got)
	}
}

func TestParsePanics(t *testing.T) {
	for _, bad := range []string{"says: x", "[a]\nno field", "[a]\n  says: x", "[a]\n[a]", "[a",
		" [a]", "[a]\ntwo words: x"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", bad)
				}
			}()
			texts.Parse(bad)
		}()
	}
}
