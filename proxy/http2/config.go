package http2

import "time"

// Config says what a side allows on a connection.
type Config struct {
	Limits

	Streams      int           // open at once: SETTINGS_MAX_CONCURRENT_STREAMS of a server; a client opens no more, nor than it may
	StreamWindow int           // octets of a message that may be on their way or unread, 65535 to 2^31-1
	ConnWindow   int           // of all messages together, 65535 to 2^31-1
	Interims     int           // interim responses before a response
	BlockTime    time.Duration // for a field block from its first octet to its last
	Floods       Floods
}

// DefaultConfig has the windows that every peer begins with for streams, and room for sixteen full ones on the connection.
func DefaultConfig() Config {
	return Config{
		Limits: DefaultLimits(), Streams: 100, StreamWindow: firstWindow, ConnWindow: 1 << 20, Interims: 16,
		BlockTime: 10 * time.Second, Floods: DefaultFloods(),
	}
}
