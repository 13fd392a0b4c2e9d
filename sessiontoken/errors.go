package sessiontoken

import (
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// Sentinels for errors.Is. ErrInvalid is all that can be learned about data
// that was not authenticated; the others are facts about authentic data.
var (
	// ErrInvalid means that the value is not a credential of this farm: not
	// well formed, changed on the way, or protected with another key.
	ErrInvalid = errors.New("sessiontoken: not a valid credential")
	// ErrExpired means that ValidTo lies more than the clock skew behind.
	ErrExpired = errors.New("sessiontoken: credential has expired")
	// ErrNotYetValid means that ValidFrom lies more than the clock skew ahead.
	ErrNotYetValid = errors.New("sessiontoken: credential is not yet valid")
	// ErrEndpoint means that the token was issued for another cookie path (.NET: ID4291).
	ErrEndpoint = errors.New("sessiontoken: credential belongs to another endpoint")
	// ErrUnsupported means that the credential is of a kind that .NET may read and this
	// library does not. The text says which: one protected with the Windows DPAPI, the
	// default of WIF; an authentic token of another generation of WIF than
	// SessionOptions.WIF10 says, or of CoreWCF; and so on.
	ErrUnsupported = errors.New("sessiontoken: credential of an unsupported kind")
	// ErrNotInStore means that a reference token's entry is not in the store.
	ErrNotInStore = errors.New("sessiontoken: not in the store")
)

var (
	errDPAPI       = fmt.Errorf("%w: %w", ErrUnsupported, layer.ErrDPAPI)
	errTextTooLong = fmt.Errorf("%w: %w", ErrInvalid, layer.ErrTooLong)
)

// cannotIssue is the error of an Encode that refuses.
func cannotIssue(format string, args ...any) error {
	return fmt.Errorf("sessiontoken: cannot issue: "+format, args...)
}

// flateError gives an error of a compressed layer its place.
func flateError(layer string, err error) error {
	var at *flate.Error
	if !errors.As(err, &at) {
		return err
	}
	return &FormatError{Layer: layer, Offset: at.Offset, Err: at.Err}
}

// formatError makes an error of this package of one of a wire format.
func formatError(err error) error {
	var at *layer.Error
	if !errors.As(err, &at) {
		return err
	}
	return &FormatError{Layer: at.Layer, Offset: at.Offset, Err: layerCause(at.Err)}
}

// layerCause puts this package's sentinels before a cause where there is one for it.
func layerCause(err error) error {
	var unsupported layer.Unsupported
	switch {
	case errors.Is(err, wif.ErrV45):
		return fmt.Errorf("%w: %w; leave SessionOptions.WIF10 out", ErrUnsupported, err)
	case errors.Is(err, wif.ErrV10):
		return fmt.Errorf("%w: %w; set SessionOptions.WIF10", ErrUnsupported, err)
	case errors.Is(err, wif.ErrCoreWCF), errors.As(err, &unsupported):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}

// FormatError reports authentic data that does not parse, with the layer and
// the position. It wraps [ErrInvalid] or [ErrUnsupported].
type FormatError struct {
	// Layer is "deflate", "payload", "nrbf", "nbfx", "token", "forms ticket",
	// "anonymous id", "gzip", "katana", "katana properties", "core ticket", "machine key",
	// "machine key (hex)", "rsa encryption", "rsa signature", or for a
	// [Protector] of one's own what its method String says.
	Layer string
	// Offset is the byte offset inside that layer's data, -1 if unknown.
	Offset int
	// Err is the cause.
	Err error
}

// Error names the layer, the offset and the cause.
func (e *FormatError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("sessiontoken: %s: %v", e.Layer, e.Err)
	}
	return fmt.Sprintf("sessiontoken: %s at byte %d: %v", e.Layer, e.Offset, e.Err)
}

// Unwrap returns the cause, and [ErrInvalid] before it unless it is [ErrUnsupported].
func (e *FormatError) Unwrap() []error {
	if errors.Is(e.Err, ErrUnsupported) {
		return []error{e.Err}
	}
	return []error{ErrInvalid, e.Err}
}
