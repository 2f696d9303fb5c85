package secure

import (
	"crypto/tls"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

var sizes = []int{1 << 10, 64 << 10}

// BenchmarkWrite encrypts alone.
func BenchmarkWrite(b *testing.B) {
	server, client := configs(b)
	for _, n := range sizes {
		b.Run(fmt.Sprintf("%dK", n>>10), func(b *testing.B) {
			s, _ := pair(b, server, client)
			p := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Write(p); err != nil {
					b.Fatal(err)
				}
				s.Sent(len(s.Out()))
			}
		})
	}
}

// BenchmarkWriteRead writes on one side and reads on the other, as if all had come in one receive.
func BenchmarkWriteRead(b *testing.B) {
	server, client := configs(b)
	for _, n := range sizes {
		for _, way := range []string{"from server", "to server"} {
			b.Run(fmt.Sprintf("%s/%dK", way, n>>10), func(b *testing.B) {
				from, to := pair(b, server, client)
				if way == "to server" {
					from, to = to, from
				}
				p, q, scratch := make([]byte, n), make([]byte, 64<<10), make([]byte, 80<<10)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := from.Write(p); err != nil {
						b.Fatal(err)
					}
					m := copy(scratch, from.Out()) // the kernel's part
					from.Sent(m)
					to.Feed(scratch[:m])
					for got := 0; ; {
						m, err := to.Read(q)
						if got += m; err != nil {
							if err != ErrAgain || got != n {
								b.Fatal(got, err)
							}
							break
						}
					}
				}
			})
		}
	}
}

// cpu is the processor time that this process has used, in microseconds: all its goroutines', whatever else runs on the machine.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(time.Duration(u.Utime.Nano()+u.Stime.Nano())) / 1e3
}

// BenchmarkHandshake is what the two handshakes of a client and a server cost, with one word from the server: "here" without any other
// goroutine, "workers" with the worker of a Handshaker, "bare" with crypto/tls on two goroutines and a net.Pipe.
func BenchmarkHandshake(b *testing.B) {
	server, full := configs(b)
	resumed := full.Clone()
	resumed.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for _, way := range []struct {
		name string
		run  func(b *testing.B, server, client *tls.Config)
	}{{"here", handshakeHere}, {"workers", handshakeWorkers}, {"bare", handshakeBare}} {
		for name, client := range map[string]*tls.Config{"full": full, "resumed": resumed} {
			b.Run(name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				before := cpu()
				way.run(b, server, client)
				b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
			})
		}
	}
}

func handshakeHere(b *testing.B, server, client *tls.Config) {
	var buffers FreeList
	hs := NewHandshaker(Limits{Workers: 1, Open: 2})
	word := make([]byte, 1)
	for b.Loop() {
		s, c := &side{Conn: Server(server, &buffers), shaker: hs}, &side{Conn: Client(client, &buffers), shaker: hs}
		s.Start(hs, func() {})
		c.Start(hs, func() {})
		for !s.done || !c.done {
			work(hs)
			s.done, s.err = s.Poll()
			c.done, c.err = c.Poll()
			c.Feed(s.Out())
			s.Sent(len(s.Out()))
			s.Feed(c.Out())
			c.Sent(len(c.Out()))
		}
		s.Write(word)
		c.Keep()
		c.Feed(s.Out())
		if n, err := c.Read(word); n != 1 || err != nil || s.err != nil || c.err != nil {
			b.Fatal(n, err, s.err, c.err)
		}
		s.Close()
		c.Close()
	}
}

func handshakeWorkers(b *testing.B, server, client *tls.Config) {
	hs, stop := run(b, Limits{Workers: 1, Open: 10})
	defer stop()
	var ours, theirs FreeList
	word := make([]byte, 1)
	for b.Loop() {
		up, down := make(chan []byte, 10), make(chan []byte, 10)
		s, c := own(Server(server, &ours), hs), own(Client(client, &theirs), hs)
		ended := make(chan struct{})
		go func() {
			s.serve(up, down)
			s.conn.Write(word)
			down <- s.conn.Out()
			close(ended)
		}()
		c.serve(down, up)
		for n := 0; n == 0; n, _ = c.conn.Read(word) {
			c.conn.Feed(<-down)
		}
		<-ended
		if s.err != nil || c.err != nil {
			b.Fatal(s.err, c.err)
		}
		s.conn.Close()
		c.conn.Close()
	}
}

func handshakeBare(b *testing.B, server, client *tls.Config) {
	word := make([]byte, 1)
	for b.Loop() {
		x, y := net.Pipe()
		s, c := tls.Server(x, server), tls.Client(y, client)
		ended := make(chan error, 1)
		go func() {
			_, err := s.Write(word)
			ended <- err
		}()
		if _, err := c.Read(word); err != nil {
			b.Fatal(err)
		}
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}
