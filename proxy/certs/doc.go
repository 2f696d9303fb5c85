// Package certs is what TLS connections prove themselves by: the certificates of binds, chosen for each handshake and kept
// up to date with their files, the keys of session tickets, and whose certificates are asked for.
//
// A certificate comes as a PEM bundle, "cat fullchain.pem privkey.pem": the certificate, its chain and its key in one
// file; or with its key in a second file. What people have in such files is often not quite that: "cat
// live/example.com/*.pem" holds the certificate and its chain twice over. A bundle is put right (leaf first,
// intermediates in order, nothing twice, no root), and what was done is said. What cannot be put right is an error that
// names the file, all files' at once. A key that others can read is one, too.
//
// A [Keychain] holds all certificates of a process. A configuration comes in by [Keychain.Plan], which does all that can
// fail, and [Keychain.Apply]; what [Plan.Bind] returns is a tls.Config for the life of the bind, which looks each
// certificate up when a handshake asks for it. [Keychain.Run] watches the files. What changes is read again, alone and when
// it has been left in peace for a moment; a file that then holds nothing of use leaves the certificate of before in
// place, until somebody puts it right. Lists of certificates are immutable, and replaced as a whole.
//
// Session tickets are made with keys that follow from one secret and the time, so that nodes with the same secret take
// up each other's sessions, and neither a reload nor a new certificate ends one.
//
// Files, in reading order:
//
//	config.go    Config: versions, cipher suites, ALPN, and the tls.Config that they make
//	names.go     cipher suites and key exchanges by name
//	path.go      Path: files, and directories of them; whether one has changed
//	bundle.go    PEM blocks to leaf, chain and key; pure, fuzzed
//	staple.go    OCSP responses: which may be sent; pure, fuzzed
//	file.go      one certificate as its files were last seen
//	load.go      Load: all files of a list, side by side
//	store.go     Store: the choice by SNI and by what the client supports
//	expiry.go    how near a certificate is to its end; pure
//	clients.go   Clients: the authorities of client certificates
//	servers.go   Servers: TLS towards servers
//	peer.go      what servers are told of a client's certificate
//	tickets.go   keys of session tickets; pure but for reading the secret
//	keychain.go  Keychain: what is held, Status
//	plan.go      Plan and Apply
//	report.go    what is logged and counted when files have changed
//	watch.go     directories to watch, links followed
//	run.go       Run: when files are looked at
package certs
