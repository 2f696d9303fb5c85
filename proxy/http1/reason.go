package http1

// Reason says why a message is refused. It is the error, the metric label and the value in logs and tests.
type Reason uint8

// The reasons.
const (
	BadRequestLine   Reason = iota + 1 // not "method SP target SP version"
	BadMethod                          // not a token, or too long for one
	BadTarget                          // in no form that the method allows, or with bytes that no URI has
	BadVersion                         // neither HTTP/1.0 nor HTTP/1.1
	Preface                            // HTTP/2's connection preface
	BadStatusLine                      // of a response
	BareLF                             // a line that LF ends without CR
	Folded                             // a line that goes on the one before (RFC 9112 section 5.2)
	BadName                            // a field name that is no token, or a line without a colon
	BadValue                           // a control character in a field value, a bare CR or NUL too
	LineTooLong                        // a field line
	TargetTooLong                      // the request line
	HeadTooLarge                       // all of the head, or its number of fields
	HostMissing                        // in an HTTP/1.1 request
	HostTwice                          // even when both say the same
	BadHost                            // no host with or without a port
	HostDiffers                        // from the authority in the request target
	BadLength                          // a Content-Length that is no plain number of octets
	LengthTwice                        // even when both say the same
	LengthAndCoding                    // Content-Length beside Transfer-Encoding
	CodingInOld                        // Transfer-Encoding in an HTTP/1.0 message
	BadCoding                          // a Transfer-Encoding that is malformed, or more than one
	UnknownCoding                      // a transfer coding besides chunked
	BadConnection                      // connection options that are no tokens, too many, or that name a field of all recipients
	BadExpect                          // an expectation besides 100-continue
	BodyWhereNone                      // a response that must not have one has a length or a coding
	BadChunk                           // a chunk's size line
	ChunkExtension                     // with control characters, or too long
	BadChunkEnd                        // data that goes on where the chunk should end
	ForbiddenTrailer                   // a trailer field that frames, routes or authenticates

	numReasons = int(ForbiddenTrailer) + 1
)

// facts is the one table of what the reasons are called and of the status that answers a request for each.
var facts = [numReasons]struct {
	label, text string
	status      int
}{
	BadRequestLine:   {"request_line", "malformed request line", 400},
	BadMethod:        {"method", "malformed method", 400},
	BadTarget:        {"target", "malformed request target", 400},
	BadVersion:       {"version", "HTTP version other than 1.0 and 1.1", 505},
	Preface:          {"preface", "HTTP/2 connection preface where HTTP/1 is spoken", 400},
	BadStatusLine:    {"status_line", "malformed status line", 400},
	BareLF:           {"bare_lf", "line ended by LF without CR", 400},
	Folded:           {"folded", "folded field line", 400},
	BadName:          {"field_name", "malformed field name", 400},
	BadValue:         {"field_value", "control character in a field value", 400},
	LineTooLong:      {"line_too_long", "field line is too long", 431},
	TargetTooLong:    {"target_too_long", "request line is too long", 414},
	HeadTooLarge:     {"head_too_large", "head is too large", 431},
	HostMissing:      {"host_missing", "no Host field", 400},
	HostTwice:        {"host_twice", "more than one Host field", 400},
	BadHost:          {"host", "malformed Host field", 400},
	HostDiffers:      {"host_differs", "Host field differs from the request target", 400},
	BadLength:        {"content_length", "malformed Content-Length", 400},
	LengthTwice:      {"content_length_twice", "more than one Content-Length field", 400},
	LengthAndCoding:  {"length_and_coding", "Content-Length beside Transfer-Encoding", 400},
	CodingInOld:      {"coding_in_http10", "Transfer-Encoding in an HTTP/1.0 message", 400},
	BadCoding:        {"transfer_encoding", "malformed Transfer-Encoding", 400},
	UnknownCoding:    {"unknown_coding", "transfer coding other than chunked", 501},
	BadConnection:    {"connection", "malformed connection options", 400},
	BadExpect:        {"expect", "expectation other than 100-continue", 417},
	BodyWhereNone:    {"body_where_none", "body in a response that must have none", 400},
	BadChunk:         {"chunk_size", "malformed chunk size", 400},
	ChunkExtension:   {"chunk_extension", "malformed or overlong chunk extension", 400},
	BadChunkEnd:      {"chunk_end", "chunk data longer than its size", 400},
	ForbiddenTrailer: {"trailer", "trailer field that frames, routes or authenticates", 400},
}

// Error describes the reason to people.
func (r Reason) Error() string { return facts[r].text }

// Label names the reason in metrics.
func (r Reason) Label() string { return facts[r].label }

// Status is what a request that is refused for the reason is answered with. A response is always a 502.
func (r Reason) Status() int { return facts[r].status }

// Reasons lists every reason.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := 1; r < numReasons; r++ {
		all = append(all, Reason(r))
	}
	return all
}
