// Package stdhttp moves bytes between clients, exchanges and servers with net/http. It is the first engine, there to be
// replaced by proxy/engine and deleted: it decides nothing, and knows no configuration, gates or sockets. net/http answers
// malformed requests by itself, re-cases and sorts header fields, closes without a 408 where a head is late, and counts
// no bytes of heads: such requests leave no record.
//
// Files, in reading order: engine.go (connections), hop.go (a request: events and actions), message.go (heads, bodies).
package stdhttp
