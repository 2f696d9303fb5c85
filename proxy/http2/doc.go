// Package http2 reads and writes HTTP/2 (RFC 9113, https://www.rfc-editor.org/rfc/rfc9113): frames, field blocks, and what
// the fields of requests, responses and trailers may say. It is a codec like its sister http1: bytes in, verdicts out. It does
// no I/O and starts nothing.
//
// A [Reader] takes frames apart. Its owner keeps the bytes and calls Parse with all that have not been consumed after each
// arrival; a frame is told once it is complete, its payload a part of those bytes. Field blocks go through the [Decoder] of
// the connection into a [Head], which keeps its bytes in one piece and its fields as http1 does: what came as HTTP/2 leaves
// as HTTP/1 by http1.AppendFields, and the other way round by [AppendFields]. [Head.Request], [Head.Response] and
// [Head.Trailers] judge it by RFC 9113 sections 8.2, 8.3 and 8.5.
//
// A [Conn] is a server's side of a whole connection, a [ClientConn] a client's: streams, windows, settings, floods, the way to
// its end. They are state machines without sockets and clock: their owner brings what arrives and the time, gets an [Event] for each
// frame, and sends what is appended to its buffer. Backpressure is its owner's: data that is not Consumed is not granted again, and
// nothing is received while much waits to be sent. So is fairness among the streams that wait for room, which Ready names. How
// long a stream or a connection may be idle is its owner's to say too; a field block that has begun has a Deadline here. Priorities
// are checked and not followed.
//
// Each refusal has a [Reason]. It says whether the stream or the connection ends, with which code, and what a request is
// answered with before that.
//
// Nothing is allocated for a frame, nor for fields that the peer takes out of the table; hpack makes a string of each literal.
// Fields of responses that repeat are sent out of the table too.
//
// In reading order:
//
//	code.go      error codes
//	reason.go    why a stream or a connection is ended
//	frame.go     Type, Flags, Frame
//	reader.go    the preface, Limits, Reader
//	settings.go  Settings
//	append.go    writing frames
//	decode.go    Decoder: field blocks, by x/net's hpack
//	head.go      Head: what may be a field; trailers
//	request.go   requests
//	response.go  responses
//	encode.go    Encoder: field blocks
//	table.go     what the peer has in its table of fields
//	config.go    Config: what a side allows
//	event.go     Event
//	endpoint.go  what both sides of a connection have: deadlines, faults
//	stream.go    the streams that are open; windows that we grant
//	owners.go    what is an owner's: values on streams, and which of them have room
//	floods.go    Floods: what is counted
//	receive.go   what each frame does
//	send.go      messages, windows
//	drain.go     signs of life, and the way to the end
//	conn.go      Conn: a server's side
//	client.go    ClientConn: a client's side
package http2
