package accesslog

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// serve runs outputs until the test, or end, ends them.
func serve(t *testing.T, o *Outputs) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := o.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	await(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.run != nil
	})
	end = func() { cancel(); wg.Wait() }
	t.Cleanup(end)
	return end
}

func apply(t *testing.T, o *Outputs, outputs ...Output) {
	t.Helper()
	p := o.Plan()
	for _, output := range outputs {
		if err := p.Open(output); err != nil {
			t.Fatal(err)
		}
	}
	o.Apply(p)()
}

func newLog(t testing.TB, c Config) (*Log, *Target) {
	t.Helper()
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	target := &Target{}
	l.To(target)
	return l, target
}

func TestOutputsOutliveReloads(t *testing.T) {
	dir := t.TempDir()
	a, b := Output{Kind: File, Address: filepath.Join(dir, "a")}, Output{Kind: File, Address: filepath.Join(dir, "b")}
	o := NewOutputs(hclog.NewNullLogger())
	apply(t, o, a, a)
	end := serve(t, o)
	l, target := newLog(t, Config{Format: "%s"})
	write := func(server string) {
		r := served()
		r.Server = server
		l.Wants().Write(r)
	}
	write("nowhere yet")
	o.Point(target, []Output{a, a})
	write("one")
	sink := o.sinks[a]
	apply(t, o, a, b)
	if o.sinks[a] != sink {
		t.Error("a reload has replaced an output that it keeps")
	}
	o.Point(target, []Output{a, b})
	write("two")
	p := o.Plan()
	if err := p.Open(b); err != nil {
		t.Fatal(err)
	}
	retire := o.Apply(p)
	write("three") // before the frontend is told
	o.Point(target, []Output{b})
	retire()
	write("four")
	o.Point(target, nil)
	write("nowhere any more")
	end()
	if got, want := read(t, a.Address), "one\ntwo\nthree\n"; got != want {
		t.Errorf("a has %q, want %q", got, want)
	}
	if got, want := read(t, b.Address), "two\nthree\nfour\n"; got != want {
		t.Errorf("b has %q, want %q", got, want)
	}
	if got := o.Status(); len(got) != 1 || got[0].Output != b || got[0].Lines != 3 {
		t.Errorf("status %+v, want b with 3 lines", got)
	}
	apply(t, o, a) // after the end: it is discarded
	if len(o.sinks) != 1 {
		t.Error("a plan was applied after the end")
	}
}

func TestPlanThatIsNotApplied(t *testing.T) {
	dir := t.TempDir()
	o := NewOutputs(hclog.NewNullLogger())
	p := o.Plan()
	if err := p.Open(Output{Kind: File, Address: filepath.Join(dir, "a")}); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "none", "b")
	if err := p.Open(Output{Kind: File, Address: missing}); err == nil || err.Error() != "open "+missing+": no such file or directory" {
		t.Errorf("got %v, want that there is no such directory", err)
	}
	p.Discard()
	p.Discard()
	if o.Status() != nil {
		t.Error("there is an output")
	}
}

// Outputs that never ran are closed as well.
func TestReloadBeforeRun(t *testing.T) {
	dir := t.TempDir()
	o := NewOutputs(hclog.NewNullLogger())
	apply(t, o, Output{Kind: File, Address: filepath.Join(dir, "a")})
	apply(t, o)
	end := serve(t, o)
	end()
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	out := Output{Kind: File, Address: path}
	o := NewOutputs(hclog.NewNullLogger())
	apply(t, o, out, Output{})
	end := serve(t, o)
	l, target := newLog(t, Config{Format: "%s"})
	o.Point(target, []Output{out})
	l.Wants().Write(served())
	rotate(t, path)
	o.Reopen()
	await(t, func() bool { return exists(path) })
	l.Wants().Write(served())
	end()
	if got := read(t, path+".1") + "|" + read(t, path); got != "s1\n|s1\n" {
		t.Errorf("got %q, want a line in each", got)
	}
}

func TestLogWritesWhatItIsToWrite(t *testing.T) {
	plain, quiet, unheard := served(), served(), unreached(408, ends('c', 'R'), 0)
	quiet.NoLog = true
	unheard.Details.Unheard = true
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"all", Config{}, "s1 "},
		{"silent clients too", Config{Null: true}, "s1 <NOSRV> "},
	} {
		t.Run("R8_R44_"+c.name, func(t *testing.T) {
			c.config.Format = "%s"
			l, target := newLog(t, c.config)
			s := newSink(Output{}, &store{}, hclog.NewNullLogger())
			target.sinks.Store(&[]*Sink{s})
			for _, r := range []*exchange.Record{plain, quiet, unheard} {
				l.Wants().Write(r)
			}
			if got := strings.ReplaceAll(string(s.waiting), "\n", " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSample(t *testing.T) {
	for _, c := range []struct {
		sample float64
		of     int
		want   int
	}{{0, 10, 10}, {1, 10, 10}, {0.1, 1000, 100}, {0.25, 8, 2}, {0.5, 7, 3}, {0.999, 1000, 999}, {1.0 / 3, 3000, 1000}} {
		l, target := newLog(t, Config{Format: "%s", Sample: c.sample})
		s := newSink(Output{}, &store{}, hclog.NewNullLogger())
		target.sinks.Store(&[]*Sink{s})
		for range c.of {
			l.Wants().Write(served())
		}
		if got := int(s.status().Lines); got < c.want-1 || got > c.want {
			t.Errorf("%v: %d lines of %d, want %d", c.sample, got, c.of, c.want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"format", Config{Format: "clf"}, `format "clf" is none of httplog, tcplog, json, common, combined, and has no % of HAProxy's syntax`},
		{"sample", Config{Format: "json", Sample: 1.5}, "sample 1.5, want more than 0 and at most 1"},
		{"negative sample", Config{Format: "json", Sample: -1}, "sample -1, want more than 0 and at most 1"},
		{"capture", Config{Format: "json", Request: []exchange.Capture{{Name: "Host"}}}, `capture of 0 octets of "Host", want a name and 1 or more`},
		{"cookie capture", Config{Format: "json", Cookie: &exchange.Capture{Name: "SID"}}, `capture of 0 octets of cookie "SID", want a name and 1 or more`},
		{"response capture", Config{Format: "json", Response: []exchange.Capture{{Length: 1}}}, `capture of 1 octets of "", want a name and 1 or more`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.config); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestParseOutput(t *testing.T) {
	for _, c := range []struct {
		text string
		want Output
	}{
		{"stdout", Output{}},
		{"/var/log/tandem/access.log", Output{Kind: File, Address: "/var/log/tandem/access.log"}},
		{"syslog:/dev/log", Output{Kind: Unix, Address: "/dev/log", Syslog: local0}},
		{"syslog:127.0.0.1:514", Output{Kind: UDP, Address: "127.0.0.1:514", Syslog: local0}},
		{"syslog:[2001:db8::1]:514", Output{Kind: UDP, Address: "[2001:db8::1]:514", Syslog: local0}},
		{"syslog:logs.example.com:514", Output{Kind: UDP, Address: "logs.example.com:514", Syslog: local0}},
	} {
		if got, err := ParseOutput(c.text, local0); err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%s: got %+v (%s), %v; want %+v", c.text, got, got, err, c.want)
		}
	}
	for _, text := range []string{"", "access.log", "stderr", "syslog:", "syslog:host", "syslog:host:0", "syslog:host:65536", "syslog::514", "syslog:a b:514"} {
		if got, err := ParseOutput(text, local0); err == nil || !strings.HasSuffix(err.Error(), " is no output") {
			t.Errorf("%q: got %+v, %v; want that it is no output", text, got, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	l, target := newLog(b, Config{Format: "httplog"})
	s := newSink(Output{}, &store{}, hclog.NewNullLogger())
	target.sinks.Store(&[]*Sink{s})
	r := served()
	b.ReportAllocs()
	for b.Loop() {
		l.Wants().Write(r)
		if len(s.waiting) > batch {
			s.waiting = s.waiting[:0]
		}
	}
}

// Lines have the time of the host's clock, however far off the records' is.
func TestTimesAreThoseOfTheHost(t *testing.T) {
	r := served()
	r.Active = 2 * time.Second
	var s scratch
	for _, off := range []time.Duration{-time.Hour, 0, time.Hour} {
		r.Begin = time.Now().Add(off).Round(0)
		if got := time.Since(s.begin(r)); got < 2*time.Second || got > 5*time.Second {
			t.Errorf("off by %v: began %v ago, want 2s", off, got)
		}
	}
}
