//go:build race

package engine_test

// every is how many of the places where a talk can be cut or broken off are left out, and one that is not: the race detector has the
// tests take ten times as long, and the loops have one goroutine here anyway.
const every = 9
