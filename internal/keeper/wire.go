package keeper

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Each message is one packet of the socket. The first octet says what it is: a heartbeat, which needs no answer and is
// eight octets of CLOCK_BOOTTIME in nanoseconds, big endian, and the instance's name; or a request in JSON, which
// is answered by one reply before the next request is sent.
const (
	markHeartbeat = 'h'
	markRequest   = 'r'

	// maxMessage is what fits a Unix socket of the kernel's default size (net.core.wmem_default, 208 KiB) with room to
	// spare. A will of 500 addresses has about 60 KiB.
	maxMessage = 128 << 10
)

type request struct {
	Kind     requestKind `json:"kind"`
	Instance string      `json:"instance,omitempty"`
	Will     will        `json:"will,omitempty"`
	Beat     *Beat       `json:"beat,omitempty"`
	Slot     int         `json:"slot,omitempty"`    // beat: in the ledger
	Resumed  bool        `json:"resumed,omitempty"` // beat: the keeper is a new one, the advert is due at once
	Hello    *hello      `json:"hello,omitempty"`
}

type requestKind string

const (
	askHello requestKind = "hello" // the first one
	askPing  requestKind = "ping"
	askWill  requestKind = "will" // without Will: cancel
	askBeat  requestKind = "beat" // without Beat: stop
	askStop  requestKind = "stop"
)

// hello tells the child what it needs to know.
type hello struct {
	Dir     string        `json:"dir"`
	Name    string        `json:"name"`
	Silence time.Duration `json:"silence"`
	LogJSON bool          `json:"log_json,omitempty"`

	RTPriority int  `json:"rt_priority,omitempty"`
	NoSwap     bool `json:"no_swap,omitempty"`
}

type reply struct {
	Err      string   `json:"err,omitempty"`
	Counters Counters `json:"counters"`
}

// Counters is what a keeper process has counted since it was started.
type Counters struct {
	Adverts      uint64        `json:"adverts"`       // sent
	AdvertErrors uint64        `json:"advert_errors"` // not sent
	AdvertError  string        `json:"advert_error"`  // why the last one was not sent
	Latest       time.Duration `json:"latest"`        // by how much the latest advert was late
	Overslept    uint64        `json:"overslept"`     // how often the keeper itself did not run in time
	Starved      uint64        `json:"starved"`       // how often the daemon was silent because it was not let run
	OOMScoreAdj  int           `json:"oom_score_adj"` // -1000: never chosen by the out-of-memory killer
	RTPriority   int           `json:"rt_priority"`   // of SCHED_RR, in force; 0: it is scheduled as others are
	Locked       uint64        `json:"locked"`        // octets of memory that are never swapped out
}

func encodeRequest(r request) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	if len(text) >= maxMessage {
		return nil, fmt.Errorf("the request has %d octets, at most %d are possible", len(text), maxMessage-1)
	}
	return append([]byte{markRequest}, text...), nil
}

func encodeHeartbeat(sent time.Duration, instance string) []byte {
	b := make([]byte, 0, 1+8+len(instance))
	b = append(b, markHeartbeat)
	b = binary.BigEndian.AppendUint64(b, uint64(sent))
	return append(b, instance...)
}

// decodeHeartbeat takes the message behind its mark.
func decodeHeartbeat(b []byte) (event, error) {
	if len(b) < 8 {
		return event{}, fmt.Errorf("heartbeat of %d octets, want 8 and a name", len(b))
	}
	return event{kind: heartbeat, sent: time.Duration(binary.BigEndian.Uint64(b)), instance: string(b[8:])}, nil
}

// decodeRequest takes the message behind its mark.
func decodeRequest(b []byte) (request, error) {
	var r request
	if err := unmarshalStrict(b, &r); err != nil {
		return r, fmt.Errorf("request: %w", err)
	}
	switch r.Kind {
	case askHello:
		if r.Hello == nil || r.Hello.Silence < minSilence {
			return r, errors.New("request: hello without what it should tell")
		}
	case askBeat:
		if r.Slot < 0 || r.Slot >= ledgerSlots {
			return r, fmt.Errorf("request: slot %d of the ledger, want 0 to %d", r.Slot, ledgerSlots-1)
		}
		if r.Beat != nil {
			return r, r.Beat.check()
		}
	case askPing, askWill, askStop:
	default:
		return r, fmt.Errorf("request: unknown kind %q", r.Kind)
	}
	return r, nil
}
