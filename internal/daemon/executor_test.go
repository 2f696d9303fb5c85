package daemon

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestExecutorKeepsTheOrderAndFinishesAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExecutor()
		stop := make(chan struct{})
		ended := make(chan struct{})
		var done []int
		job := func(n int) func(context.Context) {
			return func(context.Context) {
				time.Sleep(time.Second) // a slow kernel
				done = append(done, n)
			}
		}
		go func() {
			defer close(ended)
			e.run(t.Context(), stop)
		}()
		began := time.Now()
		for n := range 3 {
			e.do(job(n))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("do waited %v for the jobs", waited)
		}
		synctest.Wait()
		e.do(job(3))
		close(stop) // what is queued by now is still carried out
		<-ended
		if want := []int{0, 1, 2, 3}; !slices.Equal(done, want) {
			t.Errorf("done %v, want %v", done, want)
		}
	})
}
