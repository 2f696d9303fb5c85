package loadtest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
)

// slowHead begins a request that never ends its head.
func slowHead(*attacker) []byte {
	return []byte("GET " + healthPath + " HTTP/1.1\r\nHost: " + host + "\r\n")
}

func slowHeadLine(*attacker) []byte { return []byte("X-Slow: 1\r\n") }

// slowBody is a request whose body is announced and hardly comes.
func slowBody(a *attacker) []byte {
	s := a.script("slow-body")
	s.Up = 1 << 30
	a.rest = s.up().reader()
	return []byte("POST " + s.target() + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: " + strconv.FormatInt(s.Up, 10) + "\r\n\r\n")
}

// nextOctet goes on with the body.
func nextOctet(a *attacker) []byte {
	octet := make([]byte, 1)
	_, _ = a.rest.Read(octet) // a gigabyte does not end
	return octet
}

// hugeDownload asks for more than all buffers on the way hold.
func hugeDownload(a *attacker) []byte {
	s := a.script("slow-reader")
	s.Down = 1 << 30
	return []byte("GET " + s.target() + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
}

// endingHTTP1 reads one response and then the connection's end.
func endingHTTP1(c net.Conn) string {
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return "closed"
	}
	how := strconv.Itoa(resp.StatusCode)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return how + " broken off"
	}
	_, _ = io.Copy(io.Discard, r) // it ends, whatever comes
	return how
}

// endingTLS reads an alert, perhaps, and the connection's end.
func endingTLS(c net.Conn) string {
	_, _ = io.Copy(io.Discard, c) // as above
	return "closed"
}

// clientHello is that of a usual client.
func clientHello() []byte {
	here, there := net.Pipe()
	go func() {
		_ = tls.Client(there, &tls.Config{ServerName: host}).Handshake() // it never gets an answer
		_ = there.Close()
	}()
	buf := make([]byte, 16<<10)
	n, _ := here.Read(buf) // a pipe hands over what is written at once
	_ = here.Close()
	return buf[:n]
}
