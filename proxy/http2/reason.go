package http2

// Reason says why a connection, or one stream of it, is ended. It is the error, the metric label and the value in logs and
// tests.
type Reason uint8

// The reasons.
const (
	// For which the connection ends.
	BadPreface        Reason = iota + 1 // not the 24 octets, or no SETTINGS after them
	FrameTooLarge                       // longer than SETTINGS_MAX_FRAME_SIZE
	BadFrameSize                        // a length that the type does not allow
	BadFrameStream                      // stream 0 where there must be one, or the other way round
	BadPadding                          // as long as the frame or longer
	BlockInterrupted                    // another frame where CONTINUATION has to come
	StrayContinuation                   // CONTINUATION where no field block is open
	BlockTooLarge                       // a field block of too many octets
	BlockTooSplit                       // a field block in too many frames
	BlockTooSlow                        // a field block that is not at its end in time
	BadCompression                      // not HPACK
	PushRefused                         // PUSH_PROMISE, which nobody has allowed
	BadSetting                          // a value out of its bounds
	BadWindowSetting                    // SETTINGS_INITIAL_WINDOW_SIZE out of its bounds
	ZeroIncrement                       // WINDOW_UPDATE by nothing, of the connection
	WindowOverflow                      // above 2^31-1 octets, of the connection
	WindowExceeded                      // more data than the connection's window
	BadStreamID                         // even, or not above all before it
	IdleStream                          // a frame that only an open stream may get
	ClosedStream                        // a frame on a stream that ended some time ago

	// For which a stream ends.
	BadPriority      // PRIORITY of a wrong length
	SelfDependency   // a stream that depends on itself
	ZeroStreamUpdate // WINDOW_UPDATE by nothing
	StreamOverflow   // above 2^31-1 octets
	StreamExceeded   // more data than the stream's window
	HalfClosed       // frames after END_STREAM
	TooManyStreams   // above SETTINGS_MAX_CONCURRENT_STREAMS
	HeadTooLarge     // fields, by count or size
	BadName          // empty, upper case, or no token
	BadValue         // a control character, or white space at an end
	ConnectionField  // a field of HTTP/1's connections
	BadTE            // te other than "trailers"
	PseudoLate       // a pseudo-field after a field
	PseudoTwice      // one more than once
	PseudoUnknown    // one that does not belong there
	PseudoMissing    // one that has to be there
	PseudoForbidden  // :scheme or :path with CONNECT
	BadMethod        // not a token, or too long for one
	BadScheme        // neither http nor https
	BadPath          // empty, not beginning with a slash, or with bytes that no URI has
	BadAuthority     // no host with or without a port; of CONNECT: without one
	HostMissing      // neither :authority nor host
	HostTwice        // even when both say the same
	HostDiffers      // from :authority
	BadLength        // a content-length that is no plain number of octets
	LengthTwice      // even when both say the same
	LengthDiffers    // more or less data than content-length says
	BadExpect        // an expectation besides 100-continue
	BadStatus        // not three digits from 100 to 599, or 101
	BodyWhereNone    // a response that must not have one has a length
	PseudoInTrailers // trailers with a pseudo-field
	ForbiddenTrailer // a trailer field that frames, routes or authenticates
	TrailersUnended  // a second field block without END_STREAM
	DataBeforeHead   // of a response
	InterimEnds      // an interim response with END_STREAM
	TooManyInterims  // before a response

	// Floods, for which the connection ends.
	ResetFlood    // streams opened and reset
	SettingsFlood // SETTINGS
	PingFlood     // PING
	EmptyFlood    // frames without content
	UpdateFlood   // WINDOW_UPDATE, PRIORITY, and types that are not known
	FaultFlood    // streams that ended for their faults

	numReasons = int(FaultFlood) + 1
)

// firstOfStream and lastOfStream enclose the reasons for which only a stream ends.
const (
	firstOfStream = BadPriority
	lastOfStream  = TooManyInterims
)

// facts is the one table of what the reasons are called, of their codes, and of the status that may answer a request before
// its stream is reset; 0: none, because what came is no request.
var facts = [numReasons]struct {
	label, text string
	code        Code
	status      int
}{
	BadPreface:        {"preface", "malformed connection preface", ProtocolError, 0},
	FrameTooLarge:     {"frame_too_large", "frame above the maximum size", FrameSizeError, 0},
	BadFrameSize:      {"frame_size", "frame of a length that its type does not allow", FrameSizeError, 0},
	BadFrameStream:    {"frame_stream", "frame on a stream that its type does not allow", ProtocolError, 0},
	BadPadding:        {"padding", "padding longer than the frame", ProtocolError, 0},
	BlockInterrupted:  {"block_interrupted", "field block interrupted by another frame", ProtocolError, 0},
	StrayContinuation: {"stray_continuation", "CONTINUATION without a field block", ProtocolError, 0},
	BlockTooLarge:     {"block_too_large", "field block is too large", EnhanceYourCalm, 0},
	BlockTooSplit:     {"block_too_split", "field block in too many frames", EnhanceYourCalm, 0},
	BlockTooSlow:      {"block_too_slow", "field block not at its end in time", EnhanceYourCalm, 0},
	BadCompression:    {"compression", "malformed HPACK", CompressionError, 0},
	PushRefused:       {"push", "PUSH_PROMISE that nobody has allowed", ProtocolError, 0},
	BadSetting:        {"setting", "setting out of bounds", ProtocolError, 0},
	BadWindowSetting:  {"window_setting", "initial window size out of bounds", FlowControlError, 0},
	ZeroIncrement:     {"zero_increment", "window of the connection updated by nothing", ProtocolError, 0},
	WindowOverflow:    {"window_overflow", "window of the connection above 2^31-1", FlowControlError, 0},
	WindowExceeded:    {"window_exceeded", "data above the window of the connection", FlowControlError, 0},
	BadStreamID:       {"stream_id", "stream identifier out of order", ProtocolError, 0},
	IdleStream:        {"idle_stream", "frame on an idle stream", ProtocolError, 0},
	ClosedStream:      {"closed_stream", "frame on a closed stream", StreamClosed, 0},

	BadPriority:      {"priority", "malformed priority", FrameSizeError, 0},
	SelfDependency:   {"self_dependency", "stream depends on itself", ProtocolError, 0},
	ZeroStreamUpdate: {"zero_stream_update", "window of a stream updated by nothing", ProtocolError, 0},
	StreamOverflow:   {"stream_overflow", "window of a stream above 2^31-1", FlowControlError, 0},
	StreamExceeded:   {"stream_exceeded", "data above the window of a stream", FlowControlError, 0},
	HalfClosed:       {"half_closed", "frame after the end of a stream", StreamClosed, 0},
	TooManyStreams:   {"too_many_streams", "too many concurrent streams", RefusedStream, 0},
	HeadTooLarge:     {"head_too_large", "head is too large", ProtocolError, 431},
	BadName:          {"field_name", "malformed field name", ProtocolError, 400},
	BadValue:         {"field_value", "malformed field value", ProtocolError, 400},
	ConnectionField:  {"connection_field", "field of a connection of HTTP/1", ProtocolError, 400},
	BadTE:            {"te", "te other than trailers", ProtocolError, 400},
	PseudoLate:       {"pseudo_late", "pseudo-field after a field", ProtocolError, 400},
	PseudoTwice:      {"pseudo_twice", "pseudo-field more than once", ProtocolError, 400},
	PseudoUnknown:    {"pseudo_unknown", "pseudo-field that does not belong there", ProtocolError, 400},
	PseudoMissing:    {"pseudo_missing", "pseudo-field is missing", ProtocolError, 400},
	PseudoForbidden:  {"pseudo_forbidden", "pseudo-field that CONNECT must not have", ProtocolError, 400},
	BadMethod:        {"method", "malformed method", ProtocolError, 400},
	BadScheme:        {"scheme", "scheme other than http and https", ProtocolError, 400},
	BadPath:          {"path", "malformed path", ProtocolError, 400},
	BadAuthority:     {"authority", "malformed authority", ProtocolError, 400},
	HostMissing:      {"host_missing", "neither authority nor host", ProtocolError, 400},
	HostTwice:        {"host_twice", "more than one host field", ProtocolError, 400},
	HostDiffers:      {"host_differs", "host field differs from the authority", ProtocolError, 400},
	BadLength:        {"content_length", "malformed content-length", ProtocolError, 400},
	LengthTwice:      {"content_length_twice", "more than one content-length field", ProtocolError, 400},
	LengthDiffers:    {"length_differs", "data of another length than content-length", ProtocolError, 400},
	BadExpect:        {"expect", "expectation other than 100-continue", NoError, 417},
	BadStatus:        {"status", "malformed status", ProtocolError, 0},
	BodyWhereNone:    {"body_where_none", "body in a response that must have none", ProtocolError, 0},
	PseudoInTrailers: {"pseudo_in_trailers", "pseudo-field in trailers", ProtocolError, 400},
	ForbiddenTrailer: {"trailer", "trailer field that frames, routes or authenticates", ProtocolError, 400},
	TrailersUnended:  {"trailers_unended", "trailers that do not end the stream", ProtocolError, 0},
	DataBeforeHead:   {"data_before_head", "data before the head of a response", ProtocolError, 0},
	InterimEnds:      {"interim_ends", "interim response that ends the stream", ProtocolError, 0},
	TooManyInterims:  {"too_many_interims", "too many interim responses", EnhanceYourCalm, 0},

	ResetFlood:    {"reset_flood", "too many streams reset", EnhanceYourCalm, 0},
	SettingsFlood: {"settings_flood", "too many SETTINGS", EnhanceYourCalm, 0},
	PingFlood:     {"ping_flood", "too many PING", EnhanceYourCalm, 0},
	EmptyFlood:    {"empty_flood", "too many frames without content", EnhanceYourCalm, 0},
	UpdateFlood:   {"update_flood", "too many frames that say nothing", EnhanceYourCalm, 0},
	FaultFlood:    {"fault_flood", "too many faulty streams", EnhanceYourCalm, 0},
}

// Error describes the reason to people.
func (r Reason) Error() string { return facts[r].text }

// Label names the reason in metrics.
func (r Reason) Label() string { return facts[r].label }

// Code is what RST_STREAM or GOAWAY says.
func (r Reason) Code() Code { return facts[r].code }

// Stream reports whether the reason ends one stream, not the connection.
func (r Reason) Stream() bool { return firstOfStream <= r && r <= lastOfStream }

// Status is what a request may be answered with before its stream is reset with Code; 0: it is only reset.
func (r Reason) Status() int { return facts[r].status }

// Reasons lists every reason.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := 1; r < numReasons; r++ {
		all = append(all, Reason(r))
	}
	return all
}
