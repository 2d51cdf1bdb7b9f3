package files

import "io"

// Read reads a file that is not on disk.
func Read(r io.Reader, name string) (*File, error) {
	f := &File{path: name}
	var err error
	f.format, err = f.open(r)
	return f, err
}
