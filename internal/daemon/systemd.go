package daemon

import (
	"context"
	"fmt"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/hashicorp/go-hclog"
)

// systemd tells the service manager how things are (sd_notify(3)). Without one it does nothing.
type systemd struct {
	log      hclog.Logger
	watchdog time.Duration // 0: none is wanted
}

func newSystemd(log hclog.Logger) *systemd {
	s := &systemd{log: log.Named("systemd")}
	interval, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("the service manager's watchdog is not served", "err", err)
	}
	s.watchdog = interval
	return s
}

func (s *systemd) tell(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		s.log.Warn("tell the service manager", "state", state, "err", err)
	}
}

func (s *systemd) ready()    { s.tell(sd.SdNotifyReady) }
func (s *systemd) stopping() { s.tell(sd.SdNotifyStopping) }

// reloading announces a reload; ready ends it. Type=notify-reload wants to know when it began.
func (s *systemd) reloading() {
	s.tell(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", sd.SdNotifyReloading, monotonic().Microseconds()))
}

// run feeds the watchdog until ctx ends. That the state machines run is the keeper's affair, who notices in a second.
func (s *systemd) run(ctx context.Context) error {
	if s.watchdog == 0 {
		return nil
	}
	ticker := time.NewTicker(s.watchdog / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.tell(sd.SdNotifyWatchdog)
		}
	}
}
