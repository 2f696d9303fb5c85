package upstream

import (
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// Member is a server as one configuration has it.
type Member struct {
	*Server
	Weight         int           // 0 to balance.MaxWeight; 0: no new traffic
	Backup         bool          // it gets traffic while no other can
	MaxConnections int           // requests at once; 0: any number
	MaxQueue       int           // how many may wait for it alone, because they belong to it; 0: as many as Options say
	Vacant         bool          // nobody knows its address: it can't be used, whatever its health is
	SlowStart      time.Duration // in which its weight grows after it was down; 0: at once
}

// full reports whether the server has as many requests as it may.
func (m *Member) full() bool {
	return m.MaxConnections > 0 && m.inFlight.Load() >= int64(m.MaxConnections)
}

// standing is what a member may be used for; lower values come first.
type standing uint8

const (
	upActive standing = iota
	unknownActive
	upBackup
	unknownBackup
	heldActive // up, and held back
	heldBackup
	unusable // down, of weight 0, or without an address
)

func (m *Member) standing() standing {
	status := m.health.Load().Status
	switch {
	case m.Weight == 0 || status == hysteresis.Down || m.Vacant:
		return unusable
	case status == hysteresis.Up && m.held():
		if m.Backup {
			return heldBackup
		}
		return heldActive
	case m.Backup && status == hysteresis.Up:
		return upBackup
	case m.Backup:
		return unknownBackup
	case status == hysteresis.Up:
		return upActive
	}
	return unknownActive
}
