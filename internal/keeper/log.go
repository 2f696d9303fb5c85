package keeper

import (
	"os"

	"github.com/hashicorp/go-hclog"
)

// Words is the log of the keeper's process, on standard error: it looks like the daemon's own, which may be dead by then.
func Words(json bool) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "tandem.keeper", JSONFormat: json, Output: os.Stderr})
}
