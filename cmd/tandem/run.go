package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/daemon"
)

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground.

TERM and INT resign in order and end it. HUP reloads the configuration file: all of it takes effect, or nothing. USR1,
like every reload, has the files of access logs opened anew.`,
		Args: cobra.NoArgs,
	}
	opt := daemon.Options{Version: version, Log: newLog}
	cmd.Flags().StringVar(&opt.ConfigFile, "config", "/etc/tandem/tandem.yaml", "configuration file")
	cmd.Flags().StringVar(&opt.Node, "node", "", "which node of the file this is (default: $TANDEM_NODE, else the host name)")
	cmd.Flags().StringVar(&opt.RuntimeDir, "runtime-dir", defaultRuntimeDir, "directory of the lock, the runtime socket and the last will")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		nameProcess()
		return runDaemon(cmd.Context(), opt)
	}
	return cmd
}

func runDaemon(ctx context.Context, opt daemon.Options) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	reload := make(chan os.Signal, 1) // the signal package sends; one waiting reload is as good as many
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	rotate := make(chan os.Signal, 1) // as above
	signal.Notify(rotate, syscall.SIGUSR1)
	defer signal.Stop(rotate)
	d, err := daemon.New(ctx, opt)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-reload:
				_ = d.Reload(ctx, false) // it logs and counts its errors
			case <-rotate:
				d.ReopenLogs()
			case <-ended:
				return
			}
		}
	}()
	return d.Run(ctx)
}

// newLog makes the daemon's log on standard error.
func newLog(cfg config.Log) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "tandem", Level: cfg.Level, JSONFormat: cfg.JSON, Output: os.Stderr})
}

// nameProcess makes ps and pgrep -x show the daemon as tandem, whatever the path it was started by. Where /proc is not
// mounted the file's name stays.
func nameProcess() {
	if err := os.WriteFile("/proc/self/comm", []byte("tandem"), 0); err != nil {
		fmt.Fprintln(os.Stderr, "tandem: name the process:", err)
	}
}
