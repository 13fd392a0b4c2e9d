package farmtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/farm"
)

// patience is how long a server may take to start or stop.
const patience = 60 * time.Second

// Server is a process on a free port of this machine, with its data in a folder
// of its own. Both are gone when the test ends. A test may kill and start it
// again; the data survives.
type Server struct {
	// Addr is host:port.
	Addr string

	path string
	args []string
	dir  string
	user string // whom it runs as if this process is root
	quit os.Signal

	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan struct{}
}

// StartRedis starts redis-server with a log of every write, or skips the test
// if this machine has none.
func StartRedis(t *testing.T) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on this machine: apt-get install redis-server")
	}
	s := newServer(t, path)
	host, port, _ := net.SplitHostPort(s.Addr)
	s.args = []string{"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly",
		"yes", "--appendfsync", "always"}
	s.quit = os.Kill
	s.Start(t)
	return s
}

// StartPostgres makes a database cluster and starts postgres, or skips the test
// if this machine has none. URL has the address of its database.
func StartPostgres(t *testing.T) *Server {
	t.Helper()
	path := findPostgres()
	if path == "" {
		t.Skip("no postgres on this machine: apt-get install postgresql")
	}
	s := newServer(t, path)
	s.user = "postgres"
	if err := s.own(s.dir); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(s.dir, "data")
	initdb := s.command(filepath.Join(filepath.Dir(path), "initdb"), "-D", data, "-U", "webfarm",
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	host, port, _ := net.SplitHostPort(s.Addr)
	s.args = []string{"-D", data, "-h", host, "-p", port, "-k", s.dir, "-c", "fsync=off"}
	s.quit = postgresQuit
	s.Start(t)
	return s
}

// URL is the address of the database of [StartPostgres].
func (s *Server) URL() string {
	return "postgres://webfarm@" + s.Addr + "/postgres?sslmode=disable"
}

// findPostgres looks where Debian puts the server, which is not on the path.
func findPostgres() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.Sort(found)
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	for _, path := range slices.Backward(found) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "initdb")); err == nil {
			return path
		}
	}
	return ""
}

func newServer(t *testing.T, path string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Not t.TempDir, which another user may not enter.
	dir, err := os.MkdirTemp("", "webfarm-"+filepath.Base(path)+"-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), path: path, dir: dir}
	t.Cleanup(func() {
		s.Kill(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Start starts the server and waits until it takes connections.
func (s *Server) Start(t *testing.T) {
	t.Helper()
	cmd, output, exited := s.command(s.path, s.args...), new(bytes.Buffer), make(chan struct{})
	cmd.Stdout, cmd.Stderr = output, output
	farm.Leash(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.cmd, s.output, s.exited = cmd, output, exited
	go func() {
		_ = cmd.Wait() // killed
		close(exited)
	}()
	err := Eventually(func() error {
		select {
		case <-exited:
			t.Fatalf("%s ended:\n%s", s.path, strings.TrimSpace(output.String()))
		default:
		}
		conn, err := net.Dial("tcp", s.Addr)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", s.path, err)
	}
}

// Kill ends the server without giving it time to finish what it does. It does
// nothing if the server does not run.
func (s *Server) Kill(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(s.quit); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-s.exited:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		t.Errorf("%s did not end", s.path)
	}
	s.cmd = nil
}

// Eventually calls f until it gives no error, and returns its last error when
// that takes more than a minute.
func Eventually(f func() error) error {
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("farmtest: gave up: %w", err)
}
