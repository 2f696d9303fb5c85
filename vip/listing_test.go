package vip

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Who asks while a listing is under way gets the next one, and all of them the same.
func TestListingsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		s := sharedListings{list: func(string) (*Listing, error) {
			made++
			l := NewListing(make([]Held, made))
			time.Sleep(time.Second)
			return l, nil
		}}
		var wg sync.WaitGroup
		ask := func(want int) {
			wg.Go(func() {
				if l, err := s.of("eth0"); err != nil || len(l.Held) != want {
					t.Errorf("got listing %d and %v, want listing %d", len(l.Held), err, want)
				}
			})
		}
		ask(1)
		synctest.Wait()
		for range 250 {
			ask(2)
		}
		time.Sleep(1500 * time.Millisecond)
		for range 250 {
			ask(3)
		}
		wg.Wait()
		if made != 3 {
			t.Errorf("made %d listings, want 3", made)
		}
	})
}
