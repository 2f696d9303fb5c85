package certs

import (
	"crypto/tls"
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
			s, err := Load(Bundles(tt.paths...))
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

// R18 and "key files readable by others are refused": the key is the secret.
func TestR18_Permissions(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	whole := join(certPEM(c.cert), keyPEM(t, c.key))
	for _, tt := range []struct {
		name      string
		cert, key []byte // without a key: one file
		certMode  os.FileMode
		keyMode   os.FileMode
		want      string // FILE is what cannot be used
	}{
		{"bundle of the owner", whole, nil, 0o600, 0, ""},
		{"bundle of the group", whole, nil, 0o640, 0, ""},
		{"bundle of all", whole, nil, 0o644, 0, "private key in FILE: open to every user (mode 0644): chmod 0640 FILE"},
		{"pair", certPEM(c.cert), keyPEM(t, c.key), 0o644, 0o600, ""},
		{"pair of all", certPEM(c.cert), keyPEM(t, c.key), 0o644, 0o644, "private key in FILE: open to every user (mode 0644): chmod 0640 FILE"},
		{"pair whose key is in both", whole, keyPEM(t, c.key), 0o600, 0o600, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := Path{Certificate: write(t, dir, "x.pem", tt.cert)}
			refused := path.Certificate
			chmod(t, path.Certificate, tt.certMode)
			if tt.key != nil {
				path.Key = write(t, dir, "x.key", tt.key)
				refused = path.Key
				chmod(t, path.Key, tt.keyMode)
			}
			_, err := Load([]Path{path})
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), refused, "FILE")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func chmod(t testing.TB, file string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

// Certificate and key in files of their own, as Kubernetes and certbot have them.
func TestLoadPairs(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	lower := newAuthority(t, root, "lower")
	c := lower.issue(t, ecKey(t), "example.com")
	dir := t.TempDir()
	cert, key := write(t, dir, "tls.crt", join(certPEM(c.cert, lower.cert, root.cert))), write(t, dir, "tls.key", keyPEM(t, c.key))
	other := write(t, dir, "other.key", keyPEM(t, ecKey(t)))
	s, err := Load([]Path{{cert, key}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(s.get(&tls.ClientHelloInfo{}).Certificate), 2; got != want {
		t.Errorf("got a chain of %d, want %d", got, want)
	}
	for path, want := range map[Path]string{
		{cert, other}:              cert + " with " + other + ": private key does not belong to the certificate of example.com",
		{key, key}:                 key + " with " + key + ": no certificate, want the certificate and its chain in the first file, the key in the second",
		{cert, cert}:               cert + " with " + cert + ": no private key, want the certificate and its chain in the first file, the key in the second",
		{cert, dir}:                "read certificate: " + dir + ": not a regular file",
		{cert, dir + "/gone"}:      "read certificate: stat " + dir + "/gone: no such file or directory",
		{Certificate: cert}:        cert + ": no private key, want a certificate, its chain and its key in one file",
		{Certificate: dir + "/go"}: "read certificates: stat " + dir + "/go: no such file or directory",
	} {
		if _, err := Load([]Path{path}); err == nil || err.Error() != want {
			t.Errorf("%v: got %v\nwant %s", path, err, want)
		}
	}
}

// A file that does not end its last line must not swallow the first line of the next.
func TestLoadPairWithoutALineEnd(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	dir := t.TempDir()
	cert := write(t, dir, "tls.crt", []byte(strings.TrimRight(string(certPEM(c.cert)), "\n")))
	if _, err := Load([]Path{{cert, write(t, dir, "tls.key", keyPEM(t, c.key))}}); err != nil {
		t.Error(err)
	}
}

func TestLoadWarningsNameTheFile(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	file := write(t, t.TempDir(), "live.pem", join(certPEM(c.cert), certPEM(c.cert), keyPEM(t, c.key)))
	s, err := Load(Bundles(file))
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
	large := write(t, dir, "large.pem", make([]byte, maxFile+1))
	missing := filepath.Join(dir, "missing.pem")
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Bundles(good, mismatch, missing, keyless, empty, large, fifo))
	want := []string{
		mismatch + ": private key does not belong to the certificate of wrong.example",
		"read certificates: stat " + missing + ": no such file or directory",
		keyless + ": no private key, want a certificate, its chain and its key in one file",
		empty + ": no *.pem file in this directory",
		"read certificate: " + large + ": over 1048576 bytes",
		"read certificate: " + fifo + ": not a regular file",
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
