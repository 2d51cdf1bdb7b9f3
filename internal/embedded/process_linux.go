package embedded

import "syscall"

// childAttributes make the child die with this process, and keep the
// terminal's Ctrl-C from it: it is stopped in its turn.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
