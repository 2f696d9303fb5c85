package http2

import (
	"bytes"
	"encoding/binary"
)

// table is what a peer has in its table of fields, as far as it is of use: the newest of those that were sent for it to keep (RFC
// 7541 section 2.3.2). Fields that are seen for the second time are, so that those of one response alone throw nothing out.
type table struct {
	entries [tableEntries]entry // number n at n % tableEntries
	oldest  int                 // the number of the oldest one that is kept
	next    int                 // that of the next one
	size    int                 // of those between, in octets as RFC 7541 section 4.1 counts
	at      [tableSlots]uint8   // where in entries a hash may be
	seen    [tableSlots]uint32  // hashes of fields that came once
}

// entry is a field, its name as it came from the server.
type entry struct {
	hash uint64
	name int    // its length
	text []byte // name and value
}

const (
	// tableEntries is more than servers send of fields that repeat, and few enough to be kept for every connection.
	tableEntries = 32
	tableSlots   = 64

	// longestKept is the length of the largest field that is kept, in octets. Longer ones are policies, which belong to pages,
	// and a few of them would fill the table.
	longestKept = 512

	// staticEntries is the number of entries of the static table (RFC 7541 appendix A), with which the other begins.
	staticEntries = 61
)

// find returns the index of a field; 0: the table does not have it.
func (t *table) find(hash uint64, name, value []byte) int {
	slot := int(t.at[hash%tableSlots])
	e := &t.entries[slot]
	if e.hash != hash || !bytes.Equal(e.text[:e.name], name) || !bytes.Equal(e.text[e.name:], value) {
		return 0
	}
	age := (t.next - 1 - slot + tableEntries) % tableEntries
	if t.next-age <= t.oldest {
		return 0
	}
	return staticEntries + 1 + age
}

// repeats notes a field, and reports whether it has come before, lately.
func (t *table) repeats(hash uint64) bool {
	last := &t.seen[hash>>8%tableSlots]
	if *last == uint32(hash>>32) {
		return true
	}
	*last = uint32(hash >> 32)
	return false
}

// add keeps a field where the table of limit octets has room for it, as the peer then has to do.
func (t *table) add(hash uint64, name, value []byte, limit int) bool {
	size := fieldSize(name, value)
	if size > limit {
		return false
	}
	for t.size+size > limit || t.next-t.oldest == tableEntries {
		e := &t.entries[t.oldest%tableEntries]
		t.size -= len(e.text) + fieldOverhead
		t.oldest++
	}
	slot := t.next % tableEntries
	e := &t.entries[slot]
	e.hash, e.name, e.text = hash, len(name), append(append(e.text[:0], name...), value...)
	t.at[hash%tableSlots] = uint8(slot)
	t.size += size
	t.next++
	return true
}

// clear forgets all fields.
func (t *table) clear() { t.oldest, t.size = t.next, 0 }

// fieldOverhead is what each field counts for besides its octets (RFC 7541 section 4.1).
const fieldOverhead = 32

func fieldSize(name, value []byte) int { return len(name) + len(value) + fieldOverhead }

// hashOf tells fields apart, well enough where all that depends on it is whether an octet or forty are sent.
func hashOf(name, value []byte) uint64 { return mix(mix(uint64(len(name)), name), value) }

func mix(h uint64, b []byte) uint64 {
	const k = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, which spreads bits well
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * k
		h ^= h >> 32
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * k
	}
	return h ^ h>>32
}
