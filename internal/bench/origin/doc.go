// Package origin is the servers behind the measured proxies: responses that were made beforehand, no more
// parsing than finding the end of a request and its path. request.go reads, serve_linux.go answers.
package origin
