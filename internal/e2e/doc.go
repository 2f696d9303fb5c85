// Package e2e runs whole daemons in network namespaces, against each other and beside Debian's Keepalived and FRRouting.
//
// It has no code, only tests: each builds its LAN with internal/drill or internal/netlab, does something to it that
// happens to real pairs, and looks at what the client and the wire saw. The tests run one at a time (make e2e), because
// what they measure would suffer from each other. They use the binary that TANDEM_BIN names, else build one.
package e2e
