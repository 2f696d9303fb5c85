package loop

// What tests outside of the package have to know of it.
const (
	AcceptPause  = acceptPause
	SharedBudget = sharedBudget
	ExpireBudget = expireBudget
	Tick         = tick
	PipeSize     = pipeSize
	LeastPipe    = leastPipe
	MaxPipes     = maxPipes
	SparePipes   = sparePipes
)

// Pipes is how many pipes are open, and how many of those nobody has.
func (l *Loop) Pipes() (open, spare int) { return len(l.pipes.open), len(l.pipes.spare) }

// NewClient is a connection that was accepted by other means.
func NewClient(fd int) Client { return Client{fd: fd} }
