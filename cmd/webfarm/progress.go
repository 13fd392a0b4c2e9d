package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// isTerminal reports whether a person reads or writes at the other end.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progress tells a person what goes on, in one line that it writes anew at each interval. The
// function returned takes the line away. It comes before any output.
func progress(w io.Writer, interval time.Duration, what func() string) (done func()) {
	if !isTerminal(w) {
		return func() {}
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		start, shown := time.Now(), 0
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				if shown > 0 {
					fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", shown))
				}
				return
			case <-ticker.C:
				text := fmt.Sprintf("%s, %s", what(), time.Since(start).Round(interval))
				fmt.Fprintf(w, "\r%-*s", shown, text)
				shown = max(shown, len(text))
			}
		}
	})
	return func() {
		close(stop)
		group.Wait()
	}
}
