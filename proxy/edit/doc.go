// Package edit changes the fields of heads as the configuration says: it sets, adds, removes and replaces, with values in which
// variables stand for what is known of a request.
//
// A [List] is compiled once. While a head is written each field is shown to it, which keeps, changes or drops it, and at the end it
// tells what is to be added: nothing is looked at twice and no head is held. What frames a message or concerns one connection alone is
// no matter of a List: Compile refuses it.
//
// No value can end a field or a head: control characters of a variable are escaped.
//
// Files, in reading order:
//
//	variable.go  the variables, and where each is known
//	template.go  Template: text with variables
//	edit.go      Edit: what the configuration says; what Compile refuses
//	list.go      List: edits as they are carried out
package edit
