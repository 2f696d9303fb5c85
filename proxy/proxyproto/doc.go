// Package proxyproto reads and writes the header of the PROXY protocol, by which a proxy tells the next one, or a server, who its client is:
// https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, "the text" below. It is pure: it sees what has come so far.
//
// Files, in reading order:
//
//	header.go  Header and Parse
//	v1.go      version 1, a line of text; v2.go: version 2
package proxyproto
