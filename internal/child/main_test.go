package child

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

const (
	echoName     = "tandem-echo"  // says back what it hears; ends with its parent
	failName     = "tandem-fail"  // ends at once
	stubbornName = "tandem-stubb" // ends for nobody
)

// TestMain is the children too.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case echoName:
		os.Exit(echo())
	case failName:
		os.Exit(7)
	case stubbornName:
		select {}
	}
	goleak.VerifyTestMain(m)
}

func echo() int {
	if err := Enter(echoName, 1); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	buf := make([]byte, 100)
	for {
		n, err := unix.Read(Socket, buf)
		if n == 0 || err != nil {
			return 0
		}
		if _, err := unix.Write(Socket, buf[:n]); err != nil {
			return 2
		}
	}
}
