package certs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
func (p Path) staples() []string {
	file := p.Certificate
	return []string{file + stapleSuffix, file[:len(file)-len(filepath.Ext(file))] + stapleSuffix}
}

const stapleSuffix = ".ocsp"

// found is a certificate to read.
type found struct {
	path    Path
	staples []string // where an OCSP response may be, the preferred one first
}

// bundlePattern says which files of a directory are bundles; keys, chains and OCSP responses lying beside them end otherwise.
const bundlePattern = "*.pem"

// expand returns p, or the bundles in it where it is a directory. links are those that are symbolic links, and p itself:
// what leads to another place when somebody changes a link on the way.
func (p Path) expand() (all []found, links []string, err error) {
	alone, links := []found{{p, p.staples()}}, p.files()
	if p.Key != "" {
		return alone, links, nil
	}
	info, err := os.Stat(p.Certificate)
	if err != nil {
		return nil, links, fmt.Errorf("read certificates: %w", err)
	}
	if !info.IsDir() {
		return alone, links, nil
	}
	entries, err := os.ReadDir(p.Certificate) // sorted
	if err != nil {
		return nil, links, fmt.Errorf("read certificates: %w", err)
	}
	there := map[string]bool{} // OCSP responses: most certificates have none to look for
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), stapleSuffix) {
			there[filepath.Join(p.Certificate, e.Name())] = true
		}
	}
	for _, e := range entries {
		if ok, _ := filepath.Match(bundlePattern, e.Name()); !ok { // the pattern is well formed
			continue
		}
		one := found{path: Path{Certificate: filepath.Join(p.Certificate, e.Name())}}
		if len(there) > 0 {
			one.staples = slices.DeleteFunc(one.path.staples(), func(name string) bool { return !there[name] })
		}
		all = append(all, one)
		if e.Type()&fs.ModeSymlink != 0 {
			links = append(links, one.path.Certificate)
		}
	}
	if len(all) == 0 {
		return nil, links, fmt.Errorf("%s: no %s file in this directory", p.Certificate, bundlePattern)
	}
	return all, links, nil
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
