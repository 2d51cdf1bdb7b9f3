package main

import (
	"os"
	"runtime/debug"
)

// softMemory is what the Go part of the process may hold before the collector
// works harder, in bytes. It leaves room for what is not on Go's heap.
const softMemory = 200 << 20

// tuneMemory has the collector run a quarter as often as it does by default:
// what lives is small beside what each post and record leaves behind. GOGC and
// GOMEMLIMIT in the environment go before.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
