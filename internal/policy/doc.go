// Package policy holds the rules about the source itself, as tests: which package may import which (the star of
// docs/architecture.md), which files may read clocks and start goroutines, and where unsafe may stand.
//
// It has no code. A package that imports.go's table lacks fails the test, so a new package states its place first.
package policy
