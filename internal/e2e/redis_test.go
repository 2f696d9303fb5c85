package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// forRedis is where clients of the example come.
const forRedis = balancerAddress + ":6379"

// redisSession is a client's session, in which one line answers another.
type redisSession struct {
	conn net.Conn
	r    *bufio.Reader
}

func (d *databases) redis(address string) (*redisSession, error) {
	conn, err := d.dial(d.Context(), address)
	if err != nil {
		return nil, err
	}
	return &redisSession{conn: conn, r: bufio.NewReader(conn)}, nil
}

func (d *databases) mustRedis(address string) *redisSession {
	d.Helper()
	s, err := d.redis(address)
	check(d.T, err)
	return s
}

// ask sends a command and returns its answer, the first line where it has more.
func (s *redisSession) ask(command string) (string, error) {
	if err := s.conn.SetDeadline(time.Now().Add(queryTime)); err != nil {
		return "", err
	}
	if _, err := s.conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	line, err := s.r.ReadString('\n')
	if err == nil && strings.HasPrefix(line, "$") && line != "$-1\r\n" { // the length of what follows
		line, err = s.r.ReadString('\n')
	}
	line = strings.TrimSuffix(line, "\r\n")
	if err == nil && strings.HasPrefix(line, "-") {
		err = errors.New(line)
	}
	return line, err
}

func (d *databases) mustAsk(s *redisSession, command, want string) {
	d.Helper()
	if got, err := s.ask(command); err != nil || got != want {
		d.Fatalf("%s: got %q, %v, want %q", command, got, err, want)
	}
}

// Clients that know nothing of who is the master work on behind the example when it changes. Redis cuts nobody's session with a master that is
// none any more, and refuses what it is asked to write: the balancer cuts.
func TestIntegrationR66_Redis(t *testing.T) {
	program := peers.Find(t, "redis-server")
	d := newDatabases(t)
	addresses := []string{"192.168.1.141", "192.168.1.142", "192.168.1.143"}
	nodes := make([]*netlab.Node, len(addresses))
	for i, a := range addresses {
		nodes[i] = d.node(fmt.Sprintf("redis%d", i+1), a)
		args := []string{"--bind", a, "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", d.dir}
		if i > 0 {
			args = append(args, "--replicaof", addresses[0], "6379")
		}
		d.start(nodes[i], exec.Command(program, args...))
	}
	d.balance("redis.yaml")
	d.up("redis_master", "redis1")

	idle, writer := d.mustRedis(forRedis), d.mustRedis(forRedis)
	d.mustAsk(idle, "PING", "+PONG")
	d.mustAsk(writer, "SET a 1", "+OK")
	first, second := d.mustRedis(addresses[0]+":6379"), d.mustRedis(addresses[1]+":6379")
	eventually(t, "the replica has what was written", func() (bool, any) {
		got, err := second.ask("GET a")
		return got == "1", err
	})
	d.mustAsk(second, "REPLICAOF NO ONE", "+OK")
	d.mustAsk(first, "REPLICAOF "+addresses[1]+" 6379", "+OK")
	d.mustAsk(first, "PING", "+PONG") // whose session Redis lets be
	changed := time.Now()
	cutBy(t, "a session of a master that is none any more is cut within", idle.conn, 4*time.Second)
	if got, err := writer.ask("SET a 2"); err == nil {
		t.Errorf("what was begun with the former master goes on: %q", got)
	}
	eventually(t, "the new master takes what is written", func() (bool, any) {
		s, err := d.redis(forRedis)
		if err != nil {
			return false, err
		}
		got, err := s.ask("SET a 3")
		return got == "+OK", err
	})
	within(t, "without a master for the client", time.Since(changed), 6*time.Second)
	d.mustAsk(d.mustRedis(forRedis), "GET a", "3")
	d.mustAsk(second, "GET a", "3")
	d.up("redis_master", "redis2")
}
