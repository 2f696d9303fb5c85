package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/internal/bench/load"
	"github.com/tandem-lb/tandem/internal/bench/origin"
)

// workload is a way to ask, and how much cheaper than the others' Tandem's answers have to be.
type workload struct {
	name   string // for the flag
	title  string
	ask    load.Config // without To and Length
	target float64     // the least of the cheaper peer's CPU time over Tandem's
	port   port        // what the proxies do there
}

// port is a kind of port that every proxy has.
type port uint8

const (
	usual  port = iota // HTTP, with TLS where that is asked for
	logged             // plain, with an access log, and what that adds is measured too
	tcp                // TCP mode: the same bytes, which mean nothing
)

// logTarget is how much an access log may add to Tandem's CPU time.
const logTarget = 0.08

// workloads are all of them, in the tables' order.
func workloads() []workload {
	return []workload{
		{"a64", "1 KB, 64 connections", load.Config{Path: "/1k", Connections: 64}, 1.20, usual},
		{"a512", "1 KB, 512 connections", load.Config{Path: "/1k", Connections: 512}, 1.30, usual},
		{"b", "1 KB, a connection for each request", load.Config{Path: "/1k", Connections: 64, PerRequest: true}, 1.05, usual},
		{"c64k", "64 KB, 64 connections", load.Config{Path: "/64k", Connections: 64}, 1.15, usual},
		{"c1m", "1 MB, 64 connections", load.Config{Path: "/1m", Connections: 64}, 1.10, usual},
		{"chunk", "1 KB in four chunks, 64 connections", load.Config{Path: "/chunk", Connections: 64}, 1.00, usual},
		{"d", "TLS, 1 KB, 64 connections", load.Config{Path: "/1k", Connections: 64, TLS: true}, 1.35, usual},
		{"d64k", "TLS, 64 KB, 64 connections", load.Config{Path: "/64k", Connections: 64, TLS: true}, 1.30, usual},
		{"e", "a full TLS handshake for each request", load.Config{Path: "/1k", Connections: 32, TLS: true, PerRequest: true}, 1.05, usual},
		{"eres", "a resumed TLS session for each request", load.Config{Path: "/1k", Connections: 32, TLS: true, PerRequest: true, Resume: true}, 1.10, usual},
		{"f", "HTTP/2, 1 KB, 16 connections of 32 streams", load.Config{Path: "/1k", Connections: 16, TLS: true, Streams: 32}, 1.20, usual},
		{"log", "a64, with an access log in a file", load.Config{Path: "/1k", Connections: 64}, 1.20, logged},
		{"t64", "TCP mode, 1 KB, 64 connections", load.Config{Path: "/1k", Connections: 64}, 1.00, tcp},
		{"tc64k", "TCP mode, 64 KB, 64 connections", load.Config{Path: "/64k", Connections: 64}, 1.00, tcp},
		{"tc1m", "TCP mode, 1 MB, 64 connections", load.Config{Path: "/1m", Connections: 64}, 1.10, tcp},
	}
}

// at is what the workload asks for, with n connections; 0: with its own number.
func (w workload) at(n int) load.Config {
	c := w.ask
	if n > 0 {
		c.Connections = n
	}
	return c
}

// complete fills in what the origins know.
func complete(c load.Config) (load.Config, error) {
	r, ok := origin.Find(c.Path)
	if !ok {
		return c, fmt.Errorf("no origin has %s", c.Path)
	}
	c.Length = r.Length
	return c, nil
}

// pick finds workloads by name, in the order of all of them.
func pick(names []string) ([]workload, error) {
	var known []string
	for _, w := range workloads() {
		known = append(known, w.name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("no %q, want some of %s", n, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(workloads(), func(w workload) bool { return !slices.Contains(names, w.name) }), nil
}
