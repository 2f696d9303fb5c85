package certs

import (
	"crypto/x509"
	"fmt"
	"time"
)

// due says how near a certificate is to its end.
type due uint8

const (
	inTime due = iota
	soon       // it should have been renewed
	urgent
	over // nobody accepts it: it has expired, or is not valid yet
)

// When the end of a certificate is near. Those that live for days alone are renewed later than those that live for a
// year: of them it is a part of their life, if that is less.
const (
	soonBefore, soonPart     = 14 * 24 * time.Hour, 3
	urgentBefore, urgentPart = 3 * 24 * time.Hour, 6
)

// dueOf judges a certificate.
func dueOf(c *x509.Certificate, now time.Time) due {
	life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(now)
	switch {
	case left < 0 || now.Before(c.NotBefore):
		return over
	case left <= min(urgentBefore, life/urgentPart):
		return urgent
	case left <= min(soonBefore, life/soonPart):
		return soon
	}
	return inTime
}

// dueText says what there is to say about the end of a certificate, "" for nothing.
func dueText(c *x509.Certificate, now time.Time) string {
	switch d := dueOf(c, now); {
	case d == inTime:
		return ""
	case now.Before(c.NotBefore):
		return fmt.Sprintf("certificate of %s is not valid before %s", title(c), instant(c.NotBefore))
	case d == over:
		return fmt.Sprintf("certificate of %s expired at %s", title(c), instant(c.NotAfter))
	}
	return fmt.Sprintf("certificate of %s expires at %s", title(c), instant(c.NotAfter))
}
