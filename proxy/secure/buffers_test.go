package secure

import "testing"

func TestFreeListLendsAgain(t *testing.T) {
	var f FreeList
	for _, n := range []int{0, 1, 2 << 10, 2<<10 + 1, 64 << 10, 144 << 10, 1 << 20} {
		b := f.Get(n)
		if len(b) != 0 || cap(b) < n {
			t.Fatalf("%d: got %d of %d", n, len(b), cap(b))
		}
		b = append(b, 1)
		f.Put(b)
		if again := f.Get(n); n <= 144<<10 && (len(again) != 0 || &again[:1][0] != &b[0]) {
			t.Errorf("%d: what was given back is not lent again", n)
		}
	}
}

func TestFreeListKeepsSoMuch(t *testing.T) {
	var f FreeList
	for range 1000 {
		f.Put(make([]byte, 0, 18<<10))
		f.Put(make([]byte, 0, 1000)) // not from here
	}
	if got := len(f.free[1]); got != 256 {
		t.Errorf("got %d buffers of 18 KB kept, want 256", got)
	}
	for i, all := range f.free {
		if i != 1 && len(all) > 0 {
			t.Errorf("class %d: got %d buffers", i, len(all))
		}
	}
}
