package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// chain is a Keychain with one bind, and what it logs.
type chain struct {
	*Keychain
	t      *testing.T
	bind   *tls.Config
	config Config
	looks  chan struct{} // a look at the files has ended
	log    *logged
}

// logged is a log in memory.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count returns how many lines have all of parts in them.
func (l *logged) count(parts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			n++
		}
	}
	return n
}

func newChain(t *testing.T, c Config) *chain {
	t.Helper()
	log := &logged{}
	k := &chain{t: t, config: c, looks: make(chan struct{}, 1000), log: log}
	k.Keychain = NewKeychain(hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Info}))
	k.looked = func() {
		select {
		case k.looks <- struct{}{}:
		default:
		}
	}
	k.reload()
	return k
}

// reload plans and applies the configuration again.
func (k *chain) reload() {
	k.t.Helper()
	p := k.Plan()
	bind, err := p.Bind("web", k.config)
	if err != nil {
		k.t.Fatal(err)
	}
	k.bind = bind
	k.Apply(p)
}

// run runs the Keychain until the test ends. When it returns only events and time have it look at the files.
func (k *chain) run() {
	ctx, cancel := context.WithCancel(k.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	k.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			k.t.Errorf("Run returned %v", err)
		}
	})
	<-k.looks // the first one
	<-k.looks // for the news of Apply
}

// serves returns the file name of the certificate that a client gets.
func (k *chain) serves() *tls.Certificate {
	k.t.Helper()
	c, err := k.bind.GetCertificate(&tls.ClientHelloInfo{ServerName: "example.com"})
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// await waits until a look at the files has brought what is wanted about.
func (k *chain) await(what string, reached func() bool) {
	k.t.Helper()
	late := time.After(20 * time.Second)
	for !reached() {
		select {
		case <-k.looks:
		case <-late:
			k.t.Fatalf("no look at the files brought about: %s", what)
		}
	}
}

func (k *chain) awaitCertificate(c issued) {
	k.t.Helper()
	k.await("the new certificate", func() bool { return k.serves().Leaf.Equal(c.cert) })
}

func (k *chain) alarms() (texts []string) {
	for _, a := range k.Status().Alarms {
		texts = append(texts, a.Text)
	}
	return texts
}

// must is for steps on files.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// R65: however a certificate is replaced, the handshakes that come get the new one, and a connection lives on.
func TestR65_CertificateIsReplaced(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	before, after := root.issue(t, ecKey(t), "example.com"), root.issue(t, ecKey(t), "example.com")
	text := func(c issued) []byte { return join(certPEM(c.cert), keyPEM(t, c.key)) }
	for _, tt := range []struct {
		name    string
		prepare func(dir string) Path
		replace func(dir string)
	}{
		{"by cat, in place", func(dir string) Path { return Path{Certificate: write(t, dir, "x.pem", text(before))} }, func(dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "x.pem"), os.O_WRONLY|os.O_TRUNC, 0)
			must(t, err)
			for part := range slices.Chunk(text(after), 100) {
				_, err := f.Write(part)
				must(t, err)
			}
			must(t, f.Close())
		}},
		{"by a new file of its name", func(dir string) Path { return Path{Certificate: write(t, dir, "x.pem", text(before))} }, func(dir string) {
			must(t, os.Rename(write(t, dir, "x.tmp", text(after)), filepath.Join(dir, "x.pem")))
		}},
		{"in a directory", func(dir string) Path { write(t, dir, "x.pem", text(before)); return Path{Certificate: dir} }, func(dir string) {
			must(t, os.Rename(write(t, dir, "x.tmp", text(after)), filepath.Join(dir, "x.pem")))
		}},
		{"in a directory whose name ends in a slash", func(dir string) Path { write(t, dir, "x.pem", text(before)); return Path{Certificate: dir + "/"} }, func(dir string) {
			must(t, os.Rename(write(t, dir, "x.tmp", text(after)), filepath.Join(dir, "x.pem")))
		}},
		{"by certbot: links to an archive", func(dir string) Path {
			must(t, os.MkdirAll(dir+"/live/a", 0o700), os.MkdirAll(dir+"/archive/a", 0o700))
			write(t, dir, "archive/a/fullchain1.pem", certPEM(before.cert))
			write(t, dir, "archive/a/privkey1.pem", keyPEM(t, before.key))
			must(t, os.Symlink("../../archive/a/fullchain1.pem", dir+"/live/a/fullchain.pem"), os.Symlink("../../archive/a/privkey1.pem", dir+"/live/a/privkey.pem"))
			return Path{dir + "/live/a/fullchain.pem", dir + "/live/a/privkey.pem"}
		}, func(dir string) {
			write(t, dir, "archive/a/fullchain2.pem", certPEM(after.cert))
			write(t, dir, "archive/a/privkey2.pem", keyPEM(t, after.key))
			for _, name := range []string{"fullchain", "privkey"} {
				must(t, os.Remove(dir+"/live/a/"+name+".pem"), os.Symlink("../../archive/a/"+name+"2.pem", dir+"/live/a/"+name+".pem"))
			}
		}},
		{"by Kubernetes: a link to a directory", func(dir string) Path {
			must(t, os.Mkdir(dir+"/..1", 0o700), os.Symlink("..1", dir+"/..data"))
			write(t, dir, "..1/tls.crt", certPEM(before.cert))
			write(t, dir, "..1/tls.key", keyPEM(t, before.key))
			must(t, os.Symlink("..data/tls.crt", dir+"/tls.crt"), os.Symlink("..data/tls.key", dir+"/tls.key"))
			return Path{dir + "/tls.crt", dir + "/tls.key"}
		}, func(dir string) {
			must(t, os.Mkdir(dir+"/..2", 0o700), os.Symlink("..2", dir+"/..tmp"))
			write(t, dir, "..2/tls.crt", certPEM(after.cert))
			write(t, dir, "..2/tls.key", keyPEM(t, after.key))
			must(t, os.Rename(dir+"/..tmp", dir+"/..data"), os.RemoveAll(dir+"/..1"))
		}},
		{"by a link in a directory of links", func(dir string) Path {
			must(t, os.Mkdir(dir+"/store", 0o700), os.Mkdir(dir+"/on", 0o700))
			must(t, os.Symlink(write(t, dir, "store/1.pem", text(before)), dir+"/on/x.pem"))
			return Path{Certificate: dir + "/on"}
		}, func(dir string) {
			must(t, os.Rename(write(t, dir, "store/2.pem", text(after)), dir+"/store/1.pem")) // the link stays as it is
		}},
		{"by a new directory above", func(dir string) Path {
			must(t, os.MkdirAll(dir+"/a/certs", 0o700))
			write(t, dir, "a/certs/x.pem", text(before))
			return Path{Certificate: dir + "/a/certs"}
		}, func(dir string) {
			must(t, os.MkdirAll(dir+"/new/certs", 0o700))
			write(t, dir, "new/certs/x.pem", text(after))
			must(t, os.Rename(dir+"/a", dir+"/old"), os.Rename(dir+"/new", dir+"/a"))
		}},
		{"by a new directory of its name", func(dir string) Path {
			must(t, os.Mkdir(dir+"/certs", 0o700))
			write(t, dir, "certs/x.pem", text(before))
			return Path{Certificate: dir + "/certs"}
		}, func(dir string) {
			must(t, os.Mkdir(dir+"/new", 0o700))
			write(t, dir, "new/x.pem", text(after))
			must(t, os.Rename(dir+"/certs", dir+"/old"), os.Rename(dir+"/new", dir+"/certs"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			k := newChain(t, Config{Certificates: []Path{tt.prepare(dir)}})
			k.run()
			connection := connect(t, k.bind)
			tt.replace(dir)
			k.awaitCertificate(after)
			if got := k.alarms(); len(got) != 0 {
				t.Errorf("got alarms %q, want none", got)
			}
			connection.ping(t)
			if got := k.Status().Renewals; got != 1 {
				t.Errorf("got %d renewals, want 1", got)
			}
			file := k.Status().Certificates[0].File // and the next time
			must(t, os.Rename(file, file+".away"))
			k.await("the alarm", func() bool { return len(k.alarms()) > 0 })
		})
	}
}

// A broken or mismatched pair changes nothing, is an alarm, logged and counted once, and heals by itself.
func TestR65_BrokenCertificateKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	before, after := root.issue(t, ecKey(t), "example.com"), root.issue(t, ecKey(t), "example.com")
	for _, tt := range []struct {
		name  string
		spoil func(file string)
		want  string // FILE is the file
	}{
		{"half a file", func(file string) { must(t, os.WriteFile(file, certPEM(after.cert), 0o600)) }, "FILE: no private key, want a certificate, its chain and its key in one file"},
		{"the key of another", func(file string) {
			must(t, os.WriteFile(file, join(certPEM(after.cert), keyPEM(t, before.key)), 0o600))
		}, "FILE: private key does not belong to the certificate of example.com"},
		{"an empty file", func(file string) { must(t, os.Truncate(file, 0)) }, "FILE: no PEM certificate and no key, want a certificate, its chain and its key in one file"},
		{"no file", func(file string) { must(t, os.Remove(file)) }, "read certificates: stat FILE: no such file or directory"},
		{"open to all", func(file string) { must(t, os.Chmod(file, 0o644)) }, "private key in FILE: open to every user (mode 0644): chmod 0640 FILE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := bundle(t, t.TempDir(), "x.pem", before)
			k := newChain(t, Config{Certificates: Bundles(file)})
			k.run()
			want := []string{strings.ReplaceAll(tt.want, "FILE", file)}
			tt.spoil(file)
			k.await("the alarm", func() bool { return slices.Equal(k.alarms(), want) })
			k.look(time.Now()) // and again: no news
			k.reload()
			if got := k.serves(); !got.Leaf.Equal(before.cert) {
				t.Errorf("got the certificate of %s, want that of before", title(got.Leaf))
			}
			if got := k.Status().Failures; got != 1 {
				t.Errorf("got %d failures, want 1", got)
			}
			if got := k.log.count("[ERROR]", "stay", "file="+file, "err="); got != 1 {
				t.Errorf("got %d lines in the log, want 1:\n%s", got, k.log.text.String())
			}
			must(t, os.WriteFile(file, join(certPEM(after.cert), keyPEM(t, after.key)), 0o600), os.Chmod(file, 0o600))
			k.awaitCertificate(after)
			if got := k.alarms(); len(got) != 0 {
				t.Errorf("got alarms %q, want none any more", got)
			}
		})
	}
}

// Files may come and go in a directory; one that is no use harms no other.
func TestDirectoryFollowsItsFiles(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	a, b := root.issue(t, ecKey(t), "a.example"), root.issue(t, ecKey(t), "b.example")
	fileA := bundle(t, dir, "a.pem", a)
	k := newChain(t, Config{Certificates: Bundles(dir), StrictSNI: true})
	k.run()
	has := func(c issued) bool {
		got, _ := k.bind.GetCertificate(&tls.ClientHelloInfo{ServerName: c.cert.DNSNames[0]})
		return got != nil && got.Leaf.Equal(c.cert)
	}
	broken := write(t, dir, "0.pem", []byte("junk"))
	bundle(t, dir, "b.pem", b)
	k.await("b.example", func() bool { return has(b) })
	k.await("the alarm", func() bool {
		return slices.Equal(k.alarms(), []string{broken + ": no PEM certificate and no key, want a certificate, its chain and its key in one file"})
	})
	must(t, os.Remove(broken), os.Remove(fileA))
	k.await("an end of a.example", func() bool { return !has(a) && len(k.alarms()) == 0 })
	must(t, os.Remove(dir+"/b.pem"))
	k.await("the alarm", func() bool { return slices.Equal(k.alarms(), []string{dir + ": no *.pem file in this directory"}) })
	if !has(b) {
		t.Error("the last certificate is gone with its file: nobody is served")
	}
}

// A reload, and a new certificate, leave session tickets alone.
func TestTicketsOutliveReloads(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	file := bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com"))
	k := newChain(t, Config{Certificates: Bundles(file)})
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		client := &tls.Config{ServerName: "example.com", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		if _, err := handshake(t, k.bind, client); err != nil {
			t.Fatal(err)
		}
		first := k.bind
		for what, change := range map[string]func(){
			"a reload":                 k.reload,
			"a new certificate":        func() { bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com")); k.look(time.Now()) },
			"a new least version":      func() { k.config.MinVersion = tls.VersionTLS12; k.reload() },
			"one certificate more":     func() { k.config.Certificates = Bundles(file, dir); k.reload() },
			"the time of another hour": func() { k.look(time.Now().Add(time.Hour)) },
		} {
			change()
			state, err := handshake(t, k.bind, client)
			if err != nil || !state.DidResume {
				t.Errorf("%s: after %s: got resumed %v, %v; want the session to go on", name, what, state.DidResume, err)
			}
		}
		k.config = Config{Certificates: Bundles(file)}
		k.reload()
		k.reload()
		if first == nil || k.bind == nil {
			t.Fatal("no bind")
		}
	}
}

// The same configuration is the same tls.Config, so that nothing about a bind changes by a reload that changes nothing.
func TestSameBindAfterAReload(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	file := bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com"))
	ca := write(t, dir, "ca.crt", certPEM(root.cert))
	k := newChain(t, Config{Certificates: Bundles(file), Clients: Clients{Mode: ClientRequired, CAs: []string{ca}}})
	first := k.bind
	k.reload()
	if k.bind != first {
		t.Error("got another tls.Config after a reload without changes")
	}
	write(t, dir, "ca.crt", certPEM(newAuthority(t, nil, "other").cert))
	k.reload()
	if k.bind == first {
		t.Error("got the same tls.Config although the authorities have changed")
	}
	p := k.Plan()
	one, err1 := p.Bind("web", k.config)
	two, err2 := p.Bind("web", k.config)
	other, err3 := p.Bind("api", k.config)
	must(t, err1, err2, err3)
	if one != two || one == other {
		t.Error("binds of one scope and configuration share a tls.Config, and those of two scopes do not")
	}
}

// A plan that fails, or is not applied, changes nothing.
func TestPlanChangesNothing(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	before := root.issue(t, ecKey(t), "example.com")
	file := bundle(t, dir, "x.pem", before)
	k := newChain(t, Config{Certificates: Bundles(file)})
	missing := filepath.Join(dir, "missing.pem")
	p := k.Plan()
	for range 2 { // the second bind is told the same, without another look at thousands of files
		_, err := p.Bind("web", Config{Certificates: Bundles(file, missing)})
		if want := "read certificates: stat " + missing + ": no such file or directory"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		write(t, dir, "missing.pem", nil)
	}
	bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com"))
	if _, err := k.Plan().Bind("web", k.config); err != nil {
		t.Fatal(err)
	}
	if !k.serves().Leaf.Equal(before.cert) {
		t.Error("a plan that was not applied has changed the certificate")
	}
}

// The end of a certificate is told when it comes near, nearer, and when it is there; each time once.
func TestEndsAreTold(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
	template := *c.cert
	start := time.Now().Truncate(time.Second)
	template.NotBefore, template.NotAfter = start, start.Add(90*day)
	c = issue(t, newAuthority(t, nil, "root"), template, c.key)
	k := newChain(t, Config{Certificates: Bundles(bundle(t, t.TempDir(), "x.pem", c))})
	for _, step := range []struct {
		left   time.Duration
		lines  int
		alarms int
	}{{90 * day, 0, 0}, {15 * day, 0, 0}, {14 * day, 1, 0}, {13 * day, 1, 0}, {3 * day, 2, 1}, {2 * day, 2, 1}, {-time.Second, 3, 1}, {-day, 3, 1}} {
		now := template.NotAfter.Add(-step.left)
		k.look(now)
		k.reload() // at the time of today
		k.look(now)
		if got := k.log.count("[WARN]", "certificate is near its end"); got != step.lines {
			t.Errorf("%v left: got %d lines, want %d", step.left, got, step.lines)
		}
		if got := k.Status().Alarms; len(got) != step.alarms {
			t.Errorf("%v left: got alarms %v, want %d", step.left, got, step.alarms)
		}
	}
}

// A thousand new certificates do not fill the log.
func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := newAuthority(t, nil, "root")
	key := ecKey(t)
	for i := range maxLines + 5 {
		bundle(t, dir, string(rune('a'+i))+".pem", root.issue(t, key, "example.com"))
	}
	k := newChain(t, Config{Certificates: Bundles(dir)})
	if got := k.log.count("certificate is in use"); got != maxLines {
		t.Errorf("got %d lines, want %d", got, maxLines)
	}
	if got := k.log.count("more was said", "lines=5"); got != 1 {
		t.Errorf("got %d lines that say so, want 1:\n%s", got, k.log.text.String())
	}
}
