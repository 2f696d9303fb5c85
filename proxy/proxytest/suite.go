package proxytest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

// patience bounds everything that is expected to happen.
const patience = 10 * time.Second

// moment is how long something must not happen where nothing tells that it will not.
const moment = 100 * time.Millisecond

// Balancer is a running balancer; *proxy.Proxy has all of it but Reload.
type Balancer interface {
	Reload(t *testing.T, c proxy.Config) // plan and apply
	Gate(addr netip.Addr) *proxy.Gate
	EndConnections(addr netip.Addr) int
	Snapshot() proxy.Snapshot
}

// Start runs a balancer until the test ends.
type Start func(t *testing.T, c proxy.Config) Balancer

// Run runs the cases that stand for no requirement of their own. Those that do have Requirement.
func Run(t *testing.T, start Start) {
	for _, c := range cases() {
		if len(c.requirements()) == 0 {
			c.start(t, start)
		}
	}
}

// Requirement runs the cases that stand for a requirement, of which there have to be some.
func Requirement(t *testing.T, start Start, number int) {
	t.Parallel()
	none := true
	for _, c := range cases() {
		if slices.Contains(c.requirements(), number) {
			c.start(t, start)
			none = false
		}
	}
	if none {
		t.Errorf("no case stands for R%d", number)
	}
}

// Requirements returns the numbers of all requirements that cases stand for.
func Requirements() []int {
	var all []int
	for _, c := range cases() {
		all = append(all, c.requirements()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// testcase is a case of the suite.
type testcase struct {
	name string // begins with the requirements that it stands for
	run  func(*testing.T, Start)
}

func (c *testcase) start(t *testing.T, start Start) {
	t.Run(c.name, func(t *testing.T) {
		t.Parallel()
		c.run(t, start)
	})
}

// requirements are the numbers that a name begins with.
func (c *testcase) requirements() (all []int) {
	for word := range strings.SplitSeq(c.name, "_") {
		digits, ok := strings.CutPrefix(word, "R")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil {
			break
		}
		all = append(all, n)
	}
	return all
}

func cases() []testcase {
	return []testcase{
		{"R17_routes_by_host_and_path", routes},
		{"R17_R47_routes_by_all_that_a_request_shows", conditions},
		{"R17_routes_by_server_name", serverNames},
		{"R19_redirect", redirects},
		{"R44_respond", responds},
		{"path_and_query_arrive_as_sent", targets},
		{"ambiguous_requests_are_refused", refuses},
		{"R45_forwarded_headers", forwarded},
		{"R45_client_of_Forwarded", forwardedStandard},
		{"hop_by_hop_fields_end_here", hopByHop},
		{"R20_response_headers_on_every_response", responseHeaders},
		{"R20_headers_both_ways", edits},
		{"R20_headers_over_HTTP2", editsHTTP2},
		{"R20_headers_of_servers_alone", serversAlone},
		{"R45_rewrites", rewrites},
		{"R16_refusals_and_error_pages", denials},
		{"R44_monitor", monitors},
		{"request_ids", requestIDs},
		{"splits", splits},
		{"maps", looksUp},
		{"maps_in_variables", mapsInVariables},
		{"basic_authentication", logsIn},
		{"responses_arrive_as_sent", responsesAsSent},

		{"R16_no_server_is_503", noServer},
		{"R40_refused_everywhere_is_503_after_the_retries", refusedEverywhere},
		{"R11_R46_connect_timeout_is_503", connectTimeout},
		{"R12_R46_silent_server_is_504", silentServer},
		{"broken_servers_are_502", brokenServers},
		{"broken_bodies_abort", brokenBodies},
		{"R42_one_refusing_server_costs_no_request", oneRefuses},
		{"server_that_restarts_meanwhile_is_reached", restarts},
		{"stale_connections_cost_no_request", staleConnections},
		{"client_that_leaves_ends_the_server's_work", clientLeaves},
		{"R13_silent_client_is_408", silentClient},
		{"client_that_waits_is_not_silent", slowServer},
		{"server_that_waits_is_not_silent", slowClient},

		{"bodies_both_ways", bodies},
		{"chunked_with_trailers", chunked},
		{"request_body_streams", uploadStreams},
		{"response_streams", downloadStreams},
		{"early_response", earlyResponse},
		{"refused_body_goes_to_nobody", refusedBody},
		{"bodies_that_are_too_large_are_413", tooLarge},
		{"held_bodies", holds},
		{"held_bodies_are_continued", holdsAndContinues},
		{"held_bodies_that_do_not_come", holdsNothingForLong},
		{"held_bodies_go_to_the_next_server", holdsForTheNext},
		{"responses_are_read_ahead", readsAhead},
		{"responses_are_read_ahead_within_bounds", readsAheadBounded},
		{"compression", compresses},
		{"compression_for_HTTP_1.0", compressesOld},
		{"compression_holds_nothing_back", compressesStreams},
		{"compression_of_much", compressesMuch},
		{"compression_ends_with_either_side", compressesNothingMore},
		{"head_and_bodiless_statuses", bodiless},
		{"expect_100_continue", expectContinue},
		{"keep_alive", keepAlive},

		{"upgrade_echo_and_half_close", upgrade},
		{"upgrade_timeout", upgradeTimeout},
		{"upgrade_to_h2c_is_not_offered", upgradeH2C},

		{"R22_R23_shares", shares},
		{"R25_hash_by_header", hashes},
		{"R25_source", sources},
		{"R26_quick_failures_draw_no_traffic", quickFailures},
		{"R26_uploads_are_the_clients_time", uploads},
		{"R51_R52_R53_R54_cookie_inserted", cookieInserted},
		{"cookie_of_the_servers", cookieOfServers},
		{"R55_cookie_and_caches", cookieAndCaches},
		{"R56_server_without_a_cookie", cookieOfNobody},
		{"R57_cookie_drain_and_down", cookieDrainAndDown},
		{"R41_cookie_redispatch", cookieRedispatch},
		{"R58_cookie_on_both_nodes", cookieOnBothNodes},
		{"R51_cookie_of_upgrades", cookieOfUpgrades},
		{"R51_R52_R53_R54_R55_cookie_over_HTTP2", cookieHTTP2},
		{"table_of_sources", sourceTable},
		{"table_of_sources_in_TCP_mode", sourceTableTCP},
		{"table_of_sources_behind_a_proxy", sourceTold},
		{"backup_takes_over_and_gives_back", backup},
		{"backup_serves_what_all_others_refused", refusedByAll},
		{"R29_R35_health_moves_traffic", health},
		{"R37_failures_eject", failuresEject},
		{"R37_a_single_server_is_not_ejected", oneIsNotEjected},
		{"nobody_is_left_by_passive_checks", nobodyIsLeft},
		{"probes_come_before_requests", probesComeFirst},
		{"passive_checks_and_reloads", passiveReload},
		{"R66_down_cuts_connections", downCuts},
		{"HTTP2", http2Cases},
		{"several_binds", severalBinds},
		{"R18_TLS", tlsBind},
		{"R65_certificates_follow_their_files", tlsReload},
		{"client_certificates_are_told_and_not_believed", clientCertificates},
		{"TLS_to_servers", serversTLS},
		{"HTTP2_to_servers", serversHTTP2},

		{"bounds_of_clients", clientCases},
		{"R38_requests_are_sent_again", repeats},
		{"R38_the_rest_of_a_body_follows", repeatsPieces},
		{"R38_requests_are_sent_again_in_HTTP2", repeatsHTTP2},
		{"R38_retries_have_a_budget", repeatsBounded},

		{"R43_the_longest_wait_is_over_first", queueOrder},
		{"R43_loops_share_the_queue", queueLoops},
		{"R43_who_leaves_leaves_the_queue", queueAborts},
		{"R43_what_was_sent_meanwhile_arrives", queueBodies},
		{"R43_sessions_wait", queueSessions},
		{"R43_a_reload_makes_room", queueReload},
		{"R14_waiting_has_an_end", queueTimeout},
		{"R14_R43_HTTP2", h2Queues},
		{"R41_R43_a_server_that_comes_up_serves_the_queue", queueHealth},

		{"R21_R66_TCP_mode", tcpCases},
		{"PROXY_protocol", proxyProtocol},

		{"R69_binds_before_the_address_arrives", bindsEarly},
		{"gate_closed_open", gateClosedOpen},
		{"gate_closes_while_accepting", gateCloses},
		{"gate_draining", gateDraining},
		{"gates_are_apart", gatesApart},
		{"connections_end_with_their_address", endConnections},

		{"R49_reload_keeps_connections", reloadKeeps},
		{"reload_changes_routes", reloadRoutes},
		{"reload_changes_timeouts", reloadTimeouts},
		{"reload_removes_a_bind", reloadRemovesBind},
		{"reload_removes_a_bind_that_was_changed_before", reloadRemovesChangedBind},
		{"traffic_is_counted", counted},
	}
}
