package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ErrNoEngine is wrapped by the error of NewClickHouse where there is no
// engine on this machine.
var ErrNoEngine = errors.New("the ClickHouse engine was not found")

// engine is the program or library that is ClickHouse.
type engine struct {
	path    string
	library bool // libchdb, to be loaded; else the clickhouse binary, to be run
}

// findEngine looks in turn at the environment variable LEADD_ENGINE, beside
// the executable, in the project's own folder (from the executable's and from
// the working directory upwards) and for a clickhouse binary on PATH.
func findEngine() (engine, error) {
	if path := os.Getenv("LEADD_ENGINE"); path != "" {
		info, err := os.Stat(path)
		if err != nil {
			return engine{}, fmt.Errorf("%w: LEADD_ENGINE: %w; name libchdb.so or a clickhouse binary, or run make engine and unset it", ErrNoEngine, err)
		}
		if info.IsDir() {
			return engine{}, fmt.Errorf("%w: %s is a directory, name the library or the clickhouse binary in it", ErrNoEngine, path)
		}
		return engine{path: path, library: filepath.Ext(path) != ""}, nil
	}
	for _, pattern := range libraryPatterns() {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return engine{path: found[0], library: true}, nil
		}
	}
	if path, err := exec.LookPath("clickhouse"); err == nil {
		return engine{path: path}, nil
	}
	return engine{}, fmt.Errorf("%w: run make engine, or set LEADD_ENGINE to libchdb.so or to a clickhouse binary, or give the address of a ClickHouse server", ErrNoEngine)
}

func libraryPatterns() []string {
	const name = "libchdb.*" // .so, also on macOS, or .dylib
	packaged := filepath.Join("node_modules", "@chdb", "lib-"+runtime.GOOS+"-*", name)
	var patterns []string
	if self, err := os.Executable(); err == nil {
		dir := filepath.Dir(self)
		patterns = append(patterns, filepath.Join(dir, name), filepath.Join(dir, "..", "internal", "embedded", "engine", packaged))
	}
	if dir, err := os.Getwd(); err == nil {
		for {
			patterns = append(patterns, filepath.Join(dir, "internal", "embedded", "engine", packaged))
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return patterns
}
