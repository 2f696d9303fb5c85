// Package stdhttp moves bytes between clients, exchanges and servers with net/http: the first engine, to be replaced by
// proxy/engine. It decides nothing. net/http answers malformed requests by itself, re-cases and sorts fields, closes
// without a 408 where a head is late, and counts no heads. engine.go has connections, hop.go a request on its way.
package stdhttp
