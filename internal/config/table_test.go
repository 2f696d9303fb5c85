package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestTableIsSound holds every row to what the reference promises: an example that is right, a default that is right.
func TestTableIsSound(t *testing.T) {
	root := schema(Keys())
	seen := map[string]bool{}
	for _, k := range Keys() {
		if seen[k.Path] {
			t.Errorf("%s: stands in the table twice", k.Path)
		}
		seen[k.Path] = true
		if k.Help == "" || strings.Contains(k.Help+k.Absent, "|") {
			t.Errorf("%s: help %q, want a sentence", k.Path, k.Help)
		}
		if k.Later {
			continue
		}
		if k.Type.Want == "" || k.Example == "" || k.Reload == "" {
			t.Errorf("%s: type %q, example %q, reload %q, want all of them", k.Path, k.Type.Want, k.Example, k.Reload)
		}
		if k.Required && whenAbsent(k) != "**required**" || k.Required && k.Default != "" {
			t.Errorf("%s: is required and has a default", k.Path)
		}
		for _, text := range []string{k.Example, k.Default} {
			if text == "" {
				continue
			}
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatalf("%s: %q: %v", k.Path, text, err)
			}
			c := checker{src: &source{lines: []string{text}}, nodes: []string{"lb1", "lb2"}}
			c.value(doc.Content[0], at(t, root, k.Path), k.Path)
			if len(c.found) > 0 {
				t.Errorf("%s: %q is no value for it: %v", k.Path, text, c.found)
			}
		}
	}
}

// at returns the field of a path of the table.
func at(t *testing.T, root *field, path string) *field {
	t.Helper()
	f := root.at(path)
	if f.Path != path {
		t.Fatalf("%s: not in the tree", path)
	}
	return f
}

// TestRawStructsAreTheTable holds the raw structs to the keys of the table, those of later versions aside.
func TestRawStructsAreTheTable(t *testing.T) {
	structs := paths(reflect.TypeFor[rawFile](), "", nil)
	var table []string
	for _, k := range Keys() {
		if !k.Later && !strings.HasSuffix(k.Path, "[]") && !strings.HasSuffix(k.Path, "*") {
			table = append(table, k.Path)
		}
	}
	slices.Sort(table)
	// The walk alone reads these: there is only one value to choose, so far.
	structs = slices.DeleteFunc(structs, func(p string) bool { return strings.HasSuffix(p, "[]") || strings.HasSuffix(p, "*") })
	slices.Sort(structs)
	if !slices.Equal(structs, table) {
		for _, p := range table {
			if !slices.Contains(structs, p) {
				t.Errorf("%s is in the table, but in no raw struct", p)
			}
		}
		for _, p := range structs {
			if !slices.Contains(table, p) {
				t.Errorf("%s is in a raw struct, but not in the table", p)
			}
		}
	}
}

// paths returns the paths of everything that decodes into a type. What stands in itself, above says in what, is not gone into again.
func paths(typ reflect.Type, path string, above []reflect.Type) []string {
	switch {
	case slices.Contains(above, typ):
		return []string{path}
	case typ.Kind() == reflect.Pointer:
		return paths(typ.Elem(), path, above)
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
		return append([]string{path}, paths(typ.Elem(), path+"[]", above)...)
	case typ.Kind() == reflect.Map && typ.Elem().Kind() == reflect.Struct:
		return append([]string{path}, paths(typ.Elem(), path+".*", above)...)
	case typ.Kind() != reflect.Struct || !isRaw(typ):
		return []string{path}
	}
	above = append(slices.Clone(above), typ)
	var all []string
	if path != "" {
		all = append(all, path)
	}
	for f := range typ.Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case key == "":
			all = append(all, paths(f.Type, path, above)[1:]...) // inlined
		case path == "":
			all = append(all, paths(f.Type, key, above)...)
		default:
			all = append(all, paths(f.Type, path+"."+key, above)...)
		}
	}
	return all
}

// isRaw tells the sections from structs of other packages and from values by node.
func isRaw(typ reflect.Type) bool {
	return typ.NumField() > 0 && typ.Field(0).Tag.Get("yaml") != ""
}

func TestSuggest(t *testing.T) {
	instance := schema(Keys()).step("vrrp").step("instances").step("[]")
	for _, tt := range []struct{ unknown, want string }{
		{"priorty", "priority"},
		{"pirority", "priority"},
		{"Priority", "priority"},
		{"virtual-addresses", "virtual_addresses"},
		{"virtual_address", "virtual_addresses"},
		{"virtual_ipaddress", "virtual_addresses"}, // Keepalived's
		{"vrid", "virtual_router_id"},
		{"nam", "name"},
		{"nmae", "name"}, // neighbours swapped are one mistake, not two
		{"nme2", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("priority", 9), ""},
	} {
		got := ""
		if f := suggest(instance, tt.unknown); f != nil {
			got = f.name
		}
		if got != tt.want {
			t.Errorf("suggest(%q): got %q, want %q", tt.unknown, got, tt.want)
		}
	}
}
