package proxy

import "golang.org/x/sys/unix"

// spareDescriptors are for what is no connection: listeners, pipes, checks, logs.
const spareDescriptors = 1024

// affordable is how many clients can be served with the descriptors that the process may have, two for each; all of want where
// that is enough, or nobody knows.
func affordable(want int) int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur == unix.RLIM_INFINITY {
		return want
	}
	return fits(want, limit.Cur)
}

// fits is affordable with files descriptors.
func fits(want int, files uint64) int {
	most := (int(min(files, 1<<40)) - spareDescriptors) / 2
	if most < spareDescriptors/2 { // too few to set so many aside
		most = int(files) / 4
	}
	if want == 0 {
		return 0
	}
	return max(min(want, most), 1)
}
