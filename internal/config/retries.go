package config

import (
	"fmt"
	"slices"

	"github.com/tandem-lb/tandem/proxy"
)

// What a request may be sent again for, beside statuses.
const (
	emptyResponse   = "empty_response"
	junkResponse    = "junk_response"
	responseTimeout = "response_timeout"
)

type rawRetryBudget struct {
	Percent      int `yaml:"percent"`
	MinPerSecond int `yaml:"min_per_second"`
}

// retryKeys are those of retries after a request was sent.
func retryKeys(in string) []Key {
	const failures = emptyResponse + "|" + junkResponse + "|" + responseTimeout
	return []Key{
		{Path: in + ".retry_on", Type: list(1, 64), Others: "retry-on proxy_next_upstream", Absent: "nothing but failed connections", Example: "[empty_response, 502-504]", Reload: ReloadNew,
			Help: "What else a request is sent to another server for, `retries` times at most: if its method is GET, HEAD, OPTIONS, PUT or DELETE, and all that was sent of it is held, up to 16 KiB (HTTP/1: of a body whose length is told)."},
		{Path: in + ".retry_on[]", Type: pattern("failure or status", emptyResponse+", "+junkResponse+", "+responseTimeout+", 200 to 599, or such as 502-504", 16, "^("+failures+"|[2-5][0-9][0-9](-[2-5][0-9][0-9])?)$"), Example: "503", Reload: ReloadNew,
			Help: "`empty_response`: the server closes or resets before the head of its response is complete. `junk_response`: it sends no HTTP. `response_timeout`: it is silent for `timeouts.server`. A number, or the first and the last of several: it answers with that."},
		{Path: in + ".retry_budget", Type: section(), Default: "{}", Example: "{percent: 10, min_per_second: 5}", Reload: ReloadNew, Help: "How many requests `retry_on` may have sent again, so that servers which fail because they have too much to do are not given more."},
		{Path: in + ".retry_budget.percent", Type: integer(0, 100), Default: "20", Example: "10", Reload: ReloadNew, Help: "Share of the backend's requests of the last 10 s."},
		{Path: in + ".retry_budget.min_per_second", Type: integer(0, 1_000_000), Default: "10", Example: "5", Reload: ReloadNew, Help: "As many are sent again in any case."},
	}
}

// repeat returns what requests are sent again for; nil: nothing.
func (raw *rawBackend) repeat() *proxy.Repeat {
	if len(raw.RetryOn) == 0 {
		return nil
	}
	has := func(word string) bool { return slices.Contains(raw.RetryOn, word) }
	return &proxy.Repeat{
		Empty: has(emptyResponse), Junk: has(junkResponse), Timeout: has(responseTimeout), Statuses: statuses(raw.retryStatuses()),
		Percent: raw.RetryBudget.Percent, Least: raw.RetryBudget.MinPerSecond,
	}
}

func (raw *rawBackend) retryStatuses() []string {
	return slices.DeleteFunc(slices.Clone(raw.RetryOn), func(w string) bool { return w[0] < '0' || w[0] > '9' })
}

// checkRetries reports what does not fit together in how requests are sent again.
func (b *builder) checkRetries(i int) {
	raw, path := &b.raw.Proxy.Backends[i], backendPath(i, "retry_on")
	if len(raw.RetryOn) == 0 || b.reported(path) {
		return
	}
	for j, w := range raw.RetryOn {
		if w[0] < '0' || w[0] > '9' {
			continue
		}
		if s := statuses([]string{w})[0]; s.To < s.From {
			b.errorAt(item(path, j), fmt.Sprintf("%d is below %d", s.To, s.From), "the lower one first")
		}
	}
	retries := b.raw.Proxy.Defaults.Retries
	if raw.Retries != nil {
		retries = *raw.Retries
	}
	switch {
	case raw.Mode == modeTCP:
		b.errorAt(path, "is of HTTP, which mode tcp knows nothing of", "no retry_on")
	case retries == 0:
		b.warnAt(path, "does nothing: retries is 0", "")
	}
}
