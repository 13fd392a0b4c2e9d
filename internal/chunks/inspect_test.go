package chunks_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// TestInspectIsBounded lists no more of a header than Join looks at, in one line
// or in many.
func TestInspectIsBounded(t *testing.T) {
	for scheme, number := range map[chunks.Scheme]string{chunks.WIF: "", chunks.Single: "",
		chunks.Katana: "C", chunks.KatanaSystemWeb: "C"} {
		lines := []string{"FedAuth=AAAA"}
		for i := 1; i < 3500; i++ {
			lines = append(lines, fmt.Sprintf("FedAuth%s%d=AAAA", number, i))
		}
		for _, lines := range [][]string{lines, {strings.Join(lines, "; ")}} {
			r := &http.Request{Header: http.Header{"Cookie": lines}}
			set := scheme.Inspect(r, "FedAuth")
			if n := len(set.Chunks); n == 0 || n > 200 || !errors.Is(set.Err, chunks.ErrTooLong) ||
				len(set.Problems()) > 3 {
				t.Errorf("%v, %d lines: %d chunks, %v, %q", scheme, len(lines), n,
					set.Err, set.Problems())
			}
		}
	}
}
