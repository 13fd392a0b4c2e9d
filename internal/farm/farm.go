// Package farm starts the parts of a mixed farm for tests: other programs, and
// the node in C# below testvectors/dotnet, which shares no code with this
// module. Everything started is stopped when its test ends.
//
// A part that is not installed skips the test and says how to install it.
package farm

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How long a process may take to answer its first request, and to end after it
// was asked to. Both are far more than any needs on an idle machine.
const (
	readyTime = 30 * time.Second
	stopTime  = 5 * time.Second
)

// Process is a program that a test started.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when the program has ended
}

// Start starts a program, whose output it keeps. At the end of the test the
// program is stopped, and if the test failed the end of its output is shown
// under this name. Output that the caller has claimed (cmd.Stdout) stays the
// caller's.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{name: name, cmd: cmd, log: &tail{}, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.log
	}
	cmd.Stderr = p.log
	cmd.WaitDelay = stopTime // a grandchild may hold the pipes open
	Leash(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("farm: starting %s: %v", name, err)
	}
	go func() {
		cmd.Wait() // the exit status says nothing that the tests ask for
		close(p.done)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("the end of what %s said:\n%s", name, p.Log())
		}
	})
	return p
}

// startNode starts a node, which ends with its standard input and so with the
// test binary, and waits until it answers. The test's end kills it: on .NET it
// would wait for the end of its input when asked to stop.
func startNode(t testing.TB, name string, cmd *exec.Cmd, port int) *Node {
	t.Helper()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatalf("farm: %v", err)
	}
	n := &Node{Start(t, name, cmd), fmt.Sprintf("http://127.0.0.1:%d", port)}
	t.Cleanup(n.Kill)
	n.WaitReady(t, n.URL+"/healthz")
	return n
}

// Log returns the end of what the program has written.
func (p *Process) Log() string { return p.log.String() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the program at once, as a crash would, and waits for its end.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// Signal sends a signal, for instance SIGHUP to read the settings again.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end, waits, and kills it if it does not listen.
// Stopping twice is fine.
func (p *Process) Stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		p.Kill()
	}
}

// WaitReady waits until a GET of the URL is answered with 200, and fails the
// test if the program ends first or takes too long.
func (p *Process) WaitReady(t testing.TB, url string) {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	for end := time.Now().Add(readyTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			t.Fatalf("farm: %s has ended:\n%s", p.name, p.Log())
		default:
		}
		r, err := client.Get(url)
		if err != nil {
			continue
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("farm: %s does not answer:\n%s", p.name, p.Log())
}

// FreePort returns a TCP port of this machine that nothing listens on. Another
// program can take it before the caller does; that is rare, and shows as a
// process that does not get ready.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("farm: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Need skips the test unless all programs are installed. How says how to
// install them.
func Need(t testing.TB, how string, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed; %s", program, how)
		}
	}
}

// Root returns the folder of this module, also for tests of modules nested in
// it.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/webfarm-go/webfarm\n") {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	t.Fatalf("farm: no go.mod above the working folder (%v)", err)
	return ""
}

// maxLog bounds what is kept of a program's output, in bytes.
const maxLog = 64 << 10

// tail keeps the end of what is written to it, from the start of a line.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*maxLog {
		end := l.buf[len(l.buf)-maxLog:]
		l.buf = append(l.buf[:0], end[bytes.IndexByte(end, '\n')+1:]...)
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.buf))
}
