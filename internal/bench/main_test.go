package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"workload", []string{"-workloads", "a64,x64"}, `-workloads: no "x64", want some of a64, a512, b, c64k, c1m, chunk, d, d64k, e, eres, f, log, t64, tc64k, tc1m`},
		{"proxy", []string{"-proxies", "caddy"}, `-proxies: no "caddy", want some of tandem, haproxy, nginx`},
		{"no proxy", []string{"-proxies", ""}, "-proxies: none, want some of tandem, haproxy, nginx"},
		{"rounds", []string{"-rounds", "0"}, "-rounds: 0, want 1 or more"},
		{"duration", []string{"-duration", "0s"}, "-duration: 0s, want more than 0"},
		{"connections", []string{"-connections", "-1"}, "-connections: -1, want 0 or more"},
		{"argument", []string{"a64"}, `argument "a64", want flags alone`},
		{"profile of none", []string{"-profile", "x", "-proxies", "nginx"}, "-profile: want tandem among -proxies"},
	} {
		if _, err := parse(c.args, t.Output()); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	o, err := parse([]string{"-workloads", "", "-proxies", "nginx,tandem", "-mem"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.bench.workloads) != 0 || len(o.bench.proxies) != 2 || o.bench.proxies[0].name != "tandem" || !o.parts.memory || o.parts.latency {
		t.Errorf("got %+v, want no workload, tandem before nginx, memory alone", o)
	}
}

func TestMissingPrograms(t *testing.T) {
	t.Parallel()
	all := proxies("/nowhere/tandem")
	all[1].command = "no-such-haproxy"
	for i, want := range []string{
		"no program /nowhere/tandem: `make build` makes it",
		"no-such-haproxy is not installed: `make test-deps` installs it as root on Debian; without it: -proxies tandem",
	} {
		if _, err := all[i].find(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := command([]string{"-print"}, &out, &errs); code != 0 {
		t.Fatalf("got exit status %d: %s", code, &errs)
	}
	for _, want := range []string{
		`- {address: "127.0.0.1:8001"}`, `{name: origin2, address: "127.0.0.1:9002"}`,
		"bind 127.0.0.1:8102 backlog 4096 ssl crt /tmp/bench/pair.pem alpn h2,http/1.1", "nbthread 1",
		"listen 127.0.0.1:8103 ssl http2 backlog=4096;", "access_log: {format: httplog, output: [/tmp/bench/access.log]}", "worker_processes 1;", "worker_rlimit_nofile 20000;",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestFactsOfTheMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, got, want string }{
		{"HAProxy", versionIn("HAProxy version 2.6.12-1+deb12u4 2026/03/25 - https://haproxy.org/\nStatus: long-term\n"), "2.6.12-1+deb12u4"},
		{"nginx", versionIn("nginx version: nginx/1.22.1\n"), "1.22.1"},
		{"Tandem", versionIn("tandem v0.3.0-4-g12ab (go1.26.8, linux/amd64)\n"), "v0.3.0-4-g12ab"},
		{"another", versionIn("something else\nof two lines\n"), "something else"},
		{"processor", modelName("processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz: 1\n", "?"), "AMD EPYC"},
		{"processor without a name", modelName("processor\t: 0\n", "?"), "?"},
		{"two cores", machine{kernel: "Linux 6.18", processor: "P", number: 4, cores: cores{0, 1}, versions: []string{"Tandem 1", "nginx 2"}, before: "0 0 0", later: "1 0 0"}.String(),
			"Linux 6.18; P, 4 processors; Tandem 1, nginx 2; load average 0 0 0 before, 1 0 0 after; proxies on processor 0, load and origins on 1."},
		{"one core", machine{kernel: "Linux 6.18", processor: "P", number: 1, cores: cores{3, 3}, versions: []string{"Tandem 1"}, before: "0 0 0", later: "1 0 0"}.String(),
			"Linux 6.18; P, 1 processors; Tandem 1; load average 0 0 0 before, 1 0 0 after; everything on processor 3: figures of such a machine are no measurement."},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if kb, err := resident([]byte("Name:\tnginx\nVmRSS:\t    1234 kB\nThreads: 1\n")); kb != 1234 || err != nil {
		t.Errorf("got %d, %v, want 1234", kb, err)
	}
	if _, err := resident([]byte("Name:\tnginx\n")); err == nil || err.Error() != "no VmRSS in its status" {
		t.Errorf("got %v, want: no VmRSS in its status", err)
	}
}

// Every part of a measurement works with Tandem alone: a tool that nobody runs every day must not rot. What it found is
// not for a test that runs beside others.
func TestIntegrationBench(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole daemon takes seconds")
	}
	o, err := parse([]string{"-tandem", binary(t), "-proxies", "tandem", "-workloads", "b,chunk,eres,f,tc64k", "-rounds", "1", "-duration", "300ms", "-connections", "4"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	b := o.bench
	b.progress, b.settle = t.Output(), 10*time.Millisecond
	c, err := chooseCores()
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.measure(t.Context(), c, parts{memory: true, latency: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.faults(); err != nil {
		t.Error(err)
	}
	for _, c := range r.costs {
		rounds := c.rounds["tandem"]
		if len(rounds) != 1 || rounds[0].Requests == 0 || rounds[0].CPU <= 0 {
			t.Errorf("%s: got %+v, want a round with requests and CPU time", c.workload.name, rounds)
		}
	}
	if len(r.costs) != 5 || len(r.memory) != len(idles()) || len(r.latency) != len(timed) {
		t.Errorf("got %d costs, %d weights, %d latencies, want 5, %d, %d", len(r.costs), len(r.memory), len(r.latency), len(idles()), len(timed))
	}
	for _, l := range r.latency {
		if got := l.rounds["tandem"]; len(got) != 1 || got[0].p50 <= 0 || got[0].p999 < got[0].p99 || got[0].p99 < got[0].p50 {
			t.Errorf("%s: got %v, want a round with times in order", l.workload.name, got)
		}
	}
}

func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TANDEM_BIN"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "tandem")
	cmd := exec.Command("go", "build", "-o", path, "../../cmd/tandem")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tandem: %v: %s", err, out)
	}
	return path
}
