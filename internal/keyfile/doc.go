// Package keyfile reads files that hold secrets, and says who else could.
//
// [Read] takes regular files alone, of a size that a secret has. [File.Private] refuses a file that others than the
// daemon may read: the error names the command that puts it right. A group may read it where it is one of the daemon's
// own, so that root can own what the daemon only reads (root:tandem, mode 0640).
//
// Files, in reading order:
//
//	read.go     Read
//	private.go  File.Private; Process: who the daemon is
package keyfile
