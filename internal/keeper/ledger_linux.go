package keeper

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ledgerSlots is how many beats one keeper can have: 255 VRIDs of each family on each of several networks are one page.
const (
	ledgerSlots = 512
	ledgerSize  = ledgerSlots * 8
)

// ledger is memory that both processes share, in which the keeper notes when it last sent each beat, by CLOCK_BOOTTIME.
// A daemon that has slept looks there before it says a word: asking would mean to wait. It outlives the keeper that
// writes it. It is never unmapped, so it may be read until the process ends.
type ledger struct{ slots []atomic.Int64 }

// makeLedger makes an empty one and the file to pass on, which the caller closes.
func makeLedger() (ledger, *os.File, error) {
	fd, err := unix.MemfdCreate("tandem-ledger", unix.MFD_CLOEXEC)
	if err != nil {
		return ledger{}, nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "ledger")
	if err := file.Truncate(ledgerSize); err != nil {
		_ = file.Close() // nothing was written
		return ledger{}, nil, fmt.Errorf("size the ledger: %w", err)
	}
	l, err := openLedger(fd)
	if err != nil {
		_ = file.Close() // as above
		return ledger{}, nil, err
	}
	return l, file, nil
}

// openLedger maps the ledger of a descriptor.
func openLedger(fd int) (ledger, error) {
	mem, err := unix.Mmap(fd, 0, ledgerSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return ledger{}, fmt.Errorf("map the ledger: %w", err)
	}
	return ledger{unsafe.Slice((*atomic.Int64)(unsafe.Pointer(unsafe.SliceData(mem))), ledgerSlots)}, nil
}

func (l ledger) note(slot int, at time.Duration) { l.slots[slot].Store(int64(at)) }
func (l ledger) spoke(slot int) time.Duration    { return time.Duration(l.slots[slot].Load()) }
