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
// Each refusal has a [Reason]. It says whether the stream or the connection ends, with which code, and what a request is
// answered with before that.
//
// Nothing is allocated for a frame, nor for fields that the peer takes out of the table; hpack makes a string of each literal.
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
//	encode.go    writing field blocks
package http2
