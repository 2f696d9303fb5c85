package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/demo"
)

// demoUnavailable is the exit status where neither root nor user namespaces are to be had.
const demoUnavailable = 2

// demoCommand needs enter to get the process to where it can make namespaces, as demo.Enter does.
func demoCommand(enter func() (code int, done bool, err error)) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Build a pair in namespaces, pull its cable, and show what a client sees",
		Long: `Build a pair in network namespaces, pull its cable, stop, kill and freeze its daemons, and show what a client sees.

Nothing outside the namespaces is touched. Exit 0: every outage stayed below its bound. 1: one did not, or the demo
could not go on. 2: neither root nor user namespaces are to be had; one line says what to enable.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			code, done, err := enter()
			if err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "tandem demo:", err)
				return exitError(demoUnavailable)
			}
			if done {
				return exitError(code)
			}
			binary, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			info, err := os.Stdout.Stat()
			terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			ok, err := demo.Run(ctx, demo.Options{Binary: binary, Out: cmd.OutOrStdout(), Live: terminal})
			if err != nil {
				return err
			}
			if !ok {
				return exitError(1)
			}
			return nil
		},
	}
}
