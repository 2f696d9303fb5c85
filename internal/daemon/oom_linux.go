package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// oomScore is this process's standing with the out-of-memory killer: -1000 is never killed, 0 is the usual, 1000 the first.
const oomScore = "/proc/self/oom_score_adj"

// exposeToOOM gives up the protection that the unit starts the service with. It is the keeper's: the daemon is what grows
// in memory, and the keeper cleans up after it. A keeper that is started again may take the protection back, for the
// kernel remembers the least score that a privileged process has set.
func exposeToOOM() error {
	text, err := os.ReadFile(oomScore)
	if err != nil {
		return fmt.Errorf("read the out-of-memory score: %w", err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read the out-of-memory score: %w", err)
	}
	if score >= 0 {
		return nil
	}
	if err := os.WriteFile(oomScore, []byte("0"), 0); err != nil {
		return fmt.Errorf("raise the out-of-memory score: %w", err)
	}
	return nil
}
