// Package h2spectest holds a server to h2spec (https://github.com/summerwind/h2spec), the conformance tests of HTTP/2 and HPACK,
// of the version that tools.mod pins. Tests alone use it.
package h2spectest
