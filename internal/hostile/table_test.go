package hostile

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/peers"
)

var update = flag.Bool("update", false, "measure every proxy and write the table of docs/hostile.md")

const (
	page  = "../../docs/hostile.md"
	above = "<!-- measured by make hostile -->\n"
	below = "<!-- end -->\n"
)

// corpora are the three of them.
var corpora = []struct {
	name string
	run  func(subject) tally
}{
	{"HTTP/1 requests", func(s subject) tally { return runCases(s, requests(), runRequest) }},
	{"responses of servers", func(s subject) tally { return runCases(s, replies(), runReply) }},
	{"HTTP/2 requests", func(s subject) tally { return runCases(s, streamCases(), runStream) }},
}

// TestHostileTable writes the table.
func TestHostileTable(t *testing.T) {
	if !*update {
		t.Skip("make hostile runs it")
	}
	var rows strings.Builder
	rows.WriteString("| Corpus | Proxy | Cases | Dangerous | Unclean | Lenient | Hanging | Good refused | Good altered |\n|---|---|---|---|---|---|---|---|---|\n")
	row := func(corpus, proxy string, got tally) {
		fmt.Fprintf(&rows, "| %s | %s | %d | %d | %d | %d | %d | %d | %d |\n", corpus, proxy, got.cases,
			got.of[Dangerous], got.of[Unclean], got.of[Lenient], got.of[Hanging], got.of[Refused], got.of[Altered])
	}
	pipe, translator := startPipe(t), startTranslator(t)
	tandem, haproxy, nginx := startTandem(t), startHAProxy(t), startNginx(t)
	haproxy.name, nginx.name = version(t, "HAProxy", "haproxy"), version(t, "nginx", "nginx")
	for i, corpus := range corpora {
		control := pipe
		if i == 2 {
			control = translator
		}
		for _, s := range []subject{tandem, haproxy, nginx, control} {
			got := corpus.run(s)
			t.Log(corpus.name, s.name, got)
			row(corpus.name, s.name, got)
		}
		row(corpus.name, "Tandem's codec alone", codecTally(i))
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), above)
	_, tail, more := strings.Cut(rest, below)
	if !ok || !more {
		t.Fatalf("%s does not have the lines between which the table stands", page)
	}
	if err := os.WriteFile(page, []byte(head+above+"\n"+rows.String()+"\n"+below+tail), 0o644); err != nil { //nolint:gosec // a page of the documentation
		t.Fatal(err)
	}
}

// version names a peer as it names itself.
func version(t *testing.T, name, command string) string {
	t.Helper()
	return name + " " + peers.Version(t, peers.Find(t, command))
}

// codecTally judges a corpus without sockets.
func codecTally(corpus int) tally {
	var all []finding
	switch corpus {
	case 0:
		for _, c := range requests() {
			all = append(all, finding{name: c.name, faults: judgeRequest(c, requestOutcome(c.text, 0), true)})
		}
	case 1:
		for _, c := range replies() {
			if c.then != flood {
				all = append(all, finding{name: c.name, faults: judgeReply(c, replyOutcome(c, 0), true)})
			}
		}
	case 2:
		for _, c := range streamCases() {
			all = append(all, finding{name: c.name, faults: judgeRequest(c.request(), streamOutcome(c.wire(1)), true)})
		}
	}
	return tallyOf(all)
}
