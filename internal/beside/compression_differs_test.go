package beside

func compressionDiffer() []difference {
	return []difference{
		{"for who takes anything", nginx, anyCoding, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client| unpacked "all work and no play" and so on, 2000 octets`, `
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`},
		{"for who takes nothing", haproxy, varyForAll, `
client: vary: Accept-Encoding
client: vary: Accept-Encoding`, ""},
		{"for who refuses it", haproxy, refusedCoding, `
client: vary: Accept-Encoding
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client| unpacked "all work and no play" and so on, 2000 octets`},
		{"a small page", haproxy, leastSize, `
client: content-length: 1000
client| "all work and no play" and so on, 1000 octets`, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client: vary: Accept-Encoding
client| unpacked "all work and no play" and so on, 1000 octets`},
		{"a head alone", nginx, headAsItCame, `client: content-length: 2000`, `
client: content-encoding: gzip
client: vary: Accept-Encoding
client| unpacked "EOF"`},
		{"an error of the server", haproxy, anyStatus, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client: vary: Accept-Encoding
client| unpacked "all work and no play" and so on, 2000 octets`, `
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`},
		{"a failure of the server", haproxy, anyStatus, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client: vary: Accept-Encoding
client| unpacked "all work and no play" and so on, 2000 octets`, `
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`},
		{"a failure of the server", nginx, anyStatus, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client: vary: Accept-Encoding
client| unpacked "all work and no play" and so on, 2000 octets`, `
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`},
		{"what must not be changed", nginx, noTransform, `
client: content-length: 2000
client| "all work and no play" and so on, 2000 octets`, `
client: content-encoding: gzip
client: transfer-encoding: chunked
client: vary: Accept-Encoding
client| unpacked "all work and no play" and so on, 2000 octets`},
		{"Vary of the server", nginx, orderOfVary, `client: vary: Cookie`, `client: vary: Cookie`},
		{"Accept-Ranges of the server", haproxy, noRangesInGzip, "", `client: accept-ranges: bytes`},
	}
}
