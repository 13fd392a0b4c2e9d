package site

import (
	"fmt"
	"strings"
)

// Decision is one thing that was found out about a site, for logs.
type Decision struct {
	// What is the subject: key ring, mode, key, machine key, older key, next key,
	// FedAuth, FedAuth cookie, Forms, Forms cookie, Katana, Katana cookie, Core,
	// Core cookie, Bearer, SQSession, httpCookies or warning.
	What string `json:"what"`
	// Accepted reports whether the guard accepts this kind of credential, nil
	// for what is no credential. The first accepted one is source 0 in the
	// guard's log, and so on.
	Accepted *bool `json:"accepted,omitempty"`
	// Line is the 1-based line of the element that decided, 0 for a default or
	// an option.
	Line int `json:"line,omitempty"`
	// Why is one sentence, without any key.
	Why string `json:"why"`
}

func (d Decision) text() string {
	if d.Line == 0 {
		return d.Why
	}
	return fmt.Sprintf("%s (line %d)", d.Why, d.Line)
}

// String returns the decision as one line.
func (d Decision) String() string { return d.What + ": " + d.text() }

// Decisions is what a file and the options decided.
type Decisions []Decision

// String returns one line for each decision, in two columns.
func (list Decisions) String() string {
	width := 0
	for _, d := range list {
		width = max(width, len(d.What))
	}
	var b strings.Builder
	for i, d := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%-*s  %s", width, d.What, d.text())
	}
	return b.String()
}
