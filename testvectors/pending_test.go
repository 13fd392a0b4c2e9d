package testvectors_test

import (
	"encoding/json"
	"testing"
)

// pendingFiles belong to features that come later.
var pendingFiles = []string{
	"owin.json",
}

// checkPending fails if a pending file is empty.
func checkPending(t *testing.T, f *file) {
	t.Helper()
	var content struct{ Vectors []json.RawMessage }
	if err := json.Unmarshal(f.data, &content); err != nil {
		t.Errorf("%s: %v", f.name, err)
	} else if len(content.Vectors) == 0 {
		t.Errorf("%s: no vectors", f.name)
	}
}
