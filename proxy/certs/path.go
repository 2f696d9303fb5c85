package certs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Path says where a certificate is read from.
type Path struct {
	Certificate string // a PEM bundle, or a directory whose *.pem files are bundles; with Key: the certificate and its chain
	Key         string // a PEM file with the key; empty: it is in the bundle
}

// Bundles returns the paths of bundles, and of directories of bundles.
func Bundles(files ...string) []Path {
	var paths []Path
	for _, f := range files {
		paths = append(paths, Path{Certificate: f})
	}
	return paths
}

// files returns what is read for a certificate, the one with the certificate first.
func (p Path) files() []string {
	if p.Key == "" {
		return []string{p.Certificate}
	}
	return []string{p.Certificate, p.Key}
}

// staples returns the names that an OCSP response for the certificate may have, the preferred one first.
func (p Path) staples() [2]string {
	file := p.Certificate
	return [2]string{file + ".ocsp", file[:len(file)-len(filepath.Ext(file))] + ".ocsp"}
}

// bundlePattern says which files of a directory are bundles; keys, chains and OCSP responses lying beside them end otherwise.
const bundlePattern = "*.pem"

// expand returns p, or the bundles in it where it is a directory. links are those that are symbolic links, and p itself:
// what leads to another place when somebody changes a link on the way.
func (p Path) expand() (found []Path, links []string, err error) {
	if p.Key != "" {
		return []Path{p}, p.files(), nil
	}
	info, err := os.Stat(p.Certificate)
	if err != nil {
		return nil, p.files(), fmt.Errorf("read certificates: %w", err)
	}
	links = p.files()
	if !info.IsDir() {
		return []Path{p}, links, nil
	}
	entries, err := os.ReadDir(p.Certificate) // sorted
	if err != nil {
		return nil, links, fmt.Errorf("read certificates: %w", err)
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(bundlePattern, e.Name()); !ok { // the pattern is well formed
			continue
		}
		file := filepath.Join(p.Certificate, e.Name())
		found = append(found, Path{Certificate: file})
		if e.Type()&fs.ModeSymlink != 0 {
			links = append(links, file)
		}
	}
	if len(found) == 0 {
		return nil, links, fmt.Errorf("%s: no %s file in this directory", p.Certificate, bundlePattern)
	}
	return found, links, nil
}

// identity tells whether a file is the one that was read, unchanged. The zero value is that of no file.
type identity struct {
	device, inode     uint64
	size              int64
	modified, changed int64 // nanoseconds since 1970; changed is for permissions as well, and nobody can set it back
}

func identify(info fs.FileInfo) identity {
	s := info.Sys().(*syscall.Stat_t)
	return identity{
		device: uint64(s.Dev), inode: s.Ino, size: info.Size(),
		modified: info.ModTime().UnixNano(), changed: s.Ctim.Nano(),
	}
}

// look returns the identity of a file, the zero one where there is none.
func look(file string) identity {
	info, err := os.Stat(file)
	if err != nil {
		return identity{}
	}
	return identify(info)
}
