package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/daemon"
)

func keeperCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keeper", Short: "What concerns the keeper process"}
	replay := &cobra.Command{
		Use:   "replay",
		Short: "Carry out the last will that a former run left: for a unit's ExecStopPost",
		Long: `Carry out the last will that a former run left: remove its virtual addresses and tell the peer.

The keeper does this when the daemon ends. Where the keeper was killed too, this does it. It does nothing where there is no
will, and refuses where the node's daemon is running.`,
		Args: cobra.NoArgs,
	}
	node := replay.Flags().String("node", "", "which node (default: $TANDEM_NODE, else the host name)")
	dir := replay.Flags().String("runtime-dir", defaultRuntimeDir, "the daemon's runtime directory")
	replay.RunE = func(cmd *cobra.Command, _ []string) error {
		name, err := config.NodeName(*node, os.Getenv, os.Hostname)
		if err != nil {
			return err
		}
		n, err := daemon.Replay(cmd.Context(), *dir, name)
		if n > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "carried out the last will of %s\n", counted(n, "instance"))
		}
		return err
	}
	cmd.AddCommand(replay)
	return cmd
}
