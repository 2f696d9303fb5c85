package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The protocol of https://github.com/grpc/grpc/blob/master/doc/health-checking.md, over that of PROTOCOL-HTTP2.md beside it.
const (
	grpcPath    = "/grpc.health.v1.Health/Check"
	grpcServing = 1
	grpcPrefix  = 5 // before each message: whether it is compressed, and its length
)

// grpcStatuses are the names of HealthCheckResponse.ServingStatus; never written.
var grpcStatuses = [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

var _ Kind = (*GRPC)(nil)

// GRPC is a probe by grpc.health.v1.Health/Check over HTTP/2.
type GRPC struct {
	Service string // whose health is asked for; empty: that of the server as a whole
	Port    uint16 // 0: the server's own port; at another one there is no TLS but the check's own
}

// Fault implements Kind.
func (*GRPC) Fault() error { return nil }

// Same implements Kind.
func (g *GRPC) Same(o Kind) bool {
	other, ok := o.(*GRPC)
	return ok && *g == *other
}

// newProbe returns the probe that succeeds where a gRPC server says that it, or a service of it, is SERVING.
func (g *GRPC) newProbe(t Target) probe {
	p := newPlace(t, g.Port).offering("h2")
	p.http2 = true
	ask := question2{
		method: "POST", authority: p.authority, path: grpcPath, https: p.secure != nil, body: healthRequest(g.Service),
		fields: []Field{{"content-type", "application/grpc"}, {"te", "trailers"}, {"user-agent", userAgent}},
	}
	return func(ctx context.Context, connect time.Duration) outcome {
		conn, at, err := p.dial(ctx, connect)
		if err != nil {
			return outcome{text: failure(at, err)}
		}
		defer func() { _ = conn.Close() }() // the verdict is made
		defer conn.follow(ctx)()
		a, err := ask2(conn, ask)
		found := judgeGRPC(a, err)
		found.connect = conn.took
		return found
	}
}

// healthRequest is the message HealthCheckRequest, whose field 1 is the service, with its prefix.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = append(message, 1<<3|2)
		message = binary.AppendUvarint(message, uint64(len(service)))
		message = append(message, service...)
	}
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(b, message...)
}

// judgeGRPC turns an answer into an outcome; err is what reading it ended with.
func judgeGRPC(a *answer2, err error) outcome {
	code, codeErr := strconv.ParseUint(a.code, 10, 16)
	switch {
	case a.status != 0 && a.status != 200:
		return outcome{code: a.status, text: fmt.Sprintf("HTTP status %d, want 200", a.status) + quote(a.body)}
	case err != nil:
		return outcome{text: failure(layer7, err)}
	case a.code == "":
		return outcome{text: "layer 7 no grpc-status: this is no gRPC"}
	case codeErr != nil:
		return outcome{text: "layer 7 malformed grpc-status" + quote([]byte(a.code))}
	case code != 0:
		return outcome{code: int(code), text: fmt.Sprintf("gRPC status %d", code) + quote([]byte(a.words))}
	}
	status, err := healthStatus(a.body)
	if err != nil {
		return outcome{text: "layer 7 malformed gRPC: " + err.Error()}
	}
	name := strconv.FormatUint(status, 10)
	if status < uint64(len(grpcStatuses)) {
		name = grpcStatuses[status]
	}
	if status != grpcServing {
		return outcome{text: "gRPC health " + name + ", want SERVING"}
	}
	return outcome{ok: true, text: "gRPC health " + name}
}

var errGRPC = errors.New("no whole message that is not compressed")

// healthStatus reads the message HealthCheckResponse, whose field 1 is the status, behind its prefix. Fields of later versions are passed
// over.
func healthStatus(b []byte) (status uint64, err error) {
	if len(b) < grpcPrefix || b[0] != 0 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-grpcPrefix) {
		return 0, errGRPC
	}
	for b = b[grpcPrefix:]; len(b) > 0; {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, errGRPC
		}
		b = b[n:]
		value, n := protoValue(key&7, b)
		if n <= 0 || n > len(b) {
			return 0, errGRPC
		}
		if b = b[n:]; key == 1<<3 {
			status = value
		}
	}
	return status, nil
}

// protoValue reads a value of a wire type of protobuf, and returns how long it is; 0: it is malformed or cut short. Of those but numbers
// of variable length nobody wants the value.
func protoValue(wire uint64, b []byte) (value uint64, n int) {
	switch wire {
	case 0:
		return binary.Uvarint(b)
	case 1:
		return 0, 8
	case 2:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)) {
			return 0, 0
		}
		return 0, n + int(size)
	case 5:
		return 0, 4
	}
	return 0, 0
}

// lower returns fields with names as HTTP/2 has them.
func lower(fields []Field) []Field {
	var all []Field
	for _, f := range fields {
		all = append(all, Field{strings.ToLower(f.Name), f.Value})
	}
	return all
}
