package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

const checkedConfig = `nodes: {lb1: {address: 10.77.0.1}, lb2: {address: 10.77.0.2}}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      priority: {lb1: 101, lb2: 100}
      virtual_addresses: [10.77.0.100/24]
`

func TestR48_Check(t *testing.T) {
	t.Parallel()
	good := write(t, "good.yaml", checkedConfig)
	warned := write(t, "warned.yaml", strings.Replace(checkedConfig, "{lb1: 101, lb2: 100}", "100", 1))
	bad := write(t, "bad.yaml", strings.Replace(checkedConfig, "_router_id: 51", "_router_ids: 51", 1))
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", good)
		if want := good + ": ok; only the file was checked\n"; code != 0 || stdout != want || stderr != "" {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
	t.Run("a warning", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", warned)
		if want := warned + ": ok, 1 warning; only the file was checked\n"; code != 0 || stdout != want {
			t.Errorf("exit %d, printed %q, want %q", code, stdout, want)
		}
		for _, want := range []string{
			warned + ":7:17: warning: vrrp.instances[0].priority: lb1 and lb2 both have 100",
			"\n    7 |       priority: 100\n      |                 ^\n", // the source line and a marker
		} {
			if !strings.Contains(stderr, want) {
				t.Errorf("said\n%s\nwithout %q", stderr, want)
			}
		}
	})
	t.Run("errors", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--offline", bad)
		if code != 1 || stdout != "" || !strings.HasSuffix(stderr, "\n"+bad+": 2 errors\n") {
			t.Errorf("exit %d, printed %q, said\n%s", code, stdout, stderr)
		}
		for _, want := range []string{bad + ":6:7: ", "virtual_router_ids", "virtual_router_id?"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("said\n%s\nwithout %q", stderr, want)
			}
		}
	})
	t.Run("a node that the file lacks", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "--node", "lb9", good)
		want := "tandem: " + good + ` has no node "lb9", want one of lb1, lb2: name it with --node or $TANDEM_NODE` + "\n"
		if code != 1 || stdout != "" || stderr != want {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := tandem(t, "check", "/none/tandem.yaml")
		want := "/none/tandem.yaml: open: no such file or directory\n/none/tandem.yaml: 1 error\n"
		if code != 1 || stdout != "" || stderr != want {
			t.Errorf("exit %d, printed %q, said %q; want %q", code, stdout, stderr, want)
		}
	})
}

func TestCheckTellsWhatIsDoubtfulInCertificates(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	bundle := write(t, "example.com.pem", certificate+certificate+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	file := write(t, "tls.yaml", `proxy:
  frontends:
    - name: front
      bind: [{address: "127.0.0.1:8443", tls: {certificates: [`+bundle+`]}}]
      default_backend: web
  backends:
    - name: web
      servers: [{name: web1, address: "127.0.0.1:8081"}]
`)
	code, stdout, stderr := tandem(t, "check", "--node", "any", file)
	if want := file + ": ok, 1 warning; checked as node any\n"; code != 0 || stdout != want {
		t.Errorf("exit %d, printed %q, want %q", code, stdout, want)
	}
	if !strings.HasPrefix(stderr, file+": warning: ") || !strings.Contains(stderr, bundle) {
		t.Errorf("said %q, want a warning about %s", stderr, bundle)
	}
	if err := os.Chmod(bundle, 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = tandem(t, "check", "--node", "any", file)
	if want := "private key in " + bundle + ": open to every user (mode 0644): chmod 0640 " + bundle; code != 1 || !strings.Contains(stderr, want) {
		t.Errorf("exit %d, said %q, want %q", code, stderr, want)
	}
}
