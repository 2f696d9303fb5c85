package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/doctor"
)

// doctorUnable is the exit status where the doctor could not look: 1 says that it found a problem.
const doctorUnable = 2

// Bounds of the time to listen: the shortest hears two adverts of the usual interval, the longest all that are sent.
const (
	leastListen = 2 * time.Second
	mostListen  = 5 * time.Minute
)

// doctorFlags are what the command line says.
type doctorFlags struct {
	config, node, iface string
	listen              time.Duration
	json                bool
}

func doctorCommand() *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine this host and its network, propose a free VRID, and say what to do",
		Long: `Examine this host and its network, propose a free VRID, and say what to do.

With --config every instance's interface is examined, and compared with what the file wants; with --interface alone one
interface, before there is a file. It listens for adverts, asks by ARP who has the virtual addresses, and looks at the
kernel, firewall, capabilities, users and clock. It changes nothing and sends no advert.

Exit 0: no problem, though there may be warnings. 1: a problem. 2: it could not look; one line says why.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return unable(cmd, err)
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(unable)
	cmd.Flags().StringVar(&flags.config, "config", "", "configuration file")
	cmd.Flags().StringVar(&flags.node, "node", "", "which node of the file this is (default: $TANDEM_NODE, else the host name)")
	cmd.Flags().StringVar(&flags.iface, "interface", "", "examine this interface only")
	cmd.Flags().DurationVar(&flags.listen, "listen", 5*time.Second, "how long to listen for adverts")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the findings as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		found, err := examine(ctx, flags, cmd.ErrOrStderr())
		if err == nil {
			err = printFindings(cmd.OutOrStdout(), found, flags.json)
		}
		switch {
		case err != nil:
			return unable(cmd, err)
		case doctor.Count(found, doctor.Problem) > 0:
			return exitError(1)
		}
		return nil
	}
	return cmd
}

// unable says why the doctor could not look.
func unable(cmd *cobra.Command, err error) error {
	fmt.Fprintln(cmd.ErrOrStderr(), "tandem doctor:", err)
	return exitError(doctorUnable)
}

// examine gathers facts and judges them. What is wrong with the configuration is written to stderr.
func examine(ctx context.Context, flags doctorFlags, stderr io.Writer) ([]doctor.Finding, error) {
	if flags.listen < leastListen || flags.listen > mostListen {
		return nil, fmt.Errorf("--listen %v: want %v to %v", flags.listen, leastListen, mostListen)
	}
	plan, err := doctorPlan(flags, stderr)
	if err != nil {
		return nil, err
	}
	facts, err := doctor.Examine(ctx, plan, flags.listen)
	if err != nil {
		return nil, err
	}
	return doctor.Judge(facts), nil
}

// doctorPlan is what is to be examined.
func doctorPlan(flags doctorFlags, stderr io.Writer) (doctor.Plan, error) {
	switch {
	case flags.config == "" && flags.iface == "":
		return doctor.Plan{}, errors.New("want --config FILE or --interface NAME: which interface is to be examined?")
	case flags.config == "" && flags.node != "":
		return doctor.Plan{}, errors.New("--node is of a configuration: want --config FILE too")
	case flags.config == "":
		return doctor.PlanInterface(flags.iface), nil
	}
	cfg, problems := config.Load(flags.config)
	if cfg == nil {
		if _, err := problems.WriteTo(stderr); err != nil {
			return doctor.Plan{}, err
		}
		return doctor.Plan{}, fmt.Errorf("%s has errors: tandem check %s", flags.config, flags.config)
	}
	node, err := thisNode(cfg, flags.node)
	if err != nil {
		return doctor.Plan{}, err
	}
	plan, err := doctor.PlanNode(cfg, node)
	if err != nil {
		return doctor.Plan{}, err
	}
	if flags.iface != "" {
		plan = plan.Only(flags.iface)
	}
	return plan, nil
}

func printFindings(w io.Writer, found []doctor.Finding, asJSON bool) error {
	if asJSON {
		return doctor.WriteJSON(w, found)
	}
	return doctor.WriteText(w, found)
}
