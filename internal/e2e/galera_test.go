package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// forMySQL is where clients of the example come.
const forMySQL = balancerAddress + ":3306"

// galeraNode stands for a node of the cluster: a port that says who it is, as MySQL speaks first, and clustercheck.
type galeraNode struct {
	name   string
	synced atomic.Bool
}

// startGalera serves on a host until the test ends.
func startGalera(d *databases, n *netlab.Node, address string) *galeraNode {
	d.Helper()
	g := &galeraNode{name: n.Name()}
	g.synced.Store(true)
	sql, err := n.Listen(d.Context(), "tcp4", address+":3306")
	check(d.T, err)
	checks, err := n.Listen(d.Context(), "tcp4", address+":9200")
	check(d.T, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !g.synced.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "Percona XtraDB Cluster Node is as its status says.\r\n") // an error shows at the balancer
	})}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(checks) }) // ends with Close
	group.Go(func() { g.serve(sql, &group) })
	d.Cleanup(func() { _, _ = server.Close(), sql.Close(); group.Wait() })
	return g
}

func (g *galeraNode) serve(l net.Listener, group *sync.WaitGroup) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		group.Go(func() {
			defer conn.Close()
			_, _ = io.WriteString(conn, g.name) // an error shows at the client
			_, _ = io.Copy(conn, conn)
		})
	}
}

// greeted is who answers a client, and the connection.
func (d *databases) greeted() (string, net.Conn, error) {
	conn, err := d.dial(d.Context(), forMySQL)
	if err != nil {
		return "", nil, err
	}
	check(d.T, conn.SetReadDeadline(time.Now().Add(queryTime)))
	name := make([]byte, len("db1"))
	_, err = io.ReadFull(conn, name)
	return string(name), conn, err
}

// One node gets all that is written, the next one only when that has left the cluster: then the sessions with it are cut.
func TestIntegrationR66_Galera(t *testing.T) {
	d := newDatabases(t)
	var nodes []*galeraNode
	for i := 1; i <= 3; i++ {
		address := fmt.Sprintf("192.168.1.13%d", i)
		nodes = append(nodes, startGalera(d, d.node(fmt.Sprintf("db%d", i), address), address))
	}
	d.balance("galera.yaml")
	d.up("galera", "db1", "db2", "db3")
	for range 5 {
		if name, _, err := d.greeted(); name != "db1" || err != nil {
			t.Fatalf("got %q, %v, want db1", name, err)
		}
	}
	_, idle, err := d.greeted()
	check(t, err)
	nodes[0].synced.Store(false)
	cutBy(t, "a session with a node that has left the cluster is cut within", idle, 5*time.Second)
	for range 5 {
		if name, _, err := d.greeted(); name != "db2" || err != nil {
			t.Fatalf("got %q, %v, want db2", name, err)
		}
	}
	_, kept, err := d.greeted()
	check(t, err)
	nodes[0].synced.Store(true)
	d.up("galera", "db1", "db2", "db3")
	if name, _, err := d.greeted(); name != "db1" || err != nil {
		t.Errorf("got %q, %v, want db1 again", name, err)
	}
	echo := make([]byte, 5)
	if _, err := io.WriteString(kept, "hello"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(kept, echo); err != nil || string(echo) != "hello" {
		t.Errorf("a session with the node that was second: got %q, %v", echo, err)
	}
}
