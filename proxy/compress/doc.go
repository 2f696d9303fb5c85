// Package compress says which responses are compressed on their way to clients, with which coding and under which head, and
// compresses them. It knows no connections: an engine shows it heads and pieces of bodies.
//
// What may be compressed is a whole representation (no 206) of a type that the configuration names, which nobody has encoded before,
// whose sender allows it (no-transform) and has given no digest of it. Another coding is another representation, so that strong entity
// tags become weak and caches are told by Vary what the choice was made by, also where a client gets the response as it is
// (RFC 9110 sections 8.4, 8.8.1 and 12.5.5).
//
// Files, in reading order:
//
//	rules.go    Config, Rules: what the configuration says
//	accept.go   Rules.Choose: what a client accepts
//	suits.go    Rules.Suits: which responses are fit
//	head.go     Rewrite: the head of a response whose body is compressed, or could have been
//	encoder.go  Encoder: gzip and zstd; Pool
package compress
