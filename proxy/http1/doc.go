// Package http1 reads and writes HTTP/1.0 and HTTP/1.1 messages (RFC 9112, https://www.rfc-editor.org/rfc/rfc9112): heads,
// chunked bodies and trailers, requests and responses. It is a codec: bytes in, verdicts out. It does no I/O, keeps no
// bytes, starts nothing and, but for the growth of a list of fields, allocates nothing.
//
// A message that two readers could take for different ones is refused, whichever of them would be right, because the other
// one may be the next hop. So are bytes that the grammar forbids. Each refusal has a [Reason], which says what to answer.
//
// A [Request] or [Response] is parsed line by line as bytes arrive: its owner keeps them from the first one on and calls
// Parse with all of them after each arrival, and no line is looked at twice. What has been found is told as [Span], so that
// the bytes may move meanwhile. A body is framed as Length says; [Chunked] takes a chunked one apart in place and [Trailers]
// reads what follows it.
//
// Nothing is forwarded as it came: heads are written anew, end-to-end fields byte for byte, all that concerns one
// connection alone (Field.Hop) left to the writer.
//
// What HTTP/2 shares with it, fields and what they may hold, is exported for package http2, so that what comes as one can leave as the other.
//
// In reading order:
//
//	reason.go    why a message is refused
//	span.go      Span, Field, Limits
//	bytes.go     which bytes may stand where
//	name.go      the field names that mean something here
//	lines.go     a head's lines, as they arrive
//	fields.go    field lines
//	target.go    request targets, Host
//	framing.go   Content-Length, Transfer-Encoding, Connection
//	request.go   Request
//	response.go  Response
//	chunked.go   Chunked
//	trailers.go  Trailers
//	append.go    writing
package http1
