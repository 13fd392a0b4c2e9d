package farm

import (
	"os/exec"
	"syscall"
)

// Leash has the kernel end a program, not yet started, when this process is
// gone, however it went: the cleanup of a test that was cut short never runs.
// SIGTERM lets nginx take its workers along. Elsewhere than on Linux it does
// nothing.
func Leash(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
}
