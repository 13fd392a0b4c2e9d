package testvectors_test

import (
	"testing"

	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// documentVector is a token document and what the reader of .NET makes of it.
type documentVector struct {
	Name, Desc, Provenance string
	NBFXHex                hexBytes
	Expected               *model
	Error, Message         string
}

func runDocument(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []documentVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *documentVector) string { return v.Name },
		func(t *testing.T, v *documentVector) {
			if (v.Expected == nil) == (v.Error == "") {
				t.Fatal("not exactly one of expected and error")
			}
			checkDocument(t, f, v.Name, v.NBFXHex, v.Expected)
		})
}

// checkDocument reads a document that must be the expected token, or must be
// refused if there is none, and writes it again.
func checkDocument(t *testing.T, f *file, name string, doc []byte, want *model) {
	t.Helper()
	got, err := tokentest.Unmarshal(wif.V45, doc)
	switch {
	case want == nil && err == nil:
		t.Fatalf("read as %v; .NET refuses", got)
	case want == nil:
		return
	case err != nil:
		f.refused(t, name, err, declaredClass(err))
		return
	}
	want.compare(t, f, got)
	again, err := tokentest.Marshal(wif.V45, got)
	if len(got.Principal.Identities) == 0 || got.ValidTo.Before(got.ValidFrom) {
		return // neither .NET nor this module issues such a token
	}
	if err != nil {
		if !f.own { // by hand one can make documents that nobody issues
			t.Fatal(err)
		}
		return
	}
	back, err := tokentest.Unmarshal(wif.V45, again)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences("written anew", describe(wif.V45, back),
		describe(wif.V45, got), true) {
		t.Error(difference)
	}
}
