package doctor

// Level says how bad a finding is.
type Level uint8

// The levels. Problem: an instance will not work, or not fail over. Warning: it works until something else happens, or
// nothing could be seen where something should be.
const (
	OK Level = iota
	Warning
	Problem
)

// String is the level as users read it, in JSON too.
func (l Level) String() string {
	switch l {
	case Problem:
		return "problem"
	case Warning:
		return "warning"
	}
	return "ok"
}

// MarshalText is String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is one thing that a check has to say.
type Finding struct {
	Check   string   `json:"check"`             // its name in the table of checks
	Subject string   `json:"subject,omitempty"` // the interface; empty: the host
	Level   Level    `json:"level"`
	Saw     string   `json:"saw"`           // what was seen
	Why     string   `json:"why,omitempty"` // why it matters; empty where all is well
	Do      []string `json:"do,omitempty"`  // what to do about it, commands where there are any
}

// Count returns how many findings have the level.
func Count(findings []Finding, l Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// fine is a finding that all is well. Judge and each say where and by which check.
func fine(saw string) Finding { return Finding{Saw: saw} }

// warn is a finding to think about.
func warn(saw, why string, do ...string) Finding {
	return Finding{Level: Warning, Saw: saw, Why: why, Do: do}
}

// wrong is a finding that has to be mended.
func wrong(saw, why string, do ...string) Finding {
	return Finding{Level: Problem, Saw: saw, Why: why, Do: do}
}
