package edit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Variable is something that is known of a request.
type Variable uint8

// The variables.
const (
	ClientIP   Variable = iota + 1 // the client's address, behind trusted proxies the one that they tell
	ClientPort                     // of the connection
	Scheme                         // http or https
	Host                           // in lower case, without port
	Authority                      // host and port as the request names them
	Method                         //
	Path                           // canonical, as the client asked for it
	Query                          // without its question mark
	RequestID                      // empty where none is made
	TLSVersion                     // such as TLSv1.3; empty without TLS
	SNI                            // the name of the TLS handshake; empty: none
	Header                         // a field of the request, the first of its name
	Cookie                         // a cookie of the request
	Frontend                       // its name
	Backend                        // its name; empty: none was chosen
	Server                         // its name; empty: none was asked
	Status                         // of the response
	Map                            // what a map has for the request
)

// words are the variables as templates name them.
var words = [...]string{
	ClientIP: "client_ip", ClientPort: "client_port", Scheme: "scheme", Host: "host", Authority: "authority", Method: "method", Path: "path",
	Query: "query", RequestID: "request_id", TLSVersion: "tls_version", SNI: "sni", Header: "header", Cookie: "cookie", Frontend: "frontend",
	Backend: "backend", Server: "server", Status: "status", Map: "map",
}

// Stage says when a template is filled in: not everything is known at all times.
type Stage uint8

// The stages.
const (
	Request  Stage = iota // when the request is routed and its head is written
	Response              // when the head of the response is written: the fields of the request are gone
)

// known reports whether a variable is at a stage.
func (v Variable) known(at Stage) bool {
	switch v {
	case Header, Cookie:
		return at == Request
	case Server, Status:
		return at == Response
	}
	return true
}

// named reports whether there are many of a variable, each with a name.
func (v Variable) named() bool { return v == Header || v == Cookie || v == Map }

// Facts knows what variables stand for.
type Facts interface {
	// AppendFact appends what a variable stands for; name is that of Header, in lower case, of Cookie and of Map. What is not known is empty.
	AppendFact(dst []byte, v Variable, name string) []byte
}

// parseVariable reads what stands between braces.
func parseVariable(text string, at Stage) (part, error) {
	word, name, named := strings.Cut(text, ":")
	v := Variable(max(slices.Index(words[:], word), 0))
	switch {
	case v == 0 || word == "":
		return part{}, fmt.Errorf("no variable {%s}, want one of %s, or {{ for a brace", text, strings.Join(words[1:], ", "))
	case v.named() != named:
		return part{}, fmt.Errorf("{%s}: want %s", text, map[bool]string{true: "{" + word + "}", false: "{" + word + ":NAME}"}[named])
	case named && !http1.IsToken(name):
		return part{}, fmt.Errorf("{%s}: %q is no name", text, name)
	case !v.known(at):
		return part{}, fmt.Errorf("{%s} is known of %s only", text, map[Stage]string{Request: "responses", Response: "requests"}[at])
	}
	if v == Header {
		name = strings.ToLower(name)
	}
	return part{variable: v, name: name}, nil
}
