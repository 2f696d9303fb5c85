package secure

import (
	"crypto/tls"
	"fmt"
	"net"
	"testing"
)

var sizes = []int{1 << 10, 64 << 10}

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

// BenchmarkBothWays writes on one side and reads on the other, as if all had come in one receive.
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

// BenchmarkHandshake is what two handshakes cost, of a client and of a server: "here" without any other goroutine, "workers" with
// those of two Handshakers, "bare" with crypto/tls on two goroutines and a net.Pipe.
func BenchmarkHandshake(b *testing.B) {
	server, client := configs(b)
	client.ClientSessionCache = nil
	resumed := client.Clone()
	for name, client := range map[string]*tls.Config{"full": client, "resumed": resumed} {
		if name == "resumed" {
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		}
		b.Run(name+"/here", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, c := pair(b, server, client)
				send(b, s, c)
				s.Close()
				c.Close()
			}
		})
		b.Run(name+"/workers", func(b *testing.B) {
			hs, stop := run(b, Limits{Workers: 1, Open: 10})
			defer stop()
			b.ReportAllocs()
			for b.Loop() {
				up, down := make(chan []byte, 10), make(chan []byte, 10)
				s, c := own(Server(server, &FreeList{}), hs), own(Client(client, &FreeList{}), hs)
				ended := make(chan struct{})
				go func() { s.serve(up, down); close(ended) }()
				c.serve(down, up)
				<-ended
				if s.err != nil || c.err != nil {
					b.Fatal(s.err, c.err)
				}
				c.conn.Feed(nil)
				c.conn.Read(make([]byte, 1))
			}
		})
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x, y := net.Pipe()
				s, c := tls.Server(x, server), tls.Client(y, client)
				ended := make(chan error, 1)
				go func() {
					err := s.Handshake()
					s.Write([]byte("x"))
					ended <- err
				}()
				if err := c.Handshake(); err != nil {
					b.Fatal(err)
				}
				c.Read(make([]byte, 1))
				if err := <-ended; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
