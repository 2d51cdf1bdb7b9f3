package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker; without it, what Go noted about the build is
// shown.
var version = ""

func printVersion(t terminal, args []string) error {
	if err := parseFlags(t, flag.NewFlagSet("version", flag.ContinueOnError), args, false); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "leadd %s (%s, %s/%s)\n", currentVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
