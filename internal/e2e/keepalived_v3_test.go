package e2e

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
)

// Version 3 with an advert each 100 ms. Its skew time is a fraction of the interval (RFC 9568 section 6.1).
const (
	advertInterval3 = 100 * time.Millisecond
	keepalivedSkew3 = 156 * advertInterval3 / 256
	tandemSkew3     = 155 * advertInterval3 / 256
	keepalivedDown3 = 3*advertInterval3 + keepalivedSkew3
	tandemDown3     = 3*advertInterval3 + tandemSkew3

	// slack3 is what two cores that do other things too may add: more than that is an advert interval of version 2.
	slack3 = 400 * time.Millisecond
)

// config3 is drill.Config in version 3, which has no passwords.
func config3(t *testing.T) string {
	return edited(t, drill.Config,
		"      advert_interval: 1s\n", "      version: 3\n      advert_interval: 100ms\n",
		"      authentication: {type: PASS, password: s3cret77}\n", "")
}

func keepalivedConf3(t *testing.T, changes ...string) string {
	return edited(t, edited(t, keepalivedConf,
		"vrrp_version 2", "vrrp_version 3",
		"advert_int 1\n", "advert_int 0.1\n",
		"\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass s3cret77\n\t}\n", ""), changes...)
}
