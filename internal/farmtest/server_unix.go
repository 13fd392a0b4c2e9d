//go:build unix

package farmtest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// postgresQuit ends postgres and its children at once, as a crash would: the
// next start recovers from the log.
const postgresQuit = syscall.SIGQUIT

// command runs a program as the server's user. Postgres refuses to run as root.
func (s *Server) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	if uid, gid, ok := s.ids(); ok {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid),
			Gid: uint32(gid)}}
	}
	return cmd
}

// own gives a folder to the server's user.
func (s *Server) own(dir string) error {
	if uid, gid, ok := s.ids(); ok {
		return os.Chown(dir, uid, gid)
	}
	return nil
}

// ids returns whom the server runs as, if that is not who runs the test.
func (s *Server) ids() (uid, gid int, ok bool) {
	if s.user == "" || os.Getuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup(s.user)
	if err != nil {
		return 0, 0, false
	}
	uid, errUID := strconv.Atoi(u.Uid)
	gid, errGID := strconv.Atoi(u.Gid)
	return uid, gid, errUID == nil && errGID == nil
}
