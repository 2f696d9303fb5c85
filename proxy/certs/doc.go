// Package certs loads the certificates of a TLS bind and chooses one for each handshake.
//
// A certificate comes as a PEM bundle, "cat fullchain.pem privkey.pem": the certificate, its chain and its key in one
// file. What people have in such files is often not quite that: "cat live/example.com/*.pem" holds the certificate and
// its chain twice over. [Load] puts a bundle right (leaf first, intermediates in order, nothing twice, no root) and says
// what it did in [Store.Warnings]; what it cannot put right is an error that names the file, all files' at once.
//
// Files, in reading order:
//
//	load.go     Load: files and directories, permissions
//	bundle.go   PEM blocks to leaf, chain and key; pure, fuzzed
//	store.go    Store: the choice by SNI and by what the client supports
//	config.go   TLSConfig: versions, cipher suites, ALPN
package certs
