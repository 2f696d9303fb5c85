// Package seal signs VRRP adverts and verifies them, as Keepalived's auth_hmac does (draft-cassen-vrrp-auth-hmac,
// https://datatracker.ietf.org/doc/draft-cassen-vrrp-auth-hmac/): a trailer of 28 octets follows the message. It works alike for
// versions 2 and 3, IPv4 and IPv6, multicast and unicast.
//
// A seal proves that who sent the advert has the key, and that it is no copy of an earlier one: it holds a sequence that
// grows with each advert of a sender, and is the time at which it was sent. The receiver remembers the last one of each
// sender, and may hold it against its own clock too (time), or not (monotonic).
//
// Two processes send in the name of one sender, a daemon and its keeper, and neither asks the other before it does. Their
// sequences grow all the same, because both are read off the same clock: see Clock.
//
// The package reads no clock, sends nothing and logs nothing; and no key of it can be printed.
//
// In reading order:
//
//	key.go      Key: id and secret, which stays one
//	trailer.go  the octets, and what the HMAC is made of
//	packet.go   Seal: into a packet that is ready but for it
//	clock.go    Clock: the sequences of a sender; signer.go hands it on
//	verify.go   Policy and Memory: Verify
package seal
