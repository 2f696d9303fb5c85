package engine

import (
	"context"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// drain is a client's side that takes everything while it is open.
type drain struct {
	closed  bool
	octets  int
	flushes int
	ends    int
	overs   int
}

func (d *drain) interim(*head)             {}
func (d *drain) begin(*head)               {}
func (d *drain) data(b []byte)             { d.octets += len(b) }
func (d *drain) end([]byte, []http1.Field) { d.ends++ }
func (d *drain) reply(*exchange.Reply)     {}
func (d *drain) flush()                    { d.flushes++ }
func (d *drain) room() bool                { return !d.closed }
func (d *drain) more()                     {}
func (d *drain) over(bool)                 { d.overs++ }

// source is a server's side that counts how often it is told to go on.
type source struct {
	answerer
	goesOn int
}

func (s *source) more() { s.goesOn++ }

// workbench is a compressor whose worker is the test.
type workbench struct {
	*compressor
	client *drain
	server *source
}

func newWorkbench() *workbench {
	w := &workbench{client: &drain{}, server: &source{}}
	workers := newSqueezers(1)
	workers.enter()
	s := &stream{core: &core{}, passage: passage{server: w.server}}
	w.compressor = &compressor{s: s, to: w.client, workers: workers, counted: true, piece: piece{coding: compress.Gzip}}
	s.client = w.compressor
	return w
}

// work does what a worker does with the piece that it has got.
func (w *workbench) work(t *testing.T) (how compress.How, octets int) {
	t.Helper()
	if !w.busy {
		t.Fatal("the worker has nothing to do")
	}
	e, _ := w.workers.take()
	how, octets = w.piece.how, len(w.piece.in)
	e.k.piece.work(&w.workers.pool)
	e.k.done(nil)
	return how, octets
}

// No more waits for a worker than is bounded, and the server's side goes on as soon as there is room again.
func TestCompressorBoundsWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorkbench()
	part := []byte(strings.Repeat("x", squeezed))
	w.data(part)
	for range maxSqueezed / squeezed {
		if !w.room() {
			t.Fatalf("no room with %d octets that wait", len(w.in))
		}
		w.data(part)
	}
	if w.room() {
		t.Fatalf("room with %d octets that wait", len(w.in))
	}
	if how, octets := w.work(t); how != compress.More || octets != squeezed || w.server.goesOn != 1 {
		t.Errorf("got how %d of %d octets and the server told to go on %d times, want all without a flush, and once", how, octets, w.server.goesOn)
	}
	w.client.closed = true
	w.data(part)
	w.data(part)
	if w.room() {
		t.Error("room where the client takes nothing")
	}
	if w.work(t); w.server.goesOn != 1 {
		t.Error("the server was told to go on where the client takes nothing: the client's side does that")
	}
}

// A piece without a flush is followed by one as soon as nothing else is.
func TestCompressorHoldsNothingBack(t *testing.T) {
	t.Parallel()
	w := newWorkbench()
	w.data([]byte(strings.Repeat("x", squeezed)))
	if how, _ := w.work(t); how != compress.More {
		t.Fatalf("got how %d, want no flush in the midst", how)
	}
	if how, octets := w.work(t); how != compress.Flush || octets != 0 || w.client.octets == 0 || w.client.flushes == 0 {
		t.Errorf("got how %d of %d octets, and the client %d with %d flushes, want a flush", how, octets, w.client.octets, w.client.flushes)
	}
	if w.busy {
		t.Error("the worker was asked for more")
	}
	w.data([]byte("y"))
	w.flush()
	w.end(nil, nil)
	if how, _ := w.work(t); how != compress.Flush {
		t.Errorf("got how %d, want what has come flushed", how)
	}
	if how, _ := w.work(t); how != compress.End || w.client.ends != 1 || w.busy {
		t.Errorf("got how %d and %d ends, want one", how, w.client.ends)
	}
	if w.over(false); w.workers.open.Load() != 0 || w.client.overs != 1 {
		t.Errorf("%d are open, the client was told %d times, want none and once", w.workers.open.Load(), w.client.overs)
	}
}

// A response that is over while a worker has a piece of it gives the client nothing more, and its encoder back.
func TestCompressorThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorkbench()
	w.data([]byte("x"))
	w.flush()
	if w.over(true); w.workers.open.Load() != 1 || w.client.overs != 1 {
		t.Errorf("%d are open, the client was told %d times, want the worker's, and once", w.workers.open.Load(), w.client.overs)
	}
	if w.work(t); w.client.octets != 0 || w.workers.open.Load() != 0 || w.piece.encoder != nil {
		t.Errorf("the client got %d octets, %d are open, want none", w.client.octets, w.workers.open.Load())
	}
}

// Beyond the bound responses go as they are.
func TestSqueezersAreBounded(t *testing.T) {
	t.Parallel()
	q := newSqueezers(1)
	for i := range maxCompressing {
		if !q.enter() {
			t.Fatalf("only %d may be compressed at once", i)
		}
	}
	if q.enter() {
		t.Error("more than the bound are compressed at once")
	}
	if q.leave(nil); !q.enter() {
		t.Error("nobody may in another one's place")
	}
}

// Run ends with its context, whatever waits, and the loops' errands come back until then.
func TestSqueezersRun(t *testing.T) {
	t.Parallel()
	q := newSqueezers(2)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	done := make(chan func(*loop.Loop), 10)
	post := func(f func(*loop.Loop)) bool { done <- f; return true }
	for range cap(done) {
		q.do(&compressor{piece: piece{coding: compress.Zstd, in: []byte("x"), how: compress.End}}, post)
	}
	for range cap(done) {
		<-done
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	q.do(&compressor{}, post) // nobody does it
	if _, ok := q.take(); ok {
		t.Error("an errand was taken after the end")
	}
}
