package vrrp

import "crypto/subtle"

// data is what an advert of a carries in its authentication octets: the password, padded with zeros. Config.Validate
// has seen that it fits.
func (a Auth) data() (d [authLen]byte) {
	if a.Type == AuthPass {
		copy(d[:], a.Password)
	}
	return d
}

// authorize compares the authentication of an advert with what the instance is configured to expect.
//
// "A packet with unknown authentication type or that does not match the locally configured authentication method MUST be
// discarded." (RFC 3768 section 5.3.6)
func (a Auth) authorize(ad *Advert) DropReason {
	if ad.AuthType != a.Type {
		return DropAuthType
	}
	if want := a.data(); a.Type == AuthPass && subtle.ConstantTimeCompare(ad.AuthData[:], want[:]) != 1 {
		return DropAuthData
	}
	return accepted
}
