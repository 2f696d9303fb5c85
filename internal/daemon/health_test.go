package daemon

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

// fakeBackends reports what it is told to.
type fakeBackends struct {
	mu       sync.Mutex
	watchers map[string]func(healthy, total int, known bool) // guarded by mu
}

func (f *fakeBackends) WatchBackend(ctx context.Context, name string, report func(healthy, total int, known bool)) {
	f.mu.Lock()
	f.watchers[name] = report
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	delete(f.watchers, name)
	f.mu.Unlock()
}

func (f *fakeBackends) report(name string, healthy, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers[name](healthy, total, true)
}

func TestHealthBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeBackends{watchers: map[string]func(int, int, bool){}}
		changes := 0
		h := newHealthBoard(f, func() { changes++ })
		h.watch(t.Context(), []string{"web", "api"})
		synctest.Wait()
		f.report("web", 2, 2)
		f.report("web", 2, 2) // nothing new
		if got := h.all(); changes != 1 || len(got) != 2 || got["web"] != (backendHealth{2, 2, true}) || got["api"].known {
			t.Errorf("%d changes, %+v", changes, got)
		}

		h.watch(t.Context(), []string{"web", "mail"}) // a reload
		synctest.Wait()
		if got := h.all(); len(got) != 2 || !got["web"].known || got["mail"].known || len(f.watchers) != 2 {
			t.Errorf("after a reload: %+v, watched %d", got, len(f.watchers))
		}
		h.close()
		if len(f.watchers) != 0 {
			t.Errorf("%d watchers left", len(f.watchers))
		}
	})
}
