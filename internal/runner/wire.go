package runner

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxCall bounds a request and a reply, in octets of JSON: a table of thousands of commands fits.
const maxCall = 4 << 20

// request is what a call asks for: a table, or a run.
type request struct {
	Table *[]Command `json:"table,omitempty"` // the new table
	ID    string     `json:"id,omitempty"`    // the command to run
	Args  []string   `json:"args,omitempty"`  // after the command's own
	Env   []string   `json:"env,omitempty"`   // KEY=VALUE, besides the minimal environment
}

// reply is one or the other.
type reply struct {
	Problems []string `json:"problems,omitempty"` // why the table or the run was refused; none: it was not
	Empty    bool     `json:"empty,omitempty"`    // the worker had no table yet, and so started no run
	Result   Result   `json:"result"`
}

func send(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if len(text) > maxCall {
		return fmt.Errorf("%d octets, at most %d are possible", len(text), maxCall)
	}
	_, err = w.Write(text)
	return err
}

func receive(r io.Reader, v any) error {
	d := json.NewDecoder(io.LimitReader(r, maxCall))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
