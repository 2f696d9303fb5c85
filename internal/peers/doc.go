// Package peers runs programs of others beside tests: HAProxy, nginx and whatever else Tandem is compared with. It is for tests.
//
//	peers.go       Find, Want, Version and Run
//	balancer.go    Balancer: HAProxy and nginx, at sockets that listen before they start
package peers
