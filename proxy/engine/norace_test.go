//go:build !race

package engine_test

// every is 1: no place where a talk can be cut or broken off is left out.
const every = 1
