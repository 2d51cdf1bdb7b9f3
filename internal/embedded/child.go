package embedded

import (
	"fmt"
	"os"
	"unsafe"

	"github.com/ebitengine/purego"
)

// childVariable names the library to a process that is started to be the
// engine.
const childVariable = "LEADD_ENGINE_CHILD"

// ChildIfAsked turns this process into the engine, and ends it, if it was
// started as one by ClickHouse.Run; otherwise it returns at once. main and
// TestMain call it before anything else.
func ChildIfAsked() {
	library := os.Getenv(childVariable)
	if library == "" {
		return
	}
	if err := runEngine(library, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:revive // this process is the engine
	}
	os.Exit(0) //nolint:revive // this process is the engine
}

// runEngine runs clickhouse-local out of the library. It returns when the
// engine's query has ended, that is when standard input is closed.
func runEngine(library string, args []string) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load engine: %w", err)
	}
	symbol, err := purego.Dlsym(handle, "query_stable_v2")
	if err != nil {
		return fmt.Errorf("load engine %s: is it another version of libchdb? %w", library, err)
	}
	var query func(argc int32, argv unsafe.Pointer) *engineResult
	purego.RegisterFunc(&query, symbol)

	argv := make([]*byte, 0, len(args)+1)
	for _, a := range args {
		argv = append(argv, &append([]byte(a), 0)[0])
	}
	argv = append(argv, nil)
	if r := query(int32(len(args)), unsafe.Pointer(&argv[0])); r != nil && r.message != nil {
		return fmt.Errorf("engine: %s", cString(r.message))
	}
	return nil
}

// engineResult is the library's struct local_result_v2.
type engineResult struct {
	_       *byte // result
	_       uintptr
	_       *byte
	_       float64 // seconds
	_       uint64  // rows
	_       uint64  // bytes
	message *byte   // what went wrong, or nil
}

func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return unsafe.String(p, n)
}
