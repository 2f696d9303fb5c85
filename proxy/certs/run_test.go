package certs

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// connection is one on which a server says each line again.
type connection struct{ client *tls.Conn }

func connect(t *testing.T, server *tls.Config) connection {
	t.Helper()
	a, b := pipe()
	go func() {
		s := tls.Server(a, server)
		defer func() { _ = s.Close() }()
		lines := bufio.NewScanner(s)
		for lines.Scan() {
			if _, err := s.Write(append(lines.Bytes(), '\n')); err != nil {
				return
			}
		}
	}()
	c := connection{tls.Client(b, &tls.Config{ServerName: "example.com", InsecureSkipVerify: true})}
	t.Cleanup(func() { _ = b.Close() })
	c.ping(t)
	return c
}

func (c connection) ping(t *testing.T) {
	t.Helper()
	_, err := c.client.Write([]byte("ping\n"))
	must(t, err)
	if line, err := bufio.NewReader(c.client).ReadString('\n'); err != nil || line != "ping\n" {
		t.Fatalf("got %q, %v; want the line again", line, err)
	}
}

// fakeWatch is a watch whose events the test sends.
func fakeWatch(events chan fsnotify.Event, faults chan error) func() (*watch, error) {
	return func() (*watch, error) {
		w := noWatch()
		w.events, w.errors = events, faults
		return w, nil
	}
}

// in runs a test in a bubble with a Keychain whose looks it counts.
func inBubble(t *testing.T, test func(t *testing.T, k *chain, looks *atomic.Int64, events chan fsnotify.Event, faults chan error)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := issue(t, nil, x509.Certificate{DNSNames: []string{"example.com"}, NotBefore: time.Now(), NotAfter: time.Now().Add(90 * 24 * time.Hour)}, ecKey(t))
		k := newChain(t, Config{Certificates: Bundles(bundle(t, t.TempDir(), "x.pem", c))})
		events, faults := make(chan fsnotify.Event), make(chan error)
		k.watch = fakeWatch(events, faults)
		var looks atomic.Int64
		k.looked = func() { looks.Add(1) }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := k.Run(ctx); err != nil {
				t.Errorf("Run returned %v", err)
			}
		}()
		synctest.Wait()
		looks.Store(0) // the first one, and that for the news of Apply
		test(t, k, &looks, events, faults)
		cancel()
		<-done
	})
}

// What is written piece by piece is read when it has been whole for a moment, and in the end in any case.
func TestEventsAreAwaited(t *testing.T) {
	inBubble(t, func(t *testing.T, _ *chain, looks *atomic.Int64, events chan fsnotify.Event, _ chan error) {
		for range 10 {
			events <- fsnotify.Event{}
			time.Sleep(quiet / 2)
		}
		if looks.Load() != 0 {
			t.Errorf("got %d looks while files are being written, want none", looks.Load())
		}
		time.Sleep(quiet)
		if looks.Load() != 1 {
			t.Errorf("got %d looks, want 1", looks.Load())
		}
		for start := time.Now(); time.Since(start) < 2*patience+patience/2; {
			events <- fsnotify.Event{}
			time.Sleep(quiet / 2)
		}
		if looks.Load() != 3 {
			t.Errorf("got %d looks, want another every %v", looks.Load(), patience)
		}
	})
}

// Without an event, and when events were lost, files are looked at all the same.
func TestFilesWithoutEvents(t *testing.T) {
	inBubble(t, func(t *testing.T, k *chain, looks *atomic.Int64, _ chan fsnotify.Event, faults chan error) {
		faults <- fsnotify.ErrEventOverflow
		synctest.Wait()
		if looks.Load() != 1 {
			t.Errorf("got %d looks after events were lost, want 1", looks.Load())
		}
		renewed := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
		bundle(t, filepath.Dir(k.config.Certificates[0].Certificate), "x.pem", renewed)
		time.Sleep(lookAgain - time.Second)
		if k.serves().Leaf.Equal(renewed.cert) {
			t.Error("got the new certificate before its time")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !k.serves().Leaf.Equal(renewed.cert) {
			t.Errorf("got the old certificate %v later", lookAgain)
		}
	})
}

// Where the kernel has no more watches to give, that is said once, and files are looked at each minute.
func TestWithoutAWatch(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() (*watch, error){
		"no instance": func() (*watch, error) { return nil, errors.New("too many open files") },
		"no watches": func() (*watch, error) {
			w := noWatch()
			w.add = func(string) error { return errors.New("no space left on device") }
			return w, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com")
				k := newChain(t, Config{Certificates: Bundles(bundle(t, t.TempDir(), "x.pem", c))})
				k.watch = open
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- k.Run(ctx) }()
				time.Sleep(10 * lookAgain)
				if got := k.log.count("[WARN]", "once a minute only"); got != 1 {
					t.Errorf("got %d lines, want 1:\n%s", got, k.log.text.String())
				}
				cancel()
				must(t, <-done)
			})
		})
	}
}

// Tickets are made with another key every 12 hours, and are good for the 12 hours after those.
func TestTicketKeysRotate(t *testing.T) {
	inBubble(t, func(t *testing.T, k *chain, _ *atomic.Int64, _ chan fsnotify.Event, _ chan error) {
		for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
			resumesAfter := func(wait time.Duration) bool {
				client := &tls.Config{ServerName: "example.com", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
				_, err := handshake(t, k.bind, client)
				must(t, err)
				time.Sleep(wait)
				synctest.Wait()
				state, err := handshake(t, k.bind, client)
				must(t, err)
				return state.DidResume
			}
			if !resumesAfter(ticketPeriod) {
				t.Errorf("%s: a session does not go on after a rotation", name)
			}
			if resumesAfter(2*ticketPeriod + lookAgain) {
				t.Errorf("%s: a session goes on after two rotations", name)
			}
		}
	})
}

// What a path leads to may change at each of its links, and where it ends.
func TestSurroundings(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.MkdirAll(dir+"/real/deep", 0o700), os.Symlink("real", dir+"/rel"), os.Symlink(dir+"/rel/deep", dir+"/abs"))
	write(t, dir, "real/deep/x.pem", nil)
	must(t, os.Symlink("x.pem", dir+"/real/deep/link.pem"), os.Symlink("loop", dir+"/loop"))
	d := func(names ...string) (dirs []string) {
		for _, n := range names {
			dirs = append(dirs, filepath.Join(dir, n))
		}
		return dirs
	}
	for path, want := range map[string][]string{
		"real/deep/x.pem":    d("real/deep"),
		"real/deep":          d("real", "real/deep"),
		"real/deep/link.pem": d("real/deep", "real/deep"),
		"rel/deep/x.pem":     d("", "real/deep"),
		"abs/link.pem":       d("", "", "real/deep", "real/deep"),
		"abs":                d("", "", "real", "real/deep"),
		"real//deep/":        d("real", "real/deep"),
		"rel/deep/../deep/":  d("", "real", "real/deep"),
		"gone":               d(""),
		"real/gone/x.pem":    d("real"),
		"abs/gone":           d("", "", "real/deep"),
	} {
		if got := surroundings(dir + "/" + path); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if got := surroundings(dir + "/loop"); len(got) != maxLinks {
		t.Errorf("a loop: got %d directories, want an end after %d", len(got), maxLinks)
	}
}
