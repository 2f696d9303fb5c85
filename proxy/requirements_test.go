package proxy_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/tandem-lb/tandem/proxy/proxytest"
)

// The requirements that cases of the suite stand for, each by its name.

func TestR11_ConnectTimeout(t *testing.T)               { proxytest.Requirement(t, start, 11) }
func TestR12_ServerTimeout(t *testing.T)                { proxytest.Requirement(t, start, 12) }
func TestR13_ClientTimeout(t *testing.T)                { proxytest.Requirement(t, start, 13) }
func TestR14_QueueTimeout(t *testing.T)                 { proxytest.Requirement(t, start, 14) }
func TestR16_ErrorPages(t *testing.T)                   { proxytest.Requirement(t, start, 16) }
func TestR17_Routing(t *testing.T)                      { proxytest.Requirement(t, start, 17) }
func TestR18_CertificatesByName(t *testing.T)           { proxytest.Requirement(t, start, 18) }
func TestR19_Redirects(t *testing.T)                    { proxytest.Requirement(t, start, 19) }
func TestR20_Headers(t *testing.T)                      { proxytest.Requirement(t, start, 20) }
func TestR21_Modes(t *testing.T)                        { proxytest.Requirement(t, start, 21) }
func TestR22_RoundRobin(t *testing.T)                   { proxytest.Requirement(t, start, 22) }
func TestR23_Weights(t *testing.T)                      { proxytest.Requirement(t, start, 23) }
func TestR25_Hashes(t *testing.T)                       { proxytest.Requirement(t, start, 25) }
func TestR26_LeastTime(t *testing.T)                    { proxytest.Requirement(t, start, 26) }
func TestR29_ChecksMoveTraffic(t *testing.T)            { proxytest.Requirement(t, start, 29) }
func TestR35_DownGetsNothing(t *testing.T)              { proxytest.Requirement(t, start, 35) }
func TestR37_PassiveChecks(t *testing.T)                { proxytest.Requirement(t, start, 37) }
func TestR38_RetriesOfRequests(t *testing.T)            { proxytest.Requirement(t, start, 38) }
func TestR40_Retries(t *testing.T)                      { proxytest.Requirement(t, start, 40) }
func TestR41_OtherServers(t *testing.T)                 { proxytest.Requirement(t, start, 41) }
func TestR42_OneOfTwoIsDead(t *testing.T)               { proxytest.Requirement(t, start, 42) }
func TestR43_Queues(t *testing.T)                       { proxytest.Requirement(t, start, 43) }
func TestR44_OwnAnswers(t *testing.T)                   { proxytest.Requirement(t, start, 44) }
func TestR45_Forwarded(t *testing.T)                    { proxytest.Requirement(t, start, 45) }
func TestR46_TimeoutsAre503And504(t *testing.T)         { proxytest.Requirement(t, start, 46) }
func TestR47_HostRouting(t *testing.T)                  { proxytest.Requirement(t, start, 47) }
func TestR49_Reloads(t *testing.T)                      { proxytest.Requirement(t, start, 49) }
func TestR51_CookieIsInserted(t *testing.T)             { proxytest.Requirement(t, start, 51) }
func TestR52_CookieIsKept(t *testing.T)                 { proxytest.Requirement(t, start, 52) }
func TestR53_ServersDoNotSeeIt(t *testing.T)            { proxytest.Requirement(t, start, 53) }
func TestR54_CookieOfTheServer(t *testing.T)            { proxytest.Requirement(t, start, 54) }
func TestR55_CookieAndCaches(t *testing.T)              { proxytest.Requirement(t, start, 55) }
func TestR56_ServerWithoutACookie(t *testing.T)         { proxytest.Requirement(t, start, 56) }
func TestR57_DrainAndDown(t *testing.T)                 { proxytest.Requirement(t, start, 57) }
func TestR58_CookieOnBothNodes(t *testing.T)            { proxytest.Requirement(t, start, 58) }
func TestR65_CertificatesFollowTheirFiles(t *testing.T) { proxytest.Requirement(t, start, 65) }
func TestR66_SessionsAreCut(t *testing.T)               { proxytest.Requirement(t, start, 66) }
func TestR69_BoundBeforeTheAddress(t *testing.T)        { proxytest.Requirement(t, start, 69) }

// Every case is run: those that stand for a requirement by a test of this file.
func TestRequirementsOfTheSuite(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("requirements_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tested []int
	for _, m := range regexp.MustCompile(`(?m)^func TestR(\d+)_\w+\(t \*testing\.T\) +\{ proxytest\.Requirement\(t, start, (\d+)\) \}$`).FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || string(m[1]) != string(m[2]) {
			t.Errorf("%s: another number than its name", m[0])
		}
		tested = append(tested, n)
	}
	slices.Sort(tested)
	if want := proxytest.Requirements(); !slices.Equal(tested, want) {
		t.Errorf("tested are %v, and the suite has %v", tested, want)
	}
}
