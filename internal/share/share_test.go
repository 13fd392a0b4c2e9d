package share_test

import (
	"testing"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/share"
)

func TestOneIn(t *testing.T) {
	t.Setenv("WEBFARM_WHOLE", "")
	if got := share.OneIn(t, 8); got != 8 {
		t.Errorf("by default: one in %d, want 8", got)
	}
	t.Setenv("WEBFARM_WHOLE", "1")
	want := 1
	if race.Enabled {
		want = 8
	}
	if got := share.OneIn(t, 8); got != want {
		t.Errorf("with WEBFARM_WHOLE=1: one in %d, want %d", got, want)
	}
}
