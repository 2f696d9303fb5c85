package certs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func names(s *Store) (got []string) {
	for _, i := range s.Certificates() {
		got = append(got, filepath.Base(i.File)+" "+strings.Join(i.Names, ","))
	}
	return got
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	b := bundle(t, dir, "b.pem", root.issue(t, ecKey(t), "b.example", "www.b.example"))
	a := bundle(t, dir, "a.pem", root.issue(t, ecKey(t), "a.example"))
	write(t, dir, "a.key", []byte("lies beside, is no bundle"))
	write(t, dir, "README", []byte("so does this"))
	linked := t.TempDir()
	if err := os.Symlink(b, filepath.Join(linked, "current.pem")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		paths []string
		want  []string
	}{
		{"a file", []string{b}, []string{"b.pem b.example,www.b.example"}},
		{"files in their order", []string{b, a}, []string{"b.pem b.example,www.b.example", "a.pem a.example"}},
		{"a directory by name", []string{dir}, []string{"a.pem a.example", "b.pem b.example,www.b.example"}},
		{"the default, then the directory that holds it", []string{b, dir}, []string{"b.pem b.example,www.b.example", "a.pem a.example"}},
		{"a symbolic link in a directory", []string{linked}, []string{"current.pem b.example,www.b.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Load(tt.paths)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(s); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if w := s.Warnings(); len(w) != 0 {
				t.Errorf("got warnings %q, want none", w)
			}
		})
	}
}

// R18: the key is the secret; who else may read the file is said, and who wants it otherwise is not kept from serving.
func TestR18_Permissions(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	for mode, open := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o604: true} {
		file := bundle(t, t.TempDir(), "x.pem", c)
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		s, err := Load([]string{file})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if open {
			want = []string{file + ": private key is open to every user (mode 0" + modeDigits(mode) + "), want 0600 or 0640"}
		}
		if got := s.Warnings(); !slices.Equal(got, want) {
			t.Errorf("mode %04o: got warnings %q, want %q", mode, got, want)
		}
	}
}

func modeDigits(m os.FileMode) string {
	return string([]byte{'0' + byte(m>>6&7), '0' + byte(m>>3&7), '0' + byte(m&7)})
}

func TestLoadWarningsNameTheFile(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	file := write(t, t.TempDir(), "live.pem", join(certPEM(c.cert), certPEM(c.cert), keyPEM(t, c.key)))
	s, err := Load([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Warnings(), []string{file + ": 1 blocks stand there twice, left out"}; !slices.Equal(got, want) {
		t.Errorf("got warnings %q, want %q", got, want)
	}
}

// R18: a wrong pair is an error at start, and one run shows all of them.
func TestR18_LoadReportsEveryFault(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir, empty := t.TempDir(), t.TempDir()
	good := bundle(t, dir, "good.pem", root.issue(t, ecKey(t), "good.example"))
	wrong := root.issue(t, ecKey(t), "wrong.example")
	wrong.key = ecKey(t)
	mismatch := bundle(t, dir, "mismatch.pem", wrong)
	keyless := write(t, dir, "keyless.pem", certPEM(wrong.cert))
	large := write(t, dir, "large.pem", make([]byte, maxBundle+1))
	missing := filepath.Join(dir, "missing.pem")
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{good, mismatch, missing, keyless, empty, large, fifo})
	want := []string{
		mismatch + ": private key does not belong to the certificate of wrong.example",
		"read certificates: stat " + missing + ": no such file or directory",
		keyless + ": no private key, want a certificate, its chain and its key in one file",
		empty + ": no *.pem file in this directory",
		large + ": over 1048576 bytes, want a PEM bundle",
		fifo + ": not a regular file",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got:\n%v\nwant:\n%s", err, strings.Join(want, "\n"))
	}
}

func TestLoadOfNothing(t *testing.T) {
	t.Parallel()
	_, err := Load(nil)
	if want := "no certificates, want at least one PEM bundle"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
