//go:build unix

package dataprotection_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// TestPathPipe wants a word on a pipe in the folder, which would never be read.
func TestPathPipe(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "key.xml"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), nil)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "key.xml: not a file") {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Open waits for somebody who writes into a pipe")
	}
}
