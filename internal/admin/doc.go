// Package admin is the runtime socket: a unix stream socket that speaks HAProxy's line protocol.
//
// A client sends one line; commands on it are separated by semicolons. Each command's answer ends with an empty line, and
// then the connection closes. After the command `prompt` the connection stays open, with "> " before each further line.
// Tandem's own commands answer one JSON document, so that a script needs no parser of tables.
//
// In reading order:
//
//	commands.go   the table of commands: a new one is a line there and a function
//	handover.go   the command of a planned handover
//	server.go     the listening socket, its mode and group, and one goroutine a connection
//	client.go     what `tandem status` and the others use
//
// The package sees the daemon through the Node interface only, and every answer comes from one status.Snapshot.
package admin
