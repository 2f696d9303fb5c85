package runner

import "fmt"

// Check says everything that is wrong with a command on this system: its form, its user, its file. It judges a user
// other than this one as a runner with the capability to become it would; only the runner itself knows whether it has
// that. Nil: nothing is wrong.
func Check(c Command) []error {
	_, errs := judge(c, newSystem(), false)
	return errs
}

// judge finds out whom c runs as and what is wrong with it. With strict, a user that this process can't become is wrong.
func judge(c Command, sys system, strict bool) (identity, []error) {
	if err := c.form(); err != nil {
		return identity{}, []error{fmt.Errorf("command %q: %w", c.ID, err)}
	}
	var errs []error
	id, err := sys.identityOf(c.User, strict)
	if err != nil {
		// The file is judged as far as it can be without knowing for whom.
		errs = append(errs, fmt.Errorf("command %q: %w", c.ID, err))
		id = identity{}
	}
	if fileErr := executable(c.Argv[0], id, err == nil); fileErr != nil {
		return id, append(errs, fmt.Errorf("command %q: %w", c.ID, fileErr))
	}
	if err == nil && id.uid == 0 && sys.realRoot {
		if rootErr := rootsAlone(c.Argv[0]); rootErr != nil {
			errs = append(errs, fmt.Errorf("command %q would run as root: %w", c.ID, rootErr))
		}
	}
	return id, errs
}
