package keyfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// File is what a file held when it was read.
type File struct {
	Name string
	Data []byte
	Info fs.FileInfo // of the file that was read, behind all symbolic links
}

// Read returns what a regular file holds, at most limit octets. The errors name the file.
func Read(name string, limit int) (*File, error) {
	// Not Open first: opening a FIFO would wait for its writer.
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%s: over %d bytes", name, limit)
	}
	return &File{Name: name, Data: data, Info: info}, nil
}
