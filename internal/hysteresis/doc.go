// Package hysteresis counts successes and failures in a row, so that one odd result does not flip what depends on it.
//
// A Counter holds a Status and is told each result by Observe. A thing that is Up becomes Down after `fall` failures
// in a row; one that is Down becomes Up after `rise` successes in a row. A result that agrees with the status starts
// the count again.
//
// What holds before the first result is the caller's choice:
//
//   - New starts Unknown, and the first result decides at once, whatever rise and fall are. Trackers start so: one
//     success is enough at start, and nothing is claimed before it.
//   - Start starts in a given status, a given number of contrary results away from leaving it. Server checks start so:
//     Up, one failure from Down, so that a dead server is found by its first check and a live one serves at once.
//
// The package is pure: no clock, no goroutine, no lock. A Counter belongs to whoever observes.
package hysteresis
