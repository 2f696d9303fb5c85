package e2e

import (
	"os"
	"testing"
)

// What the engine of this version can do. Tests of load go by these, and each is checked, so that none is forgotten.
const (
	// ownEngine: the balancer runs on the engine of proxy/engine, so it closes connections at their deadlines, answers 408,
	// and bounds its memory, all as the documentation says; not on net/http.
	ownEngine = true

	// servesHTTP2: clients may speak HTTP/2, over TLS by ALPN and in the clear by prior knowledge.
	servesHTTP2 = false
)

// The constants say what is so. That of HTTP/2 is checked on a daemon, by stage.wantHTTP2.
func TestEngineIsAsTheConstantSays(t *testing.T) {
	_, err := os.Stat("../../proxy/stdhttp")
	if gone := os.IsNotExist(err); gone != ownEngine {
		t.Errorf("proxy/stdhttp is gone: %v; ownEngine is %v", gone, ownEngine)
	}
}
