// Package hostile holds proxies to what security-minded readers of RFC 9110, 9112 and 9113 expect of them: a corpus of
// hostile HTTP/1 requests, broken responses of servers, and HTTP/2 requests that become HTTP/1, with good ones among them
// that must not be refused.
//
// It has no code, only tests. Each case is sent over a connection of its own, to a proxy whose only server records every
// octet. What the server and the client got is judged by a reader that is slow, simple, strict and shares nothing with the
// parsers of this module; verdict.go has the words of the judgement. The same cases are run through Tandem's codecs alone,
// without sockets; through HAProxy and nginx, to compare; and through proxies that pass octets on as they come, which have to
// fail, or else the judge is blind. Beyond the corpus, messages are mutated and what Tandem makes of them is compared with what
// its codecs make of them; and whatever a fuzzer sends has to come out clean.
//
// In reading order (each with _test in its name):
//
//	verdict.go    Verdict, tallies
//	reader.go     the strict reader: messages; fields.go: field lines; framing.go: bodies
//	cases.go      what a case of a request is; line.go, target.go, host.go, names.go, lengths.go, codings.go, chunks.go,
//	              hop.go, limits.go, good.go: the requests
//	requests.go   how a request is run and judged
//	answers.go    the responses; responses.go: how one is run and judged
//	frames.go     HTTP/2 written by hand; streams.go: the requests; translated.go: how one is run
//	origin.go     the server that records; lane.go: one proxied way to it; client.go: the other end
//	codec.go      proxy/http1 without sockets: requests; codec_replies.go: responses; codec_streams.go: proxy/http2
//	control.go    the pipe; control_streams.go: the careless translator
//	tandem.go     Tandem; peers.go: HAProxy and nginx
//	mutations.go  mutated messages
//	table.go      the table of docs/hostile.md
package hostile
