// Package peers runs programs of others beside tests: HAProxy, nginx and whatever else Tandem is compared with. It is for tests.
//
//	peers.go    Find, Want, Version and Run
package peers
