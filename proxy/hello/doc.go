// Package hello reads the name that a TLS client asks for out of its first message, for who passes TLS on without taking part in it. It
// is pure: it sees what has come so far, and says whether that is all it needs.
package hello
