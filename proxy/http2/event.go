package http2

// Kind says what an [Event] is about.
type Kind uint8

// The kinds. Requests are a server's, responses a client's.
const (
	Nothing      Kind = iota // a frame that is dealt with
	RequestHead              // Request and Head; End: there is no body
	RequestFault             // a request that is malformed for Why: answer Why.Status and Reset, or Reset alone
	ResponseHead             // Response and Head; End: there is no body
	Interim                  // Response and Head, of a status below 200: another head follows
	Body                     // Data, to be given back by Consumed; End: it was the last
	Trailing                 // the trailers, in Head; they end the message
	Reset                    // the peer has reset the stream with Code, or it was reset for Why; it is gone, or was never told
	Window                   // the window of Stream has grown; of stream 0: that of the connection or of all streams, see Ready
	Alive                    // the answer to Probe
	PeerLeaves               // GOAWAY with Code; for each stream that a server did not take up a Reset follows
	Ended                    // the connection ends for Why: send what there is to send and close
)

// Event is what a frame has brought. Head and Data are valid until the next call.
type Event struct {
	Kind        Kind
	End         bool
	Unprocessed bool // of Reset: nothing was done for the request, so that it may be sent again (RFC 9113 section 8.7)
	Why         Reason
	Stream      uint32
	Code        Code
	Owner       any // of Stream, as SetOwner has it
	Head        *Head
	Data        []byte
	Request     Request
	Response    Response
}
