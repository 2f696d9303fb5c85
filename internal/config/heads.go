package config

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// rawEdits are changes of the heads of requests.
type rawEdits struct {
	Set     map[string]string     `yaml:"set"`
	Add     map[string]string     `yaml:"add"`
	Remove  []string              `yaml:"remove"`
	Replace map[string]rawReplace `yaml:"replace"`
}

type rawReplace struct {
	Find string `yaml:"find"`
	With string `yaml:"with"`
}

// rawResponseEdits are changes of the heads of responses.
type rawResponseEdits struct {
	rawEdits `yaml:",inline"`
	Always   bool `yaml:"always"`
}

type rawMonitor struct {
	Path   string      `yaml:"path"`
	FailIf []rawTooFew `yaml:"fail_if"`
}

type rawTooFew struct {
	Backend string `yaml:"backend"`
	MinUp   int    `yaml:"min_up"`
}

type rawRequestID struct {
	Header  string `yaml:"header"`
	Respond bool   `yaml:"respond"`
}

type rawShare struct {
	Backend string `yaml:"backend"`
	Weight  int    `yaml:"weight"`
}

type rawMap struct {
	File    string `yaml:"file"`
	Key     string `yaml:"key"`
	Match   string `yaml:"match"`
	Default string `yaml:"default"`
}

func (m *rawMap) config() *rule.Map {
	if m == nil {
		return nil
	}
	return &rule.Map{File: m.File, Key: m.Key, Prefix: m.Match == "prefix", Default: m.Default}
}

type rawAuth struct {
	UsersFile string `yaml:"users_file"`
	Realm     string `yaml:"realm"`
}

func (a *rawAuth) config() *rule.Auth {
	if a == nil {
		return nil
	}
	return &rule.Auth{File: a.UsersFile, Realm: a.Realm}
}

type rawRewrite struct {
	StripPrefix string `yaml:"strip_prefix"`
	Find        string `yaml:"find"`
	With        string `yaml:"with"`
	Path        string `yaml:"path"`
	Host        string `yaml:"host"`
}

// each calls f for every change in the order in which they are carried out, with the path of its key below the section.
func (e *rawEdits) each(f func(key string, made edit.Edit)) {
	for i, name := range e.Remove {
		f(item("remove", i), edit.Edit{Op: edit.Remove, Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Replace)) {
		r := e.Replace[name]
		f(join("replace", name), edit.Edit{Op: edit.Replace, Name: name, Find: r.Find, With: r.With})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		f(join("set", name), edit.Edit{Op: edit.Set, Name: name, Value: e.Set[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Add)) {
		f(join("add", name), edit.Edit{Op: edit.Add, Name: name, Value: e.Add[name]})
	}
}

// edits returns the changes; nil: none.
func (e *rawEdits) edits() []edit.Edit {
	if e == nil {
		return nil
	}
	var all []edit.Edit
	e.each(func(_ string, made edit.Edit) { all = append(all, made) })
	return all
}

// edits returns the changes; nil: none.
func (e *rawResponseEdits) edits() []edit.Edit {
	if e == nil {
		return nil
	}
	all := e.rawEdits.edits()
	for i := range all {
		all[i].ServersOnly = !e.Always
	}
	return all
}

// checkEdits reports changes that cannot be made.
func (b *builder) checkEdits(path string, e *rawEdits, at edit.Stage) {
	names := unique{b: b}
	e.each(func(key string, made edit.Edit) {
		place := path + "." + key
		if made.Op == edit.Set {
			names.add(strings.ToLower(made.Name), "header", place)
		}
		if b.reported(place) {
			return
		}
		b.checkMapNames(place, made.Value, at)
		if _, err := edit.Compile([]edit.Edit{made}, at); err != nil {
			b.errorAt(place, err.Error(), "another header")
		}
	})
}

// checkHeads reports changes of heads that cannot be made.
func (b *builder) checkHeads(path string, requests *rawEdits, responses *rawResponseEdits) {
	if requests != nil {
		b.checkEdits(path+".request_headers", requests, edit.Request)
	}
	if responses != nil {
		b.checkEdits(path+".response_headers", &responses.rawEdits, edit.Response)
	}
}

// checkMonitor reports backends that no one defines.
func (b *builder) checkMonitor(path string, m *rawMonitor) {
	if m == nil {
		return
	}
	for i, f := range m.FailIf {
		if f.Backend != "" && b.backend(f.Backend) == nil {
			b.noBackend(join(item(path+".fail_if", i), "backend"), f.Backend)
		}
	}
}

func (m *rawMonitor) config() *proxy.Monitor {
	if m == nil {
		return nil
	}
	made := &proxy.Monitor{Path: m.Path}
	for _, f := range m.FailIf {
		made.FailIf = append(made.FailIf, proxy.TooFew{Backend: f.Backend, MinUp: f.MinUp})
	}
	return made
}

func (r *rawRequestID) config() *proxy.RequestID {
	if r == nil {
		return nil
	}
	return &proxy.RequestID{Header: r.Header, Respond: r.Respond}
}

func (r *rawRewrite) config() *rule.Rewrite {
	if r == nil {
		return nil
	}
	return &rule.Rewrite{StripPrefix: r.StripPrefix, Find: r.Find, With: r.With, Path: r.Path, Host: r.Host}
}

// errorPages returns files by status, those of pages before those of others.
func errorPages(pages, others map[string]string) map[int]string {
	var made map[int]string
	for _, m := range []map[string]string{others, pages} {
		for status, file := range m {
			if made == nil {
				made = map[int]string{}
			}
			if n, err := strconv.Atoi(status); err == nil { // the walk has let only such through
				made[n] = file
			}
		}
	}
	return made
}

// errorPages are those of a frontend, and of the defaults. TCP has none.
func (f *rawFrontend) errorPages(defaults map[string]string) map[int]string {
	if f.Mode == modeTCP {
		return nil
	}
	return errorPages(f.ErrorPages, defaults)
}

// trusted returns the networks of a frontend, or those of the defaults.
func trusted(own, others *[]string) []netip.Prefix {
	if own == nil {
		own = others
	}
	if own == nil {
		return nil
	}
	return networks(*own)
}

// ownHeaders are those by which the balancer frames its messages and keeps its connections.
const ownHeaders = "connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade"
