package exchange

import "strconv"

// Page is an error page of the configuration.
type Page struct {
	ContentType string
	Body        string
}

// Pages are error pages by status; nil: the balancer's own.
type Pages map[int]Page

// Monitor answers questions about the balancer's own health, before all rules and unlogged.
type Monitor struct {
	Path  string
	Fails func() bool // whether a backend has too few servers; nil: never. It is called by loops
}

// answer says how the balancer itself is.
func (m *Monitor) answer() Reply {
	r := Reply{Status: 200, ContentType: "text/plain", Body: "healthy\n", NoCache: true}
	if m.Fails != nil && m.Fails() {
		r.Status, r.Body = 503, "unhealthy\n"
	}
	return r
}

// errorPage returns the page for a status: the backend's, the frontend's, or the balancer's own.
func (x *Exchange) errorPage(status int) Reply {
	if x.backend != nil {
		if _, ok := x.backend.Pages[status]; ok {
			return x.backend.Pages.reply(status)
		}
	}
	return x.frontend.Pages.reply(status)
}

// reply returns the page for a status, the balancer's own where there is no other.
func (p Pages) reply(status int) Reply {
	r := errorReply(status)
	if page, ok := p[status]; ok {
		r.ContentType, r.Body = page.ContentType, page.Body
	}
	return r
}

// errorReply returns the balancer's own page for a status. After what is no request nothing on the connection can be trusted.
func errorReply(status int) Reply {
	title, sentence := page(status)
	closes := false
	switch status {
	case 400, 408, 413, 414, 417, 431, 501, 505:
		closes = true
	}
	return Reply{
		Status:      status,
		ContentType: "text/html",
		Body:        "<html><body><h1>" + strconv.Itoa(status) + " " + title + "</h1>\n<p>" + sentence + "</p></body></html>\n",
		NoCache:     true,
		Close:       closes,
	}
}

// page returns title and explanation of an error page.
func page(status int) (title, sentence string) {
	switch status {
	case 400:
		return "Bad Request", "The request is malformed or ambiguous."
	case 401:
		return "Unauthorized", "This page needs a user name and a password."
	case 403:
		return "Forbidden", "This page is not for everybody."
	case 404:
		return "Not Found", "There is nothing here."
	case 405:
		return "Method Not Allowed", "The request method is not for this page."
	case 408:
		return "Request Timeout", "The request did not arrive in time."
	case 410:
		return "Gone", "This page is not here any more."
	case 413:
		return "Content Too Large", "The request body is larger than this site accepts."
	case 414:
		return "URI Too Long", "The address is longer than this site accepts."
	case 417:
		return "Expectation Failed", "The request expects what this site does not offer."
	case 421:
		return "Misdirected Request", "This site does not answer for that name."
	case 429:
		return "Too Many Requests", "Too many requests came from there."
	case 431:
		return "Request Header Fields Too Large", "The request head is larger than this site accepts."
	case 501:
		return "Not Implemented", "The request method or encoding is not supported here."
	case 502:
		return "Bad Gateway", "The server behind this site gave no valid response."
	case 503:
		return "Service Unavailable", "No server can handle the request at the moment."
	case 504:
		return "Gateway Timeout", "The server behind this site did not respond in time."
	case 505:
		return "HTTP Version Not Supported", "The protocol version is not supported here."
	}
	return "Error", "The request cannot be handled."
}
