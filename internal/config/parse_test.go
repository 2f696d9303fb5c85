package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, folder := range []string{"bad", "good"} {
		files, err := os.ReadDir("testdata/" + folder)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile("testdata/" + folder + "/" + file.Name())
			if err != nil {
				f.Fatal(err)
			}
			if strings.HasSuffix(file.Name(), ".yaml") {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, problems := Parse("f.yaml", text)
		if (cfg == nil) != (problems.Err() != nil) {
			t.Fatalf("got configuration %v with error %v, want one of them", cfg != nil, problems.Err())
		}
		lines := bytes.Count(text, []byte("\n")) + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 {
				t.Errorf("%v: no place in a text of %d lines", p, lines)
			}
			if strings.Contains(p.What, "unmarshal") || p.What == "" {
				t.Errorf("%v: the walk let something through that does not decode", p)
			}
		}
		if _, err := problems.WriteTo(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
		if cfg == nil {
			return
		}
		for _, name := range append([]string{}, cfg.Nodes...) {
			if _, err := cfg.Node(name); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	_, problems := Parse("f.yaml", make([]byte, maxSize+1))
	if got, want := problems.Err().Error(), "f.yaml: the file has 8388609 bytes, want at most 8388608"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, problems = Parse("f.yaml", []byte("a: 1\n"+strings.Repeat("? [a]\n: b\n", 5000)))
	if len(problems) != maxProblems {
		t.Errorf("got %d problems, want %d", len(problems), maxProblems)
	}
}

func TestManyWarningsHideNoError(t *testing.T) {
	var text strings.Builder
	text.WriteString("proxy: {frontends: [{name: f, bind: [{address: ':80'}], timeouts: {client: 5}}]}\ntracker:\n  scripts:\n")
	for i := range maxProblems + 100 {
		fmt.Fprintf(&text, "    s%d: {command: [/bin/true]}\n", i)
	}
	cfg, problems := Parse("f.yaml", []byte(text.String()))
	if cfg != nil || len(problems.Errors()) != 1 || len(problems.Warnings()) != maxProblems {
		t.Errorf("got %d errors and %d warnings, want 1 and %d", len(problems.Errors()), len(problems.Warnings()), maxProblems)
	}
}

// TestBindsAreBounded: a port alone stands for every virtual address, so a short file can ask for millions of sockets.
func TestBindsAreBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("nodes: {a: {address: 10.255.0.1}}\nvrrp:\n  instances:\n")
	for i := range 200 {
		fmt.Fprintf(&text, "    - {name: i%d, interface: eth%d, virtual_router_id: 1, virtual_addresses: [10.0.%d.1]}\n", i, i, i)
	}
	text.WriteString("proxy:\n  frontends:\n    - name: f\n      bind:\n")
	for port := range 200 {
		fmt.Fprintf(&text, "        - {address: ':%d'}\n", port+1)
	}
	text.WriteString("      default_backend: b\n  backends: [{name: b, servers: [{name: s, address: '10.1.1.1:80'}]}]\n")
	_, problems := Parse("f.yaml", []byte(text.String()))
	if err := problems.Err(); err == nil || err.Error() != "f.yaml:371:11: proxy.frontends[0].bind[163]: more than 32768 addresses to listen on, in all, want fewer" {
		t.Errorf("got %v, want that there are too many", err)
	}
}

func TestBindsThatExcludeEachOther(t *testing.T) {
	for _, tt := range []struct {
		first, second string
		want          bool // whether the kernel refuses the second
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"127.0.0.1:80", "[::1]:80", false},
		{"127.0.0.1:80", "0.0.0.0:80", true},
		{"0.0.0.0:80", "127.0.0.1:80", true},
		{"0.0.0.0:80", "[::1]:80", false},
		{"[::1]:80", "0.0.0.0:80", false},
		{"127.0.0.1:80", "[::]:80", true},
		{"[::]:80", "127.0.0.1:80", true},
		{"[::]:80", "[::1]:80", true},
		{"[::1]:80", "[::]:80", true},
		{"[::]:80", "0.0.0.0:80", true},
		{"[::]:80", "[::1]:81", false},
		{"0.0.0.0:80", ":80", true}, // without instances
	} {
		text := fmt.Sprintf("proxy: {frontends: [{name: f, bind: [{address: '%s'}, {address: '%s'}], rules: [{respond: {}}]}]}", tt.first, tt.second)
		if _, problems := Parse("f.yaml", []byte(text)); (problems.Err() != nil) != tt.want {
			t.Errorf("%s and %s: got %v, want an error: %t", tt.first, tt.second, problems.Err(), tt.want)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	text, err := os.ReadFile("testdata/bad/password.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var long strings.Builder
	_, problems := Parse("password.yaml", text)
	if _, err := problems.WriteTo(&long); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"supersecretpassword", "s3cret", "hunter2"} {
		if strings.Contains(long.String(), secret) {
			t.Errorf("%s is shown:\n%s", secret, long.String())
		}
	}
}

// big is a file of some thousand lines.
func big() []byte {
	var b strings.Builder
	b.WriteString("proxy:\n  frontends:\n    - name: f\n      bind: [{address: ':8080'}]\n      default_backend: b0\n      rules:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "        - {match: {host: h%d.example.com, path_prefix: /v%d/}, backend: b%d}\n", i, i, i%100)
	}
	b.WriteString("  backends:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "    - name: b%d\n      health_check: {http: {path: /health}, interval: 2s}\n      servers:\n", i)
		for j := range 20 {
			fmt.Fprintf(&b, "        - {name: s%d, address: '10.%d.%d.1:80', weight: %d}\n", j, i, j, j+1)
		}
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	text := big()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if cfg, problems := Parse("big.yaml", text); cfg == nil {
			b.Fatal(problems)
		}
	}
}
