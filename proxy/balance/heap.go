package balance

// heap orders the servers that are in it: the one that less puts before all others is at its top. It knows where each of them is, so
// that any can be moved or taken out; several heaps may share that, if no server is in two.
type heap struct {
	items []int32
	at    []int32 // by server: its place in items; out: it is in no heap
	less  func(a, b int32) bool
}

// out stands for the place of a server that is in no heap.
const out = -1

// places returns the places of n servers that are in no heap.
func places(n int) []int32 {
	at := make([]int32, n)
	for i := range at {
		at[i] = out
	}
	return at
}

// top returns the first server, -1 of an empty heap.
func (h *heap) top() int {
	if len(h.items) == 0 {
		return -1
	}
	return int(h.items[0])
}

// push puts a server in.
func (h *heap) push(server int) {
	h.at[server] = int32(len(h.items))
	h.items = append(h.items, int32(server))
	h.up(len(h.items) - 1)
}

// remove takes a server out.
func (h *heap) remove(server int) {
	i, last := int(h.at[server]), len(h.items)-1
	h.swap(i, last)
	h.items = h.items[:last]
	h.at[server] = out
	if i < last {
		h.settle(i)
	}
}

// fix puts a server where it belongs after what less goes by has changed. A server that is not in the heap stays out.
func (h *heap) fix(server int) {
	if h.at[server] != out {
		h.settle(int(h.at[server]))
	}
}

// order puts all servers where they belong.
func (h *heap) order() {
	for i := len(h.items)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap) settle(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

// down reports whether it has moved anything.
func (h *heap) down(i int) bool {
	start := i
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if right := child + 1; right < len(h.items) && h.less(h.items[right], h.items[child]) {
			child = right
		}
		if !h.less(h.items[child], h.items[i]) {
			break
		}
		h.swap(i, child)
		i = child
	}
	return i > start
}

func (h *heap) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.at[h.items[i]], h.at[h.items[j]] = int32(i), int32(j)
}
