package main

import (
	"context"
	"time"
)

// The nodes of a pair: lb1 has the higher priority.
const (
	master = "lb1"
	backup = "lb2"
)

// deed is what is done to the processes of a node.
type deed uint8

const (
	killVRRP deed = iota
	killProxy
	freezeVRRP
	freezeProxy
	stopAll
	startAll // again, after stopAll
	drain    // lower the priority below the peer's, by a file
	undrain
	handover // hand the address to the peer, by the command that is for it; without one by the file
	release
	reload
)

// system is a pair of balancers on a stage.
type system interface {
	// start starts the processes of a node for the first time.
	start(ctx context.Context, node string) error
	// ready waits until the master alone has the address, the backup hears it, and both know their servers to be healthy.
	ready(ctx context.Context) error
	do(ctx context.Context, d deed, node string) error
}

// scenario is what happens on one stage: measured phases, one after the other.
type scenario struct {
	name    string
	local   bool // each balancer has a server of its own, which it reaches whatever becomes of the LAN
	prepare func(ctx context.Context, s *stage) error
	phases  []phase
}

// phase is one row of the table: something is done, and what a client then sees.
type phase struct {
	row    string
	align  func(ctx context.Context, s *stage) error // waits for the right moment; nil: now
	strike func(ctx context.Context, s *stage) error
	// check says whether the strike was what it was to be; nil: it was. With errMissed the scenario is tried again.
	check func(s *stage) error

	late bool // the address moves a down interval after the strike, so what is held begins shortly before that

	holder string // who has the address in the end,
	shared bool   // perhaps not alone, since one of the two cannot hear of it

	bound   func(setting) time.Duration // of the outage; nil: none
	why     string                      // how the bound is made up
	trouble bool                        // the figure is the time from the first failure to the last, as every second request succeeds
	none    bool                        // no new request fails
	keep    bool                        // nothing that is held gets lost
	chance  bool                        // half of what is held gets lost, more or less: it was with the server that failed
	patient bool                        // settling may take longer than the protocol: half a minute
	later   string                      // what a later version promises beyond the bound
}

// result is what a phase cost.
type result struct {
	requests, failed int
	outage           time.Duration
	settled          bool // the address was where it belongs and requests succeeded before patience ended
	lost             tally
	holders          []string
	sole             time.Duration // after the strike, the last change of who has the address; 0: none
	err              string        // the first failure
}
