// Command tandem turns two Linux hosts into a highly available load balancer.
//
// One file a command; what they do is in internal/daemon, internal/admin, internal/config and internal/demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/daemon"
	"github.com/tandem-lb/tandem/internal/demo"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/runner"
)

// version is set by the linker.
var version = "unknown"

// defaultRuntimeDir holds the lock, the runtime socket and what a run leaves for the next one.
const defaultRuntimeDir = "/run/tandem"

func main() {
	// The keeper and the runner are this binary under another name.
	switch filepath.Base(os.Args[0]) {
	case keeper.ProcessName:
		os.Exit(daemon.KeeperMain())
	case runner.ProcessName:
		os.Exit(runner.Main())
	}
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// exitError ends the process with a code of its own; its message has been printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// execute runs the command that args name and returns the exit status: 0, or 1 after one line on stderr that says why, unless
// the command has a status of its own.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "tandem",
		Short:         "Two hosts, one virtual address, one load balancer",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(runCommand(), checkCommand(), doctorCommand(), statusCommand(), explainCommand(), reloadCommand(), handoverCommand(), demoCommand(demo.Enter), keeperCommand(), versionCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(stderr, "tandem:", err)
	return 1
}
