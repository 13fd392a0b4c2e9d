package farm

import (
	"os/exec"
	"syscall"
)

// leash has the kernel end a program when this process is gone, however it
// went: the cleanup of a test that was cut short never runs. SIGTERM lets nginx
// take its workers along.
func leash(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
}
