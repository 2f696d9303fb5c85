package accesslog

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// Config is what a frontend logs, and where.
type Config struct {
	Format   string    // a name of Formats, or a format in HAProxy's syntax
	Outputs  []Output  // each gets every line
	Sample   float64   // which share of the requests is logged, above 0 up to 1; 0: all
	Null     bool      // connections that end without a byte from the client are logged too
	Request  []Capture // fields of requests that the formats which have a place for them print
	Response []Capture // and of responses
	Cookie   *Capture  // the first cookie of a request, and of its response, whose name and value begin with its Name; nil: none
}

// Capture is a field of a head that is logged.
type Capture = exchange.Capture

// Kind is what an output is.
type Kind uint8

// The kinds of outputs.
const (
	Stdout Kind = iota // standard output
	File               // a file, which lines are appended to
	UDP                // a syslog daemon, by datagrams of UDP (RFC 3164)
	Unix               // a syslog daemon on this host, by its socket
)

// Output is where lines go. Two that are equal are one.
type Output struct {
	Kind    Kind
	Address string // the path of a file or socket; host:port of UDP; empty for Stdout
	Syslog  Syslog // of UDP and Unix
}

// Syslog is what lines look like to a syslog daemon.
type Syslog struct {
	Facility int    // 0 to 23: RFC 3164 section 4.1.1
	Severity int    // 0 to 7
	Tag      string // the program that the lines are of
	Length   int    // octets of a datagram at most; what is longer is cut
}

// DefaultLength is what a line to a syslog daemon is cut to unless the configuration says otherwise: "The total length of the packet
// MUST be 1024 bytes or less" (RFC 3164 section 4.1).
const DefaultLength = 1024

// String returns the output as the configuration writes it.
func (o Output) String() string {
	switch o.Kind {
	case Stdout:
		return "stdout"
	case File:
		return o.Address
	}
	return syslogPrefix + o.Address
}

const syslogPrefix = "syslog:"

// ParseOutput reads "stdout", the path of a file, "syslog:host:port" or "syslog:" and the path of a socket. s is for syslog
// daemons.
func ParseOutput(text string, s Syslog) (Output, error) {
	at, syslog := strings.CutPrefix(text, syslogPrefix)
	switch {
	case text == "stdout":
		return Output{}, nil
	case !syslog && strings.HasPrefix(text, "/"):
		return Output{Kind: File, Address: text}, nil
	case syslog && strings.HasPrefix(at, "/"):
		return Output{Kind: Unix, Address: at, Syslog: s}, nil
	case syslog && isHostPort(at):
		return Output{Kind: UDP, Address: at, Syslog: s}, nil
	}
	return Output{}, fmt.Errorf("%q is no output", text)
}

// isHostPort reports whether text is a name or an address, and a port.
func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && !strings.ContainsFunc(host, unicode.IsSpace) && bad == nil && n > 0
}

// facilities are their names by number (RFC 3164 section 4.1.1).
var facilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7")

// severities are their names by number.
var severities = strings.Fields("emerg alert crit err warning notice info debug")

// Facilities returns the names of facilities; the place of each is its number.
func Facilities() []string { return append([]string(nil), facilities...) }

// Severities returns the names of severities; the place of each is its number.
func Severities() []string { return append([]string(nil), severities...) }
