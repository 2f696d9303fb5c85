package tracker

import "time"

// Kind names a kind of tracker, as configuration and status spell it.
type Kind string

// The kinds of this version; kinds.go holds the one table of them.
const (
	KindScript    Kind = "script"
	KindInterface Kind = "interface"
	KindBackend   Kind = "backend"
)

// ID names one tracker on a node: what is watched, apart from who watches it.
type ID struct {
	Kind  Kind
	Name  string // the script's name, the interface's name, or the backend's name
	MinUp int    // backend only: how many healthy servers make it up, at least 1; 0 for other kinds
}

// Script is a command whose exit status 0 means success.
type Script struct {
	Name     string        // unique on a node
	Command  []string      // absolute path and arguments; no shell
	Interval time.Duration // between the starts of two runs; a run that is still going is not overlapped
	Timeout  time.Duration // the whole process group is killed at this age, and the run counts as failed
	Rise     int           // successes in a row that make it up, at least 1; the first one is enough at start
	Fall     int           // failures in a row that make it down, at least 1
	User     string        // whom it runs as; empty: tandem_script where that user exists
}

// Binding ties a tracker to an instance.
type Binding struct {
	ID     ID
	Weight int // -253 to 253. Positive: added while up. Negative: subtracted while down. 0: FAULT while down.
}
