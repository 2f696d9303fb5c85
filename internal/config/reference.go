package config

import (
	_ "embed"
	"fmt"
	"strings"
)

// preface is what the reference says before the tables.
//
//go:embed reference.md
var preface string

// Reference returns the table of keys as Markdown: docs/configuration.md.
func Reference() string {
	rows := map[string]string{} // by section
	var sections []string
	var later strings.Builder
	for _, k := range Keys() {
		if k.Later {
			fmt.Fprintf(&later, "- `%s`: %s\n", k.Path, k.Help)
			continue
		}
		in, key := split(k.Path)
		if rows[in] == "" {
			sections = append(sections, in)
		}
		rows[in] += fmt.Sprintf("| `%s` | %s | %s | `%s` | %s | %s |\n", key, cell(values(k)), cell(whenAbsent(k)), cell(k.Example), cell(string(k.Reload)), cell(meaning(k)))
	}
	var b strings.Builder
	b.WriteString(preface)
	for _, in := range sections {
		b.WriteString(heading(in) + rows[in])
	}
	b.WriteString("\n## Known, but not in this version\n\nThese keys are errors: \"is not in this version\".\n\n" + later.String())
	return b.String()
}

// split returns the section that a path is in, and the key in it.
func split(path string) (in, key string) {
	at := strings.LastIndexByte(path, '.')
	return path[:max(at, 0)], path[at+1:]
}

func heading(in string) string {
	title := "The file"
	if in != "" {
		title = "`" + in + "`"
	}
	return "\n## " + title + "\n\n| Key | Value | Where it is absent | Example | A change at reload | What it is |\n|---|---|---|---|---|---|\n"
}

// values says what the key takes: kind, unit, range.
func values(k Key) string {
	s := k.Type.Kind
	if k.Type.Range != "" && k.Type.Kind != "word" {
		s += ": " + k.Type.Range
	} else if k.Type.Range != "" {
		s = k.Type.Range
	}
	if k.Type.Unit != "" {
		s += " (" + k.Type.Unit + ")"
	}
	if k.PerNode {
		s += "; per node"
	}
	return s
}

func whenAbsent(k Key) string {
	switch {
	case k.Required:
		return "**required**"
	case k.Default == "{}":
		return "the defaults below"
	case k.Default != "":
		return "`" + k.Default + "`"
	}
	return k.Absent
}

func meaning(k Key) string {
	help := k.Help
	if k.Like != "" {
		help += " Its keys are those of `" + k.Like + "`."
	}
	if k.Others == "" {
		return help
	}
	return help + " (Elsewhere: `" + strings.ReplaceAll(k.Others, " ", "`, `") + "`.)"
}

// cell keeps a text from ending its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
