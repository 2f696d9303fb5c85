// Package auth knows who may come in by basic authentication (RFC 7617).
//
// A file has the users, each with a bcrypt hash, as Apache's htpasswd -B writes it. To verify a password takes long on purpose, so it is
// done once: [Users.Known] remembers what has been verified, by a hash with a key that no one knows, and answers at once. Only what it does
// not know is for [Users.Verify], which must not be called where others wait.
//
// Files, in reading order:
//
//	file.go   Load: the file
//	users.go  Users
package auth
