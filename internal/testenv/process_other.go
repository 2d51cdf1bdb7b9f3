//go:build !linux

package testenv

import "syscall"

// childAttributes give the server a process group.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
