//go:build !unix

package farmtest

import (
	"os"
	"os/exec"
)

var postgresQuit = os.Kill

func (s *Server) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	return cmd
}

func (s *Server) own(string) error { return nil }
