package loadtest

import (
	"errors"
	"fmt"
	"net/http"
)

// statusError is a response with another status than 200.
type statusError int

func (s statusError) Error() string {
	return fmt.Sprintf("status %d %s", int(s), http.StatusText(int(s)))
}

// lost is the end of a connection, or its silence, where something was due.
type lost struct{ error }

func (l lost) Unwrap() error { return l.error }

// expected is an end that the scenario itself has brought about; the text is its kind.
type expected string

func (e expected) Error() string { return string(e) }

// gatewayFault says whether an error is one with which a balancer may answer when a server has gone that had the request. No 503
// is: what a server has not got can go to another.
func gatewayFault(err error) bool {
	var s statusError
	if errors.As(err, &s) {
		return s == http.StatusBadGateway || s == http.StatusGatewayTimeout
	}
	return errors.As(err, new(lost))
}

// manner is how a request failed, in one of a few texts.
func manner(err error) string {
	var s statusError
	if errors.As(err, &s) {
		return s.Error()
	}
	return "the connection ended"
}
