package notify

import "time"

// Config says what one instance calls when its state changes.
type Config struct {
	Instance string        // the instance's name, the second argument of the script
	Script   []string      // absolute path and its own arguments, before those of the event; empty: no script
	Timeout  time.Duration // of one run, after which the whole process group is killed
	User     string        // whom it runs as; empty: tandem_script where that user exists
}
