package config

import (
	"slices"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
)

// rawNamedMap is a map that variables stand for values of.
type rawNamedMap struct {
	Name    string `yaml:"name"`
	File    string `yaml:"file"`
	Key     string `yaml:"key"`
	Match   string `yaml:"match"`
	Default string `yaml:"default"`
}

// mapKeys are the maps that variables stand for values of.
func mapKeys(in string) []Key {
	return []Key{
		{Path: in, Type: list(0, 1000), Others: "map", Absent: "none", Example: "[{name: tenant, file: /etc/tandem/tenants.map}]", Reload: ReloadNew, Help: "Files in which values are looked up: the variable `{map:NAME}` (docs/rules.md)."},
		{Path: in + "[].name", Type: identifier(), Required: true, Example: "tenant", Reload: ReloadNew, Help: "What the variable calls it."},
		{Path: in + "[].file", Type: filePath(), Required: true, Example: "/etc/tandem/tenants.map", Reload: ReloadNew, Help: "A key and a value on each line, with blanks between; # begins a comment line. At most 16 MiB. It is read at start, at each reload, and when it has changed; one that cannot be used changes nothing."},
		{Path: in + "[].key", Type: template(edit.Request), Default: `"{host}"`, Example: `"{header:X-Api-Key}"`, Reload: ReloadNew, Help: "What is looked up: a text with variables, but for those of maps."},
		{Path: in + "[].match", Type: oneOf("exact", "prefix"), Default: "exact", Example: "prefix", Reload: ReloadNew, Help: "`prefix`: a key is found by what begins with it, the longest first."},
		{Path: in + "[].default", Type: headerValue(), Absent: "nothing", Example: "none", Reload: ReloadNew, Help: "The value for what the file does not have."},
	}
}

// checkMaps reports maps that cannot be, and variables of maps that there are not.
func (b *builder) checkMaps() {
	names := unique{b: b}
	for i, m := range b.raw.Proxy.Maps {
		path := item("proxy.maps", i)
		names.add(m.Name, "name", path+".name")
		if t, err := edit.Parse(m.Key, edit.Request); err == nil && t.Uses(edit.Map) {
			b.errorAt(path+".key", "asks for another map", "a text without {map:...}")
		}
	}
	for i := range b.raw.Proxy.Frontends {
		for j := range b.raw.Proxy.Frontends[i].Rules {
			b.checkMapsOf(item(frontendPath(i, "rules"), j), &b.raw.Proxy.Frontends[i].Rules[j])
		}
	}
}

// checkMapsOf reports variables of a rule that stand for a value of no map.
func (b *builder) checkMapsOf(path string, r *rawRule) {
	b.checkMapNames(path+".split_key", r.SplitKey, edit.Request)
	if r.Map != nil {
		b.checkMapNames(path+".map.key", r.Map.Key, edit.Request)
	}
	if r.Redirect != nil {
		b.checkMapNames(path+".redirect.location", r.Redirect.Location, edit.Request)
	}
	if r.Rewrite != nil {
		b.checkMapNames(path+".rewrite.path", r.Rewrite.Path, edit.Request)
		b.checkMapNames(path+".rewrite.host", r.Rewrite.Host, edit.Request)
	}
}

// checkMapNames reports variables of a text that stand for a value of no map, or for one that is not known any more.
func (b *builder) checkMapNames(path, text string, at edit.Stage) {
	t, err := edit.Parse(text, at)
	if err != nil {
		return // it is reported as what it is
	}
	for _, name := range t.Names(edit.Map) {
		i := slices.IndexFunc(b.raw.Proxy.Maps, func(m rawNamedMap) bool { return m.Name == name })
		if i < 0 {
			var there []string
			for _, m := range b.raw.Proxy.Maps {
				if m.Name != "" && !slices.Contains(there, m.Name) {
					there = append(there, m.Name)
				}
			}
			b.errorAt(path, "no map "+name+" in proxy.maps", oneThere(there))
			continue
		}
		if key, err := edit.Parse(b.raw.Proxy.Maps[i].Key, edit.Request); at == edit.Response && err == nil && key.Uses(edit.Header, edit.Cookie) {
			b.errorAt(path, "the key of map "+name+" is known of requests only", "a map by something else")
		}
	}
}

// maps returns them as the balancer gets them.
func (b *builder) maps() (all []proxy.Map) {
	for _, m := range b.raw.Proxy.Maps {
		all = append(all, proxy.Map{Name: m.Name, File: m.File, Key: m.Key, Prefix: m.Match == "prefix", Default: m.Default})
	}
	return all
}
