package sessiontoken

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/internal/floor"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// newFloor uses key A.
func newFloor(t testing.TB, f *fileJSON) *floor.Session {
	key := f.MachineKeys["A"]
	s, err := floor.NewSession(testkit.Unhex(t, key.ValidationKey), testkit.Unhex(t, key.DecryptionKey))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tokenStream returns the NRBF stream of a token.
func tokenStream(t testing.TB, tok *Token) []byte {
	doc, err := marshal(wif.V45, tok)
	if err != nil {
		t.Fatal(err)
	}
	return nrbf.AppendSession(nil, doc)
}

// TestFloor shows that the floor does the work it is meant to.
func TestFloor(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	tok, text := benchToken(t, f, c, "one-claim")
	if !bytes.Equal(newFloor(t, f).Read(text), tokenStream(t, tok)) {
		t.Fatal("the floor reads something else")
	}
}
