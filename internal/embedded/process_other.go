//go:build !linux

package embedded

import "syscall"

// childAttributes keep the terminal's Ctrl-C from the child: it is stopped in
// its turn. When this process dies, the child sees its standard input closed,
// and ends within seconds.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
