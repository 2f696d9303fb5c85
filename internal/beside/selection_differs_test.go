package beside

func selectionDiffer() []difference {
	return []difference{
		{"no password", haproxy, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"no password", nginx, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"a wrong password", haproxy, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"a wrong password", nginx, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"nobody of that name", haproxy, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"nobody of that name", nginx, utf8Passwords, `client: www-authenticate: Basic realm="here", charset="UTF-8"`, `client: www-authenticate: Basic realm="here"`},
		{"what is no password", haproxy, utf8Passwords, `
client: www-authenticate: Basic realm="here", charset="UTF-8"
client: www-authenticate: Basic realm="here", charset="UTF-8"`, `
client: www-authenticate: Basic realm="here"
client: www-authenticate: Basic realm="here"`},
		{"what is no password", nginx, utf8Passwords, `
client: www-authenticate: Basic realm="here", charset="UTF-8"
client: www-authenticate: Basic realm="here", charset="UTF-8"`, `
client: www-authenticate: Basic realm="here"
client: www-authenticate: Basic realm="here"`},
	}
}
