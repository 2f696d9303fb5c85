package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// Reason says why a handshake failed. It is an error, the metric label and the value in logs and tests. What a tls.Config calls may
// fail with one of its own choice (VerifyConnection with NoCertificate, say), which is then the handshake's.
type Reason uint8

// The reasons.
const (
	NotTLS         Reason = iota + 1 // the first bytes are none of TLS
	NoVersion                        // no version of TLS that both sides speak
	NoCipher                         // no cipher suite, key exchange or signature that both sides know
	UnknownALPN                      // the client offers protocols, and the server speaks none of them
	UnknownName                      // the server has no certificate to show
	BadCertificate                   // the other side's certificate is not trusted, or not its own
	NoCertificate                    // the client shows none, and has to
	PeerRefused                      // the other side sent an alert
	BadMessage                       // the other side broke the protocol
	Internal                         // the fault is on this side: a callback or a key
	TimedOut                         // the owner's deadline passed: for the owner, who alone knows
	Gone                             // the other side closed the connection
	Crowded                          // too many handshakes were open, and this one had waited longest for the other side
	Stopped                          // this program is ending

	numReasons = int(Stopped) + 1
)

// facts is the one table of what the reasons are called.
var facts = [numReasons]struct{ label, text string }{
	NotTLS:         {"not_tls", "not TLS"},
	NoVersion:      {"version", "no TLS version in common"},
	NoCipher:       {"cipher", "no cipher suite, key exchange or signature scheme in common"},
	UnknownALPN:    {"alpn", "no application protocol in common"},
	UnknownName:    {"name", "no certificate for the client"},
	BadCertificate: {"bad_certificate", "certificate is not trusted"},
	NoCertificate:  {"no_certificate", "client shows no certificate"},
	PeerRefused:    {"peer_alert", "refused by the other side"},
	BadMessage:     {"bad_message", "malformed or unexpected message"},
	Internal:       {"internal", "fault on this side"},
	TimedOut:       {"timeout", "not ended in time"},
	Gone:           {"gone", "connection closed by the other side"},
	Crowded:        {"crowded", "too many handshakes open"},
	Stopped:        {"stopped", "program is ending"},
}

// Error describes the reason to people.
func (r Reason) Error() string { return facts[r].text }

// Label names the reason in metrics.
func (r Reason) Label() string { return facts[r].label }

// Reasons lists every reason.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons-1)
	for r := 1; r < numReasons; r++ {
		all = append(all, Reason(r))
	}
	return all
}

// Failure is why a handshake failed: the Reason for who counts, and what crypto/tls says of it for who reads. errors.Is finds both.
type Failure struct {
	Reason Reason
	Err    error // nil: the Reason says it all
}

// Error tells both.
func (f *Failure) Error() string {
	if f.Err == nil {
		return "tls handshake: " + f.Reason.Error()
	}
	return "tls handshake: " + f.Reason.Error() + ": " + f.Err.Error()
}

// Unwrap returns the Reason and the cause.
func (f *Failure) Unwrap() []error {
	if f.Err == nil {
		return []error{f.Reason}
	}
	return []error{f.Reason, f.Err}
}

// alerts are the reasons of those alerts that this side sends in the clear, while it looks at a hello: RFC 8446 section 6.
var alerts = map[uint8]Reason{
	40:  NoCipher,       // handshake_failure
	42:  BadCertificate, // bad_certificate
	70:  NoVersion,      // protocol_version
	71:  NoCipher,       // insufficient_security
	80:  Internal,       // internal_error
	112: UnknownName,    // unrecognized_name
	120: UnknownALPN,    // no_application_protocol
}

// failure judges an error of crypto/tls. alert is what this side sent, 0 for none in the clear.
func failure(err error, alert uint8) *Failure {
	f := &Failure{Reason: BadMessage, Err: err}
	var own Reason
	var header tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &own):
		f.Reason = own
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Reason, f.Err = Gone, nil
	case errors.As(err, &certificate):
		f.Reason = BadCertificate
	case errors.As(err, &op) && op.Op == "remote error":
		f.Reason = PeerRefused
	case errors.As(err, &header) && header.Conn != nil: // crypto/tls says so of what may be no TLS at all
		f.Reason = NotTLS
	case alerts[alert] != 0:
		f.Reason = alerts[alert]
	}
	if f.Err == error(f.Reason) {
		f.Err = nil
	}
	return f
}
