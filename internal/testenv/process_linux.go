package testenv

import "syscall"

// childAttributes make the server die with the test, and give it a process group.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
