package engine

import "unsafe"

// text returns b as a string without copying it. b must not change while the string is in use: it is memory of a stream, and the
// string one of its exchange's, which end together.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
