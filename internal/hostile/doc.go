// Package hostile holds proxies to what security-minded readers of RFC 9110, 9112 and 9113 expect of them: a corpus of
// hostile HTTP/1 requests and broken responses of servers, with good ones among them that must
// not be refused.
//
// It has no code, only tests. Each case is sent over a connection of its own, to a proxy whose only server records every
// octet. What the server and the client got is judged by a reader that is slow, simple, strict and shares nothing with the
// parsers of this module; verdict.go has the words of the judgement. The same cases are run through Tandem's codecs alone,
// without sockets; through HAProxy and nginx, to compare; and through a pipe that passes bytes on as they come, which has to
// fail, or else the judge is blind.
//
// In reading order (each with _test in its name):
//
//	verdict.go    Verdict, tallies
//	reader.go     the strict reader: messages; fields.go: field lines; framing.go: bodies
//	cases.go      what a case of a request is; line.go, target.go, host.go, names.go, lengths.go, codings.go, chunks.go,
//	              hop.go, smuggled.go, limits.go, good.go: the requests
//	requests.go   the judgement of a request
//	answers.go    the responses; responses.go: their judgement
//	origin.go     the server that records; lane.go: one proxied way to it; client.go: the other end
//	codec.go      proxy/http1 without sockets; codec_replies.go: of responses
//	control.go    proxies that have to fail
//	peers.go      HAProxy and nginx; tandem.go: Tandem
package hostile
