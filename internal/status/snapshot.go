package status

import "time"

// Snapshot is a node at one moment. The lists are in configured order.
type Snapshot struct {
	Time      time.Time `json:"time"` // when it was taken; every age is counted from here
	Node      string    `json:"node"`
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	// Goroutines is how many the daemon has; it follows what is open, and does not grow with time.
	Goroutines int        `json:"goroutines"`
	Config     Config     `json:"config"`
	Keeper     Keeper     `json:"keeper"`
	Runner     Process    `json:"runner"`
	Instances  []Instance `json:"instances"`
	// Interfaces are those that listen for adverts, by name and family.
	Interfaces []Interface `json:"interfaces"`
	Trackers   []Tracker   `json:"trackers"`
	Frontends  []Frontend  `json:"frontends"`
	TLS        TLS         `json:"tls"`
	Backends   []Backend   `json:"backends"`
	Buffered   int64       `json:"buffered_responses,omitempty"` // octets of memory that responses take which clients are slow to take
	Lookups    Lookups     `json:"lookups"`
	AccessLogs []AccessLog `json:"access_logs"`
	Notify     []Notify    `json:"notify"`
}

// Interface is an interface that listens for adverts of one family.
type Interface struct {
	Name   string `json:"name"`
	Family string `json:"family"` // IPv4 or IPv6
	// Dropped counts by reason the packets that could be ascribed to no instance: of another VRID, or too damaged to tell.
	Dropped map[string]uint64 `json:"adverts_dropped,omitempty"`
}

// Config is the configuration that is in force, and how the last reload went.
type Config struct {
	File           string    `json:"file"`
	Hash           string    `json:"hash"` // SHA-256 of the file, hexadecimal: equal on nodes that have the same file
	LoadedAt       time.Time `json:"loaded_at"`
	Warnings       []string  `json:"warnings,omitempty"` // about it, as tandem check prints them
	Reloads        uint64    `json:"reloads"`            // asked for since the start
	ReloadFailures uint64    `json:"reload_failures"`
	LastReload     Reload    `json:"last_reload,omitzero"`
}

// Reload is one reload that was asked for. After one that is not OK the configuration of before is in force.
type Reload struct {
	Time  time.Time `json:"time"`
	OK    bool      `json:"ok"`
	Error string    `json:"error,omitempty"`
}

// Process is a child process of the daemon. The zero value is one that the configuration does not need.
type Process struct {
	PID      int    `json:"pid"` // 0: not running
	Alive    bool   `json:"alive"`
	Restarts uint64 `json:"restarts"`
}

// Keeper is the child process that keeps the beat and holds the last will.
type Keeper struct {
	Process
	WillSet bool `json:"will_set"` // it would clean up after this daemon now

	Adverts      uint64  `json:"adverts_sent"`   // by the present keeper, for all instances
	AdvertErrors uint64  `json:"advert_errors"`  // adverts that it could not send
	Latest       float64 `json:"latest_seconds"` // by how much its latest advert was late

	Overslept     uint64 `json:"overslept"`      // how often it did not run in time itself
	DaemonStarved uint64 `json:"daemon_starved"` // how often it found the daemon wanting to run and not let
	RTPriority    int    `json:"rt_priority"`    // of SCHED_RR; 0: it is scheduled as other processes are
	Locked        uint64 `json:"locked_bytes"`   // of its memory, never swapped out
}

// Tracker is something that moves priorities.
type Tracker struct {
	Name      string    `json:"name"`   // kind and name: "script check_app"
	Status    string    `json:"status"` // up, down or unknown
	Text      string    `json:"text,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	LastCheck time.Time `json:"last_check,omitzero"`
	Seconds   float64   `json:"duration_seconds"` // of the last check
	Run       int       `json:"run"`              // results in a row against Status,
	Limit     int       `json:"limit"`            // of this many that change it
	Runs      uint64    `json:"runs"`
	Failures  uint64    `json:"failures"`
	Skipped   uint64    `json:"skipped"` // starts left out because an earlier run was still going
}

// Notify is the notify script of one instance.
type Notify struct {
	Instance  string    `json:"instance"`
	Running   bool      `json:"running"`
	Runs      uint64    `json:"runs"`
	Failures  uint64    `json:"failures"`
	Coalesced uint64    `json:"coalesced"` // states that a newer one replaced before their script could start
	State     string    `json:"state,omitempty"`
	Epoch     uint64    `json:"epoch,omitempty"`
	LastRun   time.Time `json:"last_run,omitzero"` // of the last run that ended, as the fields around
	Seconds   float64   `json:"duration_seconds"`
	ExitCode  int       `json:"exit_code"`
	Failure   string    `json:"failure,omitempty"` // why it counts as failed
	Output    string    `json:"output,omitempty"`
}
