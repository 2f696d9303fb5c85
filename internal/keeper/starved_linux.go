package keeper

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// threadsOf reads the accounts of a process's threads. One that ends meanwhile is left out, and a kernel without
// accounts (CONFIG_SCHED_INFO) has none.
func threadsOf(pid int) []thread {
	dir := fmt.Sprintf("/proc/%d/task/", pid)
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []thread
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		t := thread{id: id}
		account, err := os.ReadFile(dir + task.Name() + "/schedstat")
		if err != nil {
			continue
		}
		if _, err := fmt.Sscan(string(account), (*int64)(&t.ran), (*int64)(&t.waited), &t.turns); err != nil || t.turns == 0 {
			continue
		}
		stat, err := os.ReadFile(dir + task.Name() + "/stat")
		if err != nil {
			continue
		}
		// The state follows the name, which is in parentheses and may have any characters.
		if at := bytes.LastIndexByte(stat, ')'); at >= 0 && at+2 < len(stat) {
			t.state = stat[at+2]
		}
		all = append(all, t)
	}
	return all
}
