package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/auth"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// routing compiles where the requests of a frontend go, and what becomes of their heads on the way.
type routing struct {
	f        *exchange.Frontend
	backends []*backend
	tcp      bool
	faults   []error
	maps     []*mapFile
	named    *lookups
	fallback string // the default backend
}

// compileFrontend makes the tables of a frontend.
func compileFrontend(c Frontend, backends []*backend, named *lookups) (*exchange.Frontend, []*mapFile, error) {
	table, err := rule.Compile(c.Rules)
	r := routing{backends: backends, named: named, tcp: c.TCP, fallback: c.DefaultBackend, faults: []error{
		err,
		positive("timeout http_request", c.Timeouts.HTTPRequest),
		positive("timeout client", c.Timeouts.Client),
		positive("timeout keep_alive", c.Timeouts.KeepAlive),
		positive("timeout tunnel", c.Timeouts.Tunnel),
	}}
	r.f = &exchange.Frontend{
		ClientCertificates: slices.ContainsFunc(c.Binds, func(b Bind) bool { return b.TLS != nil && b.TLS.Clients.Mode != certs.ClientNone }),
		Name:               c.Name, Rules: table, Routes: make([]exchange.Route, len(c.Rules)), Trusted: rule.NewNetworks(c.TrustedProxies), MaxBody: c.MaxBody, Maps: named.maps, ByForwarded: c.ByForwarded,
		HTTPRequest: c.Timeouts.HTTPRequest, Client: c.Timeouts.Client, KeepAlive: c.Timeouts.KeepAlive, Tunnel: c.Timeouts.Tunnel,
	}
	r.f.Pages, err = loadPages(c.ErrorPages)
	r.fault(err)
	if c.Compression != nil {
		r.f.Compression, err = compress.Compile(*c.Compression)
		r.fault(err)
	}
	r.heads(&c)
	for i := range c.Rules {
		r.route(i, &c.Rules[i])
	}
	if c.TCP {
		r.fitTCP(&c)
	}
	if c.DefaultBackend != "" {
		to := r.choice("default backend", c.DefaultBackend, nil)
		r.f.Default, r.f.DefaultEdits = to.Backend, to.Edits
	}
	r.monitor(c.Monitor)
	all := templates(c.Rules)
	r.f.Handshake = table != nil && table.AsksSNI() || r.tellsHandshake(all)
	r.checkMaps(all)
	return r.f, r.maps, errors.Join(r.faults...)
}

func (r *routing) fault(err error) { r.faults = append(r.faults, err) }

// fitTCP refuses what TCP mode cannot do.
func (r *routing) fitTCP(c *Frontend) {
	if len(c.RequestEdits)+len(c.ResponseEdits)+len(c.ErrorPages) > 0 {
		r.fault(errors.New("headers and error pages are of HTTP, not of TCP"))
	}
	for i := range c.Rules {
		if !c.Rules[i].OfConnection() {
			r.fault(fmt.Errorf("rule %d is of HTTP, not of TCP", i+1))
		}
	}
}

// heads compiles what the frontend changes in every head. The id of a request is a field that it sets.
func (r *routing) heads(c *Frontend) {
	requests, responses := c.RequestEdits, c.ResponseEdits
	if id := c.RequestID; id != nil {
		r.f.RequestID = &exchange.RequestID{Field: strings.ToLower(id.Header)}
		named := edit.Edit{Name: id.Header, Value: "{request_id}"}
		requests = append([]edit.Edit{named}, requests...)
		if id.Respond {
			responses = append([]edit.Edit{named}, responses...)
		}
	}
	var err error
	r.f.Edits, err = compileEdits(requests, responses)
	r.fault(err)
}

// route compiles where a rule leads.
func (r *routing) route(i int, from *rule.Rule) {
	what := fmt.Sprintf("rule %d", i+1)
	edits, err := compileEdits(from.RequestEdits, from.ResponseEdits)
	if err != nil {
		r.fault(fmt.Errorf("%s: %w", what, err))
	}
	route := &r.f.Routes[i]
	route.Edits = exchange.Join(r.f.Edits, edits)
	route.Realm, route.MaxBody, route.AsItIs = r.realm(what, from.Auth), from.MaxBody, from.AsItIs
	switch {
	case from.Backend != "":
		route.Choice = r.choice(what+": backend", from.Backend, edits)
	case len(from.Split) > 0:
		route.Split = r.split(what, from, edits)
	case from.Map != nil:
		route.Directory = r.directory(what, from.Map, edits)
	}
}

// sameMode refuses a backend that does not speak what the frontend does.
func (r *routing) sameMode(b *backend) error {
	if r.tcp == b.config.TCP {
		return nil
	}
	return fmt.Errorf("backend %s has another mode: TCP is %t there, and %t here", b.config.Name, b.config.TCP, r.tcp)
}

// choice returns a backend with what is changed in the heads of its requests.
func (r *routing) choice(what, name string, edits *exchange.Edits) exchange.Choice {
	b := find(r.backends, name)
	if b == nil {
		r.fault(fmt.Errorf("%s %s is not configured", what, name))
		return exchange.Choice{}
	}
	r.fault(r.sameMode(b))
	return exchange.Choice{Backend: b.route, Edits: exchange.Join(r.f.Edits, b.edits, edits)}
}

// realm reads who may come in; nil: everybody.
func (r *routing) realm(what string, a *rule.Auth) *exchange.Realm {
	if a == nil {
		return nil
	}
	users, err := auth.Load(a.File)
	if err != nil {
		r.fault(fmt.Errorf("%s: basic_auth: %w", what, err))
	}
	return &exchange.Realm{Challenge: `Basic realm="` + a.Realm + `", charset="UTF-8"`, Users: users}
}

func (r *routing) split(what string, from *rule.Rule, edits *exchange.Edits) *exchange.Split {
	var choices []exchange.Choice
	var weights []int
	total := 0
	for _, s := range from.Split {
		choices, weights = append(choices, r.choice(what+": backend", s.Backend, edits)), append(weights, s.Weight)
		total += s.Weight
	}
	var key *edit.Template
	if from.SplitKey != "" {
		t, err := edit.Parse(from.SplitKey, edit.Request)
		if err != nil {
			r.fault(fmt.Errorf("%s: split_key: %w", what, err))
		}
		key = &t
	}
	if total <= 0 { // the table has said so
		return nil
	}
	return exchange.NewSplit(choices, weights, key)
}

func (r *routing) monitor(m *Monitor) {
	if m == nil {
		return
	}
	r.f.Monitor = &exchange.Monitor{Path: m.Path}
	if path, err := rule.CanonicalPath(m.Path); err != nil || path != m.Path {
		r.fault(fmt.Errorf("monitor: path %q, want a canonical path such as /health", m.Path))
	}
	var pools []func() bool
	for _, f := range m.FailIf {
		b := find(r.backends, f.Backend)
		if b == nil {
			r.fault(fmt.Errorf("monitor: backend %s is not configured", f.Backend))
			continue
		}
		pools = append(pools, func() bool {
			healthy, _, _ := b.serving().Healthy()
			return healthy < f.MinUp
		})
	}
	if len(pools) > 0 {
		r.f.Monitor.Fails = func() bool { return slices.ContainsFunc(pools, func(few func() bool) bool { return few() }) }
	}
}

// tellsHandshake reports whether something tells of the client's TLS handshake, or goes by it: a head, or one of the templates of rules.
func (r *routing) tellsHandshake(all []edit.Template) bool {
	asks := func(t *edit.Template) bool {
		return t.Uses(edit.TLSVersion, edit.SNI) || r.named.handshake && t.Uses(edit.Map)
	}
	if slices.ContainsFunc(all, func(t edit.Template) bool { return asks(&t) }) {
		return true
	}
	return r.someEdits(func(e *exchange.Edits) bool {
		return slices.ContainsFunc([]*edit.List{e.Request, e.Response}, func(l *edit.List) bool {
			return l.Uses(edit.TLSVersion, edit.SNI) || r.named.handshake && l.Uses(edit.Map)
		})
	})
}

// checkMaps refuses variables of maps that there are not.
func (r *routing) checkMaps(all []edit.Template) {
	said := map[string]bool{} // edits of a frontend are part of many
	check := func(names []string, at edit.Stage) {
		if err := r.named.fault(names, at); err != nil && !said[err.Error()] {
			said[err.Error()] = true
			r.fault(err)
		}
	}
	for _, t := range all {
		check(t.Names(edit.Map), edit.Request)
	}
	r.someEdits(func(e *exchange.Edits) bool {
		check(e.Request.Names(edit.Map), edit.Request)
		check(e.Response.Names(edit.Map), edit.Response)
		return false
	})
}

// someEdits reports whether f holds for what is changed in some heads. There may be none of those that it is asked about.
func (r *routing) someEdits(f func(*exchange.Edits) bool) bool {
	some := func(e *exchange.Edits) bool { return e != nil && f(e) }
	for i := range r.f.Routes {
		if to := &r.f.Routes[i]; some(to.Edits) || to.Split != nil && to.Split.Tells(some) || to.Directory != nil && to.Directory.Tells(some) {
			return true
		}
	}
	return some(r.f.Edits) || some(r.f.DefaultEdits)
}

// templates are those of rules, but for what they change in heads. One that cannot be read is reported where it is compiled.
func templates(rules []rule.Rule) (all []edit.Template) {
	add := func(text string) {
		if !strings.Contains(text, "{") {
			return
		}
		if t, err := edit.Parse(text, edit.Request); err == nil {
			all = append(all, t)
		}
	}
	for i := range rules {
		r := &rules[i]
		add(r.SplitKey)
		if r.Map != nil {
			add(r.Map.Key)
		}
		if r.Redirect != nil {
			add(r.Redirect.Location)
		}
		if r.Rewrite != nil {
			add(r.Rewrite.Path)
			add(r.Rewrite.Host)
		}
	}
	return all
}

// compileEdits returns nil of none.
func compileEdits(requests, responses []edit.Edit) (*exchange.Edits, error) {
	if len(requests)+len(responses) == 0 {
		return nil, nil
	}
	e := &exchange.Edits{}
	var faults [2]error
	if e.Request, faults[0] = edit.Compile(requests, edit.Request); faults[0] != nil {
		faults[0] = fmt.Errorf("request_headers: %w", faults[0])
	}
	if e.Response, faults[1] = edit.Compile(responses, edit.Response); faults[1] != nil {
		faults[1] = fmt.Errorf("response_headers: %w", faults[1])
	}
	return e, errors.Join(faults[:]...)
}
