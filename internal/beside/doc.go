// Package beside holds Tandem, HAProxy and nginx to the same exams, and Tandem to its differences from the others.
//
// It has no code, only tests. An exam is a site in the words of each product, servers that answer alike whoever asks, and what a client
// does, octet by octet. What the client gets, what the servers are asked and what becomes of the connections is written down line by line,
// without what is chance: addresses, ports, dates. Lines that differ from a peer's have to be declared as a difference, with the sentence
// that docs/compatibility.md has of it. So the page has every difference that is known, none that is gone, and no release changes
// one without being noticed.
//
// What all exams would show is left out of them, and shown by exams of its own: nginx' Server and Connection: keep-alive, the order and
// the case of fields, the text of pages.
//
// All exams are held at once, by one process of each peer with a listener for each exam, which it gets ready-made: no port is chosen
// by anybody but the kernel, and nobody waits for a peer to start.
//
// In reading order (each with _test in its name):
//
//	exam.go       exam, site, difference, area: what a case is
//	areas.go      the areas; each has its exams in a file, its differences in another one
//	meanings.go   the sentences
//	stage.go      an exam with one product; server.go: servers; message.go: reading messages; talk.go: clients
//	tandem.go     Tandem by its file; peers.go: HAProxy and nginx
//	render.go     observations as lines, and what differs
//	beside.go     the test
//	page.go       docs/compatibility.md
package beside
