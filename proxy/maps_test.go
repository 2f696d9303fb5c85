package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// newMap returns a map file by host, and the frontend that asks it.
func newMap(t *testing.T, text string) (*mapFile, func(host string) string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hosts.map")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := edit.Parse("{host}", edit.Request)
	if err != nil {
		t.Fatal(err)
	}
	choices := map[string]exchange.Choice{}
	for _, b := range []string{"one", "two", "rest"} {
		choices[b] = exchange.Choice{Backend: &exchange.Backend{Name: b, Servers: nobody{}}}
	}
	f := &mapFile{name: name, directory: exchange.NewDirectory(key, choices, choices["rest"])}
	if err := f.read(); err != nil {
		t.Fatal(err)
	}
	table, err := rule.Compile([]rule.Rule{{Map: &rule.Map{File: name}}})
	if err != nil {
		t.Fatal(err)
	}
	front := &exchange.Frontend{Name: "web", Rules: table, Routes: []exchange.Route{{Directory: f.directory}}}
	return f, func(host string) string {
		var x exchange.Exchange
		x.Start(time.Now(), front)
		x.Step(time.Now(), exchange.Event{Kind: exchange.Request, Target: &exchange.Target{Method: "GET", Host: host, URI: "/"}})
		return x.Step(time.Now(), exchange.Event{Kind: exchange.Finished}).Record.Backend
	}
}

// A map follows its file; a file that cannot be used changes nothing, and is told of once.
func TestMapsFollowTheirFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, backend := newMap(t, "a one\n")
		var log record
		m := newMapFiles(hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true, Level: hclog.Info}))
		go func() { _ = m.Run(t.Context()) }()
		m.set([]*mapFile{f})
		for _, step := range []struct {
			text string // empty: the file goes
			a, b string
			log  string
		}{
			{"a two\nb one\n", "two", "one", "map read anew"},
			{"a two\nb", "two", "one", "line 2: 1 words, want a key and a value"},
			{"", "two", "one", "no such file or directory"},
			{"a nobody\nb one\n", "two", "one", "no backend nobody"},
			{"b two\n", "rest", "two", "map read anew"},
		} {
			log.taken()
			var err error
			if step.text == "" {
				err = os.Remove(f.name)
			} else {
				err = os.WriteFile(f.name, []byte(step.text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * m.every)
			synctest.Wait()
			if a, b := backend("A:80"), backend("b"); a != step.a || b != step.b {
				t.Errorf("%q: got %s and %s, want %s and %s", step.text, a, b, step.a, step.b)
			}
			if got := log.taken(); strings.Count(got, "\n") != 1 || !strings.Contains(got, step.log) {
				t.Errorf("%q: got log %q, want one line with %q", step.text, got, step.log)
			}
		}
	})
}

// nobody has no servers.
type nobody struct{}

func (nobody) Pick(upstream.Request) (*upstream.Server, upstream.Outcome) { return nil, upstream.None }

func (nobody) Enter(upstream.Request, *upstream.Waiter) (*upstream.Server, upstream.Outcome) {
	return nil, upstream.None
}

// record keeps what is logged.
type record struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, p...)
	return len(p), nil
}

// taken returns what was logged since it was called last.
func (r *record) taken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := string(r.text)
	r.text = nil
	return text
}
