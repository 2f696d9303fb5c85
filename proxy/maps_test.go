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
	d := exchange.NewDirectory(key, choices, choices["rest"])
	f := &mapFile{name: name, use: d.Replace}
	if err := f.read(); err != nil {
		t.Fatal(err)
	}
	table, err := rule.Compile([]rule.Rule{{Map: &rule.Map{File: name}}})
	if err != nil {
		t.Fatal(err)
	}
	front := &exchange.Frontend{Name: "web", Rules: table, Routes: []exchange.Route{{Directory: d}}}
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
			{"a two\nb", "two", "one", `line 2: \"b\" alone, want a key and a value`},
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

// Maps that cannot be, and variables of maps that there are not, are refused.
func TestMapsThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(file, []byte("a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Map{Name: "good", File: file, Key: "{host}"}
	cookie := Map{Name: "cookie", File: file, Key: "{cookie:a}"}
	for _, tt := range []struct {
		name string
		maps []Map
		f    Frontend
		want string
	}{
		{"twice", []Map{good, good}, Frontend{}, "map good is configured twice"},
		{"a key that is none", []Map{{Name: "m", File: file, Key: "{hots}"}}, Frontend{}, "map m: key: no variable {hots}"},
		{"a map by a map", []Map{{Name: "m", File: file, Key: "{map:m}"}}, Frontend{}, "map m: key: it asks for another map"},
		{"no file", []Map{{Name: "m", File: file + "x"}}, Frontend{}, "no such file or directory"},
		{"no map in a header", []Map{good}, Frontend{RequestEdits: []edit.Edit{{Name: "A", Value: "{map:bad}"}}}, "{map:bad}: no map bad"},
		{"no map in a redirect", nil, Frontend{Rules: []rule.Rule{{Redirect: &rule.Redirect{Location: "/{map:bad}"}}}}, "{map:bad}: no map bad"},
		{"a request's in a response", []Map{cookie}, Frontend{ResponseEdits: []edit.Edit{{Name: "A", Value: "{map:cookie}"}}}, "{map:cookie} is known of requests only: its key is"},
		{"a request's in a request", []Map{cookie}, Frontend{RequestEdits: []edit.Edit{{Name: "A", Value: "{map:cookie}"}}}, ""},
	} {
		tt.f.Name, tt.f.Timeouts = "web", FrontendTimeouts{HTTPRequest: 1, Client: 1, KeepAlive: 1, Tunnel: 1}
		plan, err := New(Options{}).Plan(Config{Maps: tt.maps, Frontends: []Frontend{tt.f}})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), tt.want) != 1) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if plan != nil {
			plan.Discard()
		}
	}
}

// What a variable stands for follows the file; until it can be used again, what it said before holds on.
func TestVariablesFollowTheirFiles(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "m")
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a 1\n")
	l, err := compileMaps([]Map{{Name: "m", File: name, Key: "{host}", Default: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := rule.Compile([]rule.Rule{{Redirect: &rule.Redirect{Location: "/{map:m}"}}})
	if err != nil {
		t.Fatal(err)
	}
	front := &exchange.Frontend{Name: "web", Rules: table, Routes: make([]exchange.Route, 1), Maps: l.maps}
	for _, step := range []struct{ text, want, fault string }{
		{"a 1\n", "/1", ""}, {"a two words \n", "/two words", ""}, {"a", "/two words", `line 1: "a" alone, want a key and a value`}, {"b 1\n", "/none", ""},
	} {
		write(step.text)
		if err := l.files[0].read(); step.fault == "" && err != nil || step.fault != "" && (err == nil || !strings.Contains(err.Error(), step.fault)) {
			t.Errorf("%q: got %v, want %q", step.text, err, step.fault)
		}
		var x exchange.Exchange
		x.Start(time.Now(), front)
		a := x.Step(time.Now(), exchange.Event{Kind: exchange.Request, Target: &exchange.Target{Method: "GET", Host: "A", URI: "/"}})
		if a.Do != exchange.Respond || a.Reply.Location != step.want {
			t.Errorf("%q: got %+v, want %s", step.text, a.Reply, step.want)
		}
	}
}
