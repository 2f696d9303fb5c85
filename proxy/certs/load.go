package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxBundle bounds a PEM file, in bytes: a long chain with an RSA key is 20 KiB, and a path that leads to something else
// altogether must not fill the memory.
const maxBundle = 1 << 20

// bundlePattern says which files of a directory are bundles; keys and chains lying beside them end otherwise.
const bundlePattern = "*.pem"

// Load reads the bundles that paths name: files, or directories whose *.pem files are read in the order of their names.
// The first certificate is the default. A certificate that comes twice counts once, so a default can be named before
// the directory that holds it. The faults of all files are reported at once.
func Load(paths []string) (*Store, error) {
	var (
		s      = newStore()
		faults []error
		now    = time.Now()
	)
	for _, path := range paths {
		files, err := bundleFiles(path)
		if err != nil {
			faults = append(faults, err)
		}
		for _, file := range files {
			if err := s.load(file, now); err != nil {
				faults = append(faults, err)
			}
		}
	}
	if len(paths) == 0 {
		faults = append(faults, errors.New("no certificates, want at least one PEM bundle"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

// bundleFiles returns path, or the bundles in it where it is a directory.
func bundleFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // sorted
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var files []string
	for _, e := range entries {
		if ok, _ := filepath.Match(bundlePattern, e.Name()); ok { // the pattern is well formed
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no %s file in this directory", path, bundlePattern)
	}
	return files, nil
}

// load adds the bundle of one file.
func (s *Store) load(file string, now time.Time) error {
	data, mode, err := readBundle(file)
	if err != nil {
		return err
	}
	cert, warnings, err := parseBundle(data, now)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if mode&0o007 != 0 {
		warnings = append(warnings, fmt.Sprintf("private key is open to every user (mode %04o), want 0600 or 0640", mode))
	}
	if s.add(cert, file) {
		for _, w := range warnings {
			s.warnings = append(s.warnings, file+": "+w)
		}
	}
	return nil
}

// readBundle returns what a file holds and its permissions.
func readBundle(file string) ([]byte, fs.FileMode, error) {
	// Not Open first: opening a FIFO would wait for its writer.
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, fmt.Errorf("read certificate: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, fmt.Errorf("read certificate: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read certificate: %w", err)
	}
	if len(data) > maxBundle {
		return nil, 0, fmt.Errorf("%s: over %d bytes, want a PEM bundle", file, maxBundle)
	}
	return data, info.Mode().Perm(), nil
}

// add files cert under its names; false where the store has it already.
func (s *Store) add(cert *tls.Certificate, file string) bool {
	for _, have := range s.certs {
		if have.Leaf.Equal(cert.Leaf) {
			return false
		}
	}
	s.certs = append(s.certs, cert)
	s.infos = append(s.infos, Info{File: file, Names: namesOf(cert.Leaf), NotBefore: cert.Leaf.NotBefore, NotAfter: cert.Leaf.NotAfter})
	s.index(cert)
	return true
}
