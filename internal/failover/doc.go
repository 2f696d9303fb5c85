// Command failover measures what faults cost the visitors of a pair: of two Tandem nodes, and of two nodes with
// Keepalived and HAProxy, one after the other on the same LAN of network namespaces. `make failover` runs it; it prints
// the table that docs/benchmarks.md records. It is not part of the tandem binary.
//
// While a fault happens a client opens a new connection every 5 ms and gives it 100 ms (internal/drill), and holds what
// a failover may cost: slow requests, idle connections, downloads, uploads. Every scenario has a LAN of its own, so no
// fault is felt by the next one, and the systems take turns, so that a busy minute of the machine hits both.
//
// In reading order:
//
//	main.go         flags
//	setting.go      VRRP's versions and intervals, and the bounds that follow
//	scenario.go     what a scenario and its phases are
//	cables.go, processes.go, servers.go   the scenarios
//	run.go          one scenario after the other
//	stage.go        the LAN of one scenario, and measuring on it
//	site.go         what the servers answer
//	held.go         what the client holds
//	tandem.go       one system
//	keepalived.go   the other one
//	table.go        results into Markdown, and the verdict
package main
