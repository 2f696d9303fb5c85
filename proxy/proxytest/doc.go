// Package proxytest holds any engine of the balancer to what clients and servers see of it. The cases know nothing but
// sockets and the surface of package proxy; where bytes matter, both ends are raw sockets.
//
// Cases that stand for a requirement carry its number (R19_redirect), and Requirement runs them. All addresses are on
// loopback, all ports chosen by the kernel, and every case brings its own servers, so cases run in parallel.
//
// Files, in reading order:
//
//	suite.go       Run, Requirement and the table of cases
//	server.go      servers: scripted, refusing, silent
//	client.go      raw requests
//	config.go      configurations to vary
//	routing.go, conditions.go, headers.go, heads.go, auth.go, faults.go, bodies.go, upgrade.go, balance.go, algorithms.go, persistence.go,
//	tls.go, servers_tls.go, tcp.go, gates.go, reload.go   the cases
package proxytest
