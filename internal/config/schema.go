package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// field is a place in the tree of keys. It takes a scalar where its Type does, a section where it has fields or named,
// a list where it has item; some take more than one of them.
type field struct {
	Key
	name   string
	fill   *yaml.Node // the default, with no place in a text; nil: none
	fields []*field   // the keys of a section, in the order of the table
	named  *field     // what stands under each name of the user's choice
	item   *field     // what a list holds
}

// schema makes a tree of the table.
func schema(keys []Key) *field {
	root := &field{}
	for _, k := range keys {
		f := root.at(k.Path)
		f.Key = k
		f.fill = defaultNode(k)
	}
	for _, k := range keys {
		if k.Like != "" {
			root.at(k.Path).fields = root.at(k.Like).fields
		}
	}
	return root
}

// at returns the field of a path of the table, and makes it where it is not there yet.
func (f *field) at(path string) *field {
	for step := range strings.SplitSeq(strings.ReplaceAll(path, "[]", ".[]"), ".") {
		f = f.step(step)
	}
	return f
}

// step returns the field below f, and makes it where it is not there yet.
func (f *field) step(name string) *field {
	switch name {
	case "[]":
		if f.item == nil {
			f.item = &field{}
		}
		return f.item
	case "*":
		if f.named == nil {
			f.named = &field{}
		}
		return f.named
	}
	if sub := f.field(name); sub != nil {
		return sub
	}
	sub := &field{name: name}
	f.fields = append(f.fields, sub)
	return sub
}

// field returns the field of that name, or nil.
func (f *field) field(name string) *field {
	for _, sub := range f.fields {
		if sub.name == name {
			return sub
		}
	}
	return nil
}

// want says what f takes, as a noun phrase.
func (f *field) want() string {
	var forms []string
	if f.Type.Want != "" {
		forms = append(forms, f.Type.Want)
	}
	if f.item != nil && f.Type.Kind != kindList {
		forms = append(forms, "a list")
	}
	if f.fields != nil && f.Type.Kind != kindSection {
		forms = append(forms, "a section of keys")
	}
	if f.PerNode {
		forms = append(forms, "one for each node under its name")
	}
	return strings.Join(forms, ", or ")
}

// defaultNode returns the default of a key as a node, or nil where there is none.
func defaultNode(k Key) *yaml.Node {
	if k.Default == "" {
		return nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(k.Default), &doc); err != nil {
		panic("the table of keys has a default that is no YAML: " + k.Path) // a test goes over all of them
	}
	return placeless(doc.Content[0])
}

// placeless returns a copy of n without the places that it and what is below it have in a text.
func placeless(n *yaml.Node) *yaml.Node {
	c := *n
	c.Line, c.Column, c.Content = 0, 0, nil
	for _, sub := range n.Content {
		c.Content = append(c.Content, placeless(sub))
	}
	return &c
}

// holdsSecret reports whether f or something below it is a secret. What is like another section is asked about there.
func (f *field) holdsSecret() bool {
	if f.Like != "" {
		return false
	}
	return f.Secret || slices.ContainsFunc(f.fields, (*field).holdsSecret) || f.item != nil && f.item.holdsSecret()
}
