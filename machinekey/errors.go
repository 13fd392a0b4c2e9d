package machinekey

import (
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/seal"
)

// ErrUnprotect is the only error that the bytes given to Unprotect can cause:
// too short, not authentic, protected with another key or purpose, or badly
// padded. It has no detail, so that nothing can be learned from it.
var ErrUnprotect = fmt.Errorf("machinekey: %w", seal.ErrUnprotect)

// ConfigError reports a <machineKey>, a web.config or a list of known keys that
// cannot be used. It names what to change and never contains key bytes.
type ConfigError struct {
	// Code is stable and fit for a program, for example
	// "invalid_decryption_key" or "auto_generated_key".
	Code string
	// Section is the path of the configuration section, such as
	// "system.web/machineKey", and may be empty.
	Section string
	// Attribute is the attribute at fault, and may be empty.
	Attribute string
	// File is the configSource that Line counts in, empty for the file itself.
	File string
	// Line is the 1-based line of the element in the file, 0 if unknown.
	Line int
	// Found is the offending value; for keys, its length in words.
	Found string
	// Want says what is legal or what to do instead.
	Want string
	// Err is the underlying error, if any.
	Err error
}

// Error describes the fault in one line.
func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("machinekey: ")
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Section != "" {
		b.WriteString(e.Section)
		if e.Attribute != "" {
			b.WriteString("/@" + e.Attribute)
		}
		b.WriteString(": ")
	} else if e.Attribute != "" {
		b.WriteString(e.Attribute + ": ")
	}
	b.WriteString(strings.ReplaceAll(e.Code, "_", " "))
	found := e.Found
	if e.File != "" { // Line counts there
		found = strings.TrimPrefix(found+", in "+e.File, ", ")
	}
	if found != "" {
		b.WriteString(": found " + found)
	}
	if e.Want != "" {
		b.WriteString("; want " + e.Want)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the underlying error.
func (e *ConfigError) Unwrap() error { return e.Err }
