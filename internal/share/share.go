// Package share keeps go test short: a test with thousands of cases runs a
// share of them by default, and the whole where WEBFARM_WHOLE is set. .ci/run
// sets it, and wants the whole from every place that calls [OneIn].
package share

import (
	"os"
	"testing"

	"github.com/webfarm-go/webfarm/internal/race"
)

const variable = "WEBFARM_WHOLE"

// OneIn returns 1 if the test is to run all its cases, and n if it is to run
// one in n of them: by default, and always under the race detector, which is
// ten times slower. It prints which. .ci/run knows a call by its line, so a
// helper must not call it for several tests.
func OneIn(tb testing.TB, n int) int {
	tb.Helper()
	if os.Getenv(variable) != "" && !race.Enabled {
		tb.Log("the whole")
		return 1
	}
	tb.Logf("one case in %d; %s=1 runs the whole", n, variable)
	return n
}
