package vrrp

// DropReason says why a packet does not count. It is the error, the metric label and the value in logs and tests.
type DropReason uint8

// accepted is the zero DropReason: the packet counts.
const accepted DropReason = 0

// The reasons, in the order in which a packet is judged.
const (
	DropIP            DropReason = iota + 1 // the IP header contradicts the packet's length
	DropTTL                                 // TTL or hop limit is not 255, or not in the peer's range: the packet has passed a router
	DropVersion                             // neither a version of ours nor, further on, that of the instance
	DropType                                // not an advert
	DropLength                              // too short, or not as long as the address count says
	DropChecksum                            // the message was damaged
	DropNoAddress                           // v3: the address count is 0
	DropIntervalZero                        // v3: the advert interval is 0
	DropVRID                                // no instance with this VRID on the interface
	DropSource                              // the sender's address is none that a host has
	DropDestination                         // sent to another group or to this node itself, or, with peers, to a group
	DropNotPeer                             // with peers: the sender is none
	DropOwnSource                           // the sender has this node's own address
	DropAuthType                            // another authentication type than configured
	DropAuthData                            // another password
	DropHMACMissing                         // no HMAC trailer, where one is wanted
	DropHMACMalformed                       // an HMAC trailer of an unknown form
	DropHMACStale                           // signed at another time than it is here, by more than the window
	DropHMACKey                             // signed with a key whose id is not configured
	DropHMAC                                // the HMAC is wrong
	DropHMACReplay                          // signed no later than what the sender said before
	DropInterval                            // v2: another advert interval than configured
	DropIntervalLong                        // v3: a longer advert interval than this node would learn
	DropOverload                            // the instance has more adverts waiting than it can mean seriously

	numDrops = int(DropOverload) + 1 // length of a table indexed by DropReason
)

// dropText is the one table of what the reasons are called.
func dropText(r DropReason) (label, text string) {
	switch r {
	case DropIP:
		return "ip_header", "IP header contradicts the length of the packet"
	case DropTTL:
		return "ttl", "TTL shows that the packet passed a router"
	case DropVersion:
		return "version", "other VRRP version"
	case DropType:
		return "type", "not an advertisement"
	case DropLength:
		return "length", "length does not fit the address count"
	case DropChecksum:
		return "checksum", "wrong checksum"
	case DropNoAddress:
		return "no_address", "address count is 0"
	case DropIntervalZero:
		return "interval_zero", "advert interval is 0"
	case DropVRID:
		return "vrid", "VRID not configured on this interface"
	case DropSource:
		return "source", "sender's address is none that a host has"
	case DropDestination:
		return "destination", "sent to another destination than the instance's"
	case DropNotPeer:
		return "not_peer", "sender is none of the unicast peers"
	case DropOwnSource:
		return "own_source", "sent from this node's own address"
	case DropAuthType:
		return "auth_type", "other authentication type"
	case DropAuthData:
		return "auth_data", "other password"
	case DropHMACMissing:
		return "hmac_missing", "not signed"
	case DropHMACMalformed:
		return "hmac_malformed", "signed in a form that this version does not know"
	case DropHMACStale:
		return "hmac_stale", "signed at another time than it is here: the clocks differ, or it is an old copy"
	case DropHMACKey:
		return "hmac_key", "signed with a key whose id is not configured here"
	case DropHMAC:
		return "hmac", "HMAC is wrong: the keys differ, or it is forged"
	case DropHMACReplay:
		return "hmac_replay", "signed no later than an earlier advert of the sender: a copy"
	case DropInterval:
		return "interval", "other advert interval: with different intervals both nodes become MASTER"
	case DropIntervalLong:
		return "interval_long", "longer advert interval than this node accepts: both nodes become MASTER"
	case DropOverload:
		return "overload", "too many adverts waiting"
	default:
		return "none", "not dropped"
	}
}

// Error describes the reason to people.
func (r DropReason) Error() string {
	_, text := dropText(r)
	return text
}

// Label names the reason in metrics.
func (r DropReason) Label() string {
	label, _ := dropText(r)
	return label
}

// DropReasons lists every reason.
func DropReasons() []DropReason {
	all := make([]DropReason, 0, numDrops-1)
	for r := accepted + 1; int(r) < numDrops; r++ {
		all = append(all, r)
	}
	return all
}
