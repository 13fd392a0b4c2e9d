package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/webfarm-go/webfarm/internal/farm"
)

// asNode, in the environment, makes this binary a node in Go instead of running
// the tests: a node is then built as the tests are, with the race detector for
// instance.
const asNode = "WEBFARM_TEST_NODE"

func TestMain(m *testing.M) {
	if os.Getenv(asNode) == "" {
		farm.Main(m)
		return
	}
	if err := serveNode(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
