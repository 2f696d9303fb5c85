package exchange

import (
	"cmp"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// decide lets the rules say where the request goes. It returns what to do where that is no server, else 0.
func (x *Exchange) decide() Do {
	if m := x.frontend.Monitor; m != nil && m.Path == x.request.Path {
		x.record.NoLog = true
		return x.respond(m.answer(), Termination{Local, AtRequest})
	}
	x.path, x.most = x.request.Path, x.frontend.MaxBody
	n := x.frontend.Rules.Find(&x.request)
	if n == rule.None {
		if x.frontend.Rate != nil {
			if do := x.hurries(x.frontend.Rate); do != 0 {
				return do
			}
		}
		return x.send(Choice{x.frontend.Default, x.frontend.DefaultEdits}, nil)
	}
	route, r := &x.frontend.Routes[n], x.frontend.Rules.Rule(n)
	x.record.NoLog, x.realm, x.asItIs = r.NoLog, route.Realm, route.AsItIs
	if route.MaxBody > 0 {
		x.most = route.MaxBody
	}
	if pace := cmp.Or(route.Rate, x.frontend.Rate); pace != nil {
		x.edits = cmp.Or(route.Edits, x.edits)
		if do := x.hurries(pace); do != 0 {
			return do
		}
	}
	switch {
	case route.Split != nil:
		return x.send(*route.Split.choose(x), r.Rewrite)
	case route.Directory != nil:
		return x.send(*route.Directory.choose(x), r.Rewrite)
	case route.Backend != nil:
		return x.send(route.Choice, r.Rewrite)
	}
	x.edits = route.Edits
	return x.answer(r)
}

// send notes what the request goes to. It returns what to do where that cannot be, else 0.
func (x *Exchange) send(to Choice, w *rule.Rewrite) Do {
	if to.Edits != nil {
		x.edits = to.Edits
	}
	if x.backend = to.Backend; x.backend == nil {
		return x.fail(503, Termination{ByServer, AtConnect})
	}
	x.record.Backend = x.backend.Name
	if x.most > 0 && x.length > x.most {
		return x.fail(413, Termination{ByProxy, AtRequest})
	}
	if w != nil {
		var ok bool
		if x.path, x.host, ok = w.Apply(x.path, x); !ok {
			return x.fail(400, Termination{ByProxy, AtRequest})
		}
	}
	return 0
}

// answer replies as a rule of the configuration says.
func (x *Exchange) answer(r *rule.Rule) Do {
	t := Termination{Local, AtRequest}
	switch {
	case r.Deny != 0:
		return x.fail(r.Deny, Termination{ByProxy, AtRequest})
	case r.Respond != nil:
		return x.respond(Reply{Status: r.Respond.Status, ContentType: r.Respond.ContentType, Body: r.Respond.Body}, t)
	}
	target := r.Redirect.Target(x.request.Host, x.request.Path+x.request.Query, x)
	if target == "" { // the request names no host to go on with
		return x.fail(400, Termination{ByProxy, AtRequest})
	}
	code := r.Redirect.Code
	return x.respond(Reply{Status: code, Location: target, NoCache: code != 301 && code != 308}, t) // what holds for good may be kept
}
