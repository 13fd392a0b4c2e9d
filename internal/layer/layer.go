// Package layer has the error with which the packages of wire formats refuse
// data: which layer it was, and where in it.
package layer

import (
	"errors"
	"fmt"
)

// Causes that this module tells apart. Package sessiontoken puts ErrInvalid or
// ErrUnsupported before them where it reads.
var (
	// ErrTooLong means that a credential is, or would be, longer than .NET reads.
	ErrTooLong = errors.New("longer than .NET reads")
	// ErrDPAPI means that a credential is protected with the Windows DPAPI, the
	// default of WIF, and can be read on the issuing machine only.
	ErrDPAPI = errors.New("protected with the Windows DPAPI of one machine; " +
		"make the .NET site use System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler")
)

// Error is a fault in one layer of a credential. It holds nothing of the
// data.
type Error struct {
	// Layer is a short name such as "nrbf".
	Layer string
	// Offset is the byte offset inside the layer's data, -1 if unknown.
	Offset int
	// Err is the cause.
	Err error
}

// Error names the layer, the offset and the cause.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %v", e.Layer, e.Err)
	}
	return fmt.Sprintf("%s at byte %d: %v", e.Layer, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Unsupported is the cause where .NET may read the data and this library does
// not.
type Unsupported string

// Error returns the text.
func (u Unsupported) Error() string { return string(u) }
