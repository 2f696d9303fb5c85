package beside

func bodiesDiffer() []difference {
	return []difference{
		{"held, in chunks", nginx, lengthOfChunks, `s1: transfer-encoding: chunked`, `s1: content-length: 3`},
	}
}
