package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/internal/daemon"
	"github.com/tandem-lb/tandem/internal/status"
)

// clientTimeout bounds status and explain; a reload may wait for certificates and sockets and gets reloadTimeout.
const (
	clientTimeout = 5 * time.Second
	reloadTimeout = 60 * time.Second
)

// socketFlag adds --socket to a command that talks to the running daemon.
func socketFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("socket", filepath.Join(defaultRuntimeDir, daemon.SocketName), "the daemon's runtime socket")
}

func call(ctx context.Context, timeout time.Duration, socket, line string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return admin.Call(ctx, socket, line)
}

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show who holds the virtual addresses, and how everything is",
		Args:  cobra.NoArgs,
	}
	socket := socketFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print the whole state as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := call(cmd.Context(), clientTimeout, *socket, "status")
		if err != nil {
			return err
		}
		if *asJSON {
			_, err := cmd.OutOrStdout().Write(text)
			return err
		}
		var s status.Snapshot
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("read the daemon's status: %w", err)
		}
		return s.WriteText(cmd.OutOrStdout())
	}
	return cmd
}

func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [INSTANCE]",
		Short: "Say why an instance is MASTER, BACKUP or FAULT, and what would change it",
		Args:  cobra.MaximumNArgs(1),
	}
	socket := socketFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := call(cmd.Context(), clientTimeout, *socket, strings.Join(append([]string{"explain"}, args...), " "))
		if err != nil {
			return err
		}
		var lines []string
		if err := json.Unmarshal(text, &lines); err != nil {
			return fmt.Errorf("read the daemon's explanation: %w", err)
		}
		for _, l := range lines {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), l); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let the daemon read its configuration file again: all of it takes effect, or nothing",
		Args:  cobra.NoArgs,
	}
	socket := socketFlag(cmd)
	force := cmd.Flags().Bool("force", false, "apply a change that breaks the wire between running nodes too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		line := "reload"
		if *force {
			line += " force"
		}
		if _, err := call(cmd.Context(), reloadTimeout, *socket, line); err != nil {
			return err
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "reloaded")
		return err
	}
	return cmd
}
