package exchange

import (
	"strings"
	"time"
)

// Realm is what clients have to say who they are for (RFC 7617).
type Realm struct {
	Challenge string // the value of WWW-Authenticate
	Users     Users
}

// Users know who may come in. They are safe for concurrent use.
type Users interface {
	// Known reports whether credentials, which stand in Authorization behind the word Basic, were found right before.
	Known(credentials string) bool
	// Verify finds out whether they are, which may take as long as a second.
	Verify(credentials string) bool
}

// enter lets a request in that says who it is from, in a realm that knows that. It returns what to do where it is not in, 0 where it is.
func (x *Exchange) enter() Do {
	realm := x.realm
	credentials := x.credentials()
	switch {
	case credentials == "":
		return x.challenge(realm)
	case realm.Users.Known(credentials):
		return 0
	}
	x.state = verifying
	credentials = strings.Clone(credentials)
	x.verify = func() bool { return realm.Users.Verify(credentials) }
	return Verify
}

// credentials are those of "Authorization: Basic"; empty: there are none, or several.
func (x *Exchange) credentials() string {
	if x.request.Fields == nil {
		return ""
	}
	value, next, ok := x.request.Fields.Next("authorization", 0)
	if _, _, again := x.request.Fields.Next("authorization", next); !ok || again {
		return ""
	}
	scheme, credentials, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "basic") {
		return ""
	}
	return strings.Trim(credentials, " ")
}

func (x *Exchange) challenge(realm *Realm) Do {
	do := x.fail(401, Termination{ByProxy, AtRequest})
	x.reply.Challenge = realm.Challenge
	return do
}

func (x *Exchange) whileVerifying(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Verified:
		return x.forward(now)
	case Unverified:
		return x.challenge(x.realm)
	case Overloaded:
		return x.fail(503, Termination{ByProxy, AtRequest})
	default:
		return x.interrupted(now, ev, AtRequest)
	}
}
