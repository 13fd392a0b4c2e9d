//go:build !linux

package farm

import "os/exec"

func leash(*exec.Cmd) {}
