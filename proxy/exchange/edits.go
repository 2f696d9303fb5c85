package exchange

import "github.com/tandem-lb/tandem/proxy/edit"

// Edits are what the configuration changes in the heads of an exchange: that of the frontend, then of the backend, then of the rule.
type Edits struct {
	Request, Response *edit.List // nil: nothing
}

// Join returns edits of which each list goes on with that of the next one; nil where there are none at all.
func Join(all ...*Edits) *Edits {
	var requests, responses []*edit.List
	for _, e := range all {
		if e != nil {
			requests, responses = append(requests, e.Request), append(responses, e.Response)
		}
	}
	joined := &Edits{Request: edit.Join(requests...), Response: edit.Join(responses...)}
	if *joined == (Edits{}) {
		return nil
	}
	return joined
}

// RequestEdits returns what is changed in the request that the server gets; nil: nothing. Facts of it are known until Forget.
func (x *Exchange) RequestEdits() *edit.List {
	if x.edits == nil {
		return nil
	}
	return x.edits.Request
}

// ResponseEdits returns what is changed in the response that the client gets; nil: nothing.
func (x *Exchange) ResponseEdits() *edit.List {
	if x.edits == nil {
		return nil
	}
	return x.edits.Response
}
