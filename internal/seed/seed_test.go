package seed_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
)

// named is a test of another name.
type named struct {
	testing.TB
	name string
}

func (n *named) Name() string { return n.name }

// TestOf wants the same stream in each run, another one for another test and
// another seed, and that it goes on where a helper stopped.
func TestOf(t *testing.T) {
	for _, tt := range []struct{ variable, name, want string }{
		{"", "TestA", "b4e9e48484c1d198"},
		{"1", "TestA", "b4e9e48484c1d198"},
		{"", "TestB", "8475ff036200e0d9"},
		{"2", "TestA", "66b900e46cd93a9c"},
	} {
		t.Setenv("WEBFARM_SEED", tt.variable)
		tb := &named{t, tt.name}
		got := hex.EncodeToString(append(seed.Of(tb).Bytes(4), seed.Of(tb).Bytes(4)...))
		if got != tt.want {
			t.Errorf("seed %q, %s: %s, want %s", tt.variable, tt.name, got, tt.want)
		}
	}
}

// TestFresh wants another seed for each run, unless the environment says one.
func TestFresh(t *testing.T) {
	t.Setenv("WEBFARM_SEED", "")
	first := seed.Fresh(t)
	time.Sleep(time.Millisecond)
	if seed.Fresh(t) == first {
		t.Error("one seed twice")
	}
	t.Setenv("WEBFARM_SEED", "1063")
	if got := seed.Fresh(t); got != 1063 {
		t.Errorf("%d, want that of WEBFARM_SEED", got)
	}
}
