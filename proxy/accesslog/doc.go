// Package accesslog writes a line for each request: what it says, and how it gets to a file or a syslog daemon without a request ever
// waiting for it.
//
// A [Log] is what one configuration says of a frontend. What it wants to know of requests is an exchange.Log; the engine collects
// that where there is one, and the record of an exchange that has ended becomes a line at once, on the loop that served it. The
// line is copied to a [Sink], one for each output, whose goroutine writes what has come in a twentieth of a second, or 64 KB, at
// once. Where an output takes less than comes, lines are dropped and counted: [Status] and the daemon's log tell.
//
// The formats are HAProxy's: its httplog is one in its own syntax, as a custom one is, so that tools which read one read the other. JSON
// and the Common and Combined Log Formats are by themselves. Nothing that a client sends can end a line or look like another
// part of it.
//
// [Outputs] are all outputs of a balancer, which outlive reloads: a file that two frontends log to is one. Reopen is for those who
// rotate logs.
//
// Files, in reading order:
//
//	config.go      Config, Output
//	format.go      Format: the syntax of HAProxy
//	alias.go       what its names stand for
//	line.go        what a line is made of; stamp.go: times; escape.go: what does not stand as it is
//	http.go        httplog; object.go: JSON; common.go: the Common and Combined Log Formats
//	log.go         Log: which records become lines
//	sink.go        Sink: from many goroutines to one
//	file_linux.go  files and standard output; syslog.go: syslog daemons
//	outputs.go     Outputs: opening, reopening, reloads
package accesslog
