package exchange

import "time"

// NotReached stands for the duration of a phase that an exchange did not come to, or did not complete.
const NotReached time.Duration = -1

// Record is the account of one exchange: what the counters add up and what access logs print. The durations are those of
// HAProxy's httplog, whose names stand in brackets.
type Record struct {
	Frontend  string
	Backend   string // empty: none was chosen
	Server    string // the last one that was tried; empty: none
	Session   bool   // of TCP mode: there is no request, and no status
	TLS       bool   // the client's connection is TLS
	RequestID string // empty: none is made
	NoLog     bool   // a rule keeps this exchange out of access logs
	Limited   bool   // the client asks too often

	Begin    time.Time     // first byte of the request
	Request  time.Duration // until its head was complete [TR]
	Wait     time.Duration // from there to the start of the last connection attempt, failed attempts included [Tw]
	Connect  time.Duration // of the last attempt [Tc]
	Response time.Duration // from the connection to the response head [Tr]
	Active   time.Duration // from Begin to the end [Ta]

	Status       int   // what the client was told; 0: nothing
	BytesIn      int64 // from the client, as far as the engine sees them
	BytesOut     int64 // to the client
	Termination  Termination
	Why          string // label of the reason that the request, or the server's response, was no HTTP; empty: none
	Retries      int    // connection attempts after the first
	Redispatched bool   // a retry went to another server

	Cookie       CookieState
	ServerQueue  int // how many requests of the server's queue had their turn before this one did, it included; 0: it did not wait there
	BackendQueue int // the same of the backend's

	Details *Details // nil: nobody logs it
}

// CookieState says what became of the cookie that names a server: the third and fourth letter of HAProxy's termination state. 0 stands
// for a dash: there is no such cookie.
type CookieState struct {
	Request  byte // what the client sent
	Response byte // what it was sent
}

// Termination says who or what ended an exchange and in which phase: the first two letters of HAProxy's termination
// state.
type Termination struct {
	Cause Cause
	Phase Phase
}

// String returns the two letters.
func (t Termination) String() string { return string([]byte{byte(t.Cause), byte(t.Phase)}) }

// Cause is the first letter.
type Cause byte

// The causes.
const (
	Normal        Cause = '-'
	ByClient      Cause = 'C' // the client went away
	ClientTimeout Cause = 'c'
	ByServer      Cause = 'S' // the server refused, closed or reset; or there is none
	ServerTimeout Cause = 's'
	ByProxy       Cause = 'P' // the request or the response is not acceptable
	ByDown        Cause = 'D' // the server was found down, and connections to it are cut then
	Local         Cause = 'L' // the balancer answered, as configured
	Internal      Cause = 'I' // the engine failed
)

// Phase is the second letter.
type Phase byte

// The phases.
const (
	AtEnd     Phase = '-'
	AtRequest Phase = 'R' // waiting for the request
	AtQueue   Phase = 'Q' // waiting for a server to have room
	AtConnect Phase = 'C' // connecting to a server
	AtHead    Phase = 'H' // waiting for the response head
	AtData    Phase = 'D' // forwarding the response
)
