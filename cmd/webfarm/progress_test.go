package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestProgress writes to a terminal only, and takes the line away.
func TestProgress(t *testing.T) {
	var pipe bytes.Buffer
	done := progress(&pipe, time.Microsecond,
		func() string { t.Error("asked without a terminal"); return "" })
	time.Sleep(5 * time.Millisecond)
	if done(); pipe.Len() > 0 {
		t.Errorf("a pipe got %q", pipe.String())
	}

	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	defer tty.Close()
	progress(tty, time.Hour, func() string { t.Error("asked at once"); return "" })()
	n := 0
	done = progress(tty, time.Millisecond, func() string { n++; return "credential 1 of 2" })
	for r := bufio.NewReader(terminal); ; {
		text, err := r.ReadString('\r')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(text, "credential 1 of 2, ") &&
			strings.HasSuffix(strings.TrimRight(text, " \r"), "ms") {
			break
		}
	}
	done()
	after := n
	time.Sleep(5 * time.Millisecond)
	if n != after {
		t.Error("it goes on when it is done")
	}
	tty.WriteString("end\n")
	r := bufio.NewReader(terminal)
	text, err := r.ReadString('\n')
	if err != nil || !strings.Contains(text, "  \rend") {
		t.Errorf("%v: the line was not taken away: %q", err, text)
	}
}
