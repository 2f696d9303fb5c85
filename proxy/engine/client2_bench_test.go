package engine

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// burst is 32 requests at once on a connection, and their responses of 1 KB.
type burst struct {
	m      *memory
	client interface{ Write([]byte) (int, error) }
	read   func() []byte
	next   uint32
	out    []byte
}

const burstSize = 32

func newBurst(tb testing.TB) *burst {
	m := newMemory(tb, 0)
	policy, err := edit.Compile([]edit.Edit{{Name: "Content-Security-Policy", Value: "default-src 'self'; frame-ancestors 'none'; " + strings.Repeat("x", 100)}}, edit.Response)
	if err != nil {
		tb.Fatal(err)
	}
	m.frontend.Edits = &exchange.Edits{Response: policy}
	m.frontend.DefaultEdits = m.frontend.Edits
	response := []byte("HTTP/1.1 200 OK\r\nServer: app\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024))
	m.answer = func(o *origin, _ *http1.Request, _, _ []byte) { _, _ = o.peer.Write(response) }
	peer := m.net.Dial(bindAddress)
	peer.Say(http2.Preface)
	b := &burst{m: m, client: peer, read: peer.Read, next: 1}
	b.out = http2.AppendSettings(nil, http2.Setting{ID: http2.InitialWindowSize, Value: 1<<31 - 1})
	// The authority goes into the table, and is taken out of it from then on.
	b.out = http2.AppendHeaders(b.out, b.next, []byte("\x82\x87\x84\x41\x09a.example"), true, 1<<14)
	b.turn()
	return b
}

// turn sends what there is to send and waits for the responses.
func (b *burst) turn() {
	_, _ = b.client.Write(b.out) // it would show in what is read
	for range 4 {
		b.m.step()
	}
	b.read()
	b.out = b.out[:0]
}

func (b *burst) run() {
	b.out = http2.AppendWindowUpdate(b.out, 0, burstSize*1024)
	for range burstSize {
		b.next += 2
		b.out = http2.AppendHeaders(b.out, b.next, []byte("\x82\x87\x84\xbe"), true, 1<<14)
	}
	b.turn()
}

func BenchmarkClient2(b *testing.B) {
	u := newBurst(b)
	u.run()
	b.ReportAllocs()
	before := len(u.m.records)
	n := 0
	for b.Loop() {
		u.run()
		n++
		u.m.records = u.m.records[:before]
	}
	if want := n * burstSize; u.m.upstream.Stats().Requests != int64(want+before) {
		b.Fatalf("%d requests, want %d", u.m.upstream.Stats().Requests, want+before)
	}
}

// The test's own side allocates once for each response, and the kernel in memory now and then; nothing else does.
func TestClient2AllocatesNothing(t *testing.T) {
	u := newBurst(t)
	u.run()
	if got, most := testing.AllocsPerRun(100, u.run), burstSize*3/2; got > float64(most) {
		t.Errorf("%v allocations for %d requests, want %d at most, which are the test's own", got, burstSize, most)
	}
}
