package runner

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DefaultUser is whom a script runs as when its configuration names nobody.
const DefaultUser = "tandem_script"

// Command is what may be run.
type Command struct {
	ID      string        `json:"id"`      // names it in Exec; unique in a table
	Argv    []string      `json:"argv"`    // absolute path and arguments; no shell
	User    string        `json:"user"`    // whom it runs as; empty: DefaultUser, or this user where the runner can't change it
	Timeout time.Duration `json:"timeout"` // from the call on; more than 0, at most MaxTimeout
}

// MaxTimeout is the longest timeout: what needs longer is no script but a service.
const MaxTimeout = 24 * time.Hour

// Result is how a run ended.
type Result struct {
	ExitCode int           `json:"exit_code"` // 128 plus the signal's number after a signal; -1 while it has not ended
	Signal   string        `json:"signal"`    // what killed it, "SIGSEGV"; empty: nothing did
	TimedOut bool          `json:"timed_out"` // its timeout was over; ExitCode is -1, the group is being killed
	Output   string        `json:"output"`    // standard output and error together, the middle left out where it is long
	Duration time.Duration `json:"duration"`  // from the call on
}

// OK says whether the run succeeded.
func (r Result) OK() bool { return r.ExitCode == 0 && !r.TimedOut }

// form judges what can be judged without looking at the system.
func (c Command) form() error {
	switch {
	case c.ID == "":
		return errors.New("it has no id")
	case len(c.Argv) == 0 || c.Argv[0] == "":
		return errors.New("no command given")
	case !filepath.IsAbs(c.Argv[0]):
		return fmt.Errorf("%s is not an absolute path", c.Argv[0])
	case slices.ContainsFunc(c.Argv, func(a string) bool { return strings.ContainsRune(a, 0) }):
		return errors.New("an argument contains a NUL")
	case c.Timeout <= 0 || c.Timeout > MaxTimeout:
		return fmt.Errorf("timeout %v, want more than 0s and at most %v", c.Timeout, MaxTimeout)
	}
	return nil
}
