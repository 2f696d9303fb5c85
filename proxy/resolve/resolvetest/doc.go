// Package resolvetest is a nameserver for tests: on loopback, at a port that the kernel chose, with the answers that a test gives it.
package resolvetest
