package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// Transform is one step between the bytes of a token and the bytes in the
// cookie's envelope (System.IdentityModel.CookieTransform). The ready ones are
// [DeflateTransform], [MachineKeyTransform], [MachineKeyEncodeTransform] and
// those of [CertificateTransforms]; implement it for a farm that has its own.
// It must be safe for concurrent use and refuse empty data.
type Transform interface {
	// Name is short, such as "deflate". Errors have it.
	Name() string
	// Authenticates reports whether Decode refuses whatever was not encoded
	// with a key of the farm, before it looks at it in any other way.
	Authenticates() bool
	// Encode appends the transformed data to dst. It must not keep or change
	// data.
	Encode(dst, data []byte) ([]byte, error)
	// Decode appends to dst what Encode was given. It must not keep or change
	// data. The error of the outermost transform does not reach the caller
	// of a codec, unless it says that keys are not available; that of an
	// inner one does.
	Decode(dst, data []byte) ([]byte, error)
}

// A keyedTransform is one of the ready transforms, which say which key opened
// the data, if one did.
type keyedTransform interface {
	Transform
	open(ctx context.Context, dst, data []byte) ([]byte, string, error)
}

// chain is a list of transforms as WIF has it: Encode runs from the first to
// the last, Decode from the last to the first.
type chain []step

// step is a transform of a chain.
type step struct {
	Transform
	keyed keyedTransform // the same one if it is ready-made, or nil
}

// defaultTransforms are those of MachineKeySessionSecurityTokenHandler, and
// of the handlers that sites with WIF 1.0 wrote for a farm.
func defaultTransforms(keys Keys, f wif.Version) ([]Transform, error) {
	var t Transform
	var err error
	if f == wif.V10 {
		t, err = MachineKeyEncodeTransform(keys)
	} else {
		t, err = MachineKeyTransform(keys)
	}
	if err != nil {
		return nil, err
	}
	return []Transform{DeflateTransform(), t}, nil
}

// newChain refuses a list whose outermost transform does not authenticate:
// nothing that is not authentic may be decompressed, decrypted or parsed.
func newChain(list []Transform) (chain, error) {
	if len(list) == 0 {
		return nil, errors.New("sessiontoken: SessionOptions.Transforms is empty; leave it nil for the default")
	}
	c := make(chain, len(list))
	for i, t := range list {
		if t == nil {
			return nil, fmt.Errorf("sessiontoken: SessionOptions.Transforms[%d] is nil", i)
		}
		c[i].Transform = t
		c[i].keyed, _ = t.(keyedTransform)
	}
	if last := list[len(list)-1]; !last.Authenticates() {
		return nil, fmt.Errorf("sessiontoken: the last of SessionOptions.Transforms, %q, does not authenticate; "+
			"anybody could make cookies for it", last.Name())
	}
	return c, nil
}

// encode runs data, which may lie in turn[1], through all steps. Each one
// writes into the buffer that the one before has not written into.
func (c chain) encode(turn *[2][]byte, data []byte) ([]byte, error) {
	for i := range c {
		buf := &turn[i&1]
		var err error
		if c[i].keyed != nil {
			data, err = c[i].Encode((*buf)[:0], data)
		} else {
			data, err = c[i].Encode(nil, data) // it might return its argument
			data = append((*buf)[:0], data...)
		}
		if err != nil {
			return nil, fmt.Errorf("sessiontoken: cannot issue: %s: %w", c[i].Name(), err)
		}
		*buf = data[:0]
	}
	return data, nil
}

// decode runs protected bytes back through all steps. The result has room
// behind it for the reader. The key is the machine key of a step, if any.
func (c chain) decode(ctx context.Context, turn *[2][]byte, data []byte, r *anatomy.Report) ([]byte, string, error) {
	var key string
	for i := len(c) - 1; i >= 0; i-- {
		buf := &turn[i&1]
		size := len(data)
		var k string
		var err error
		if c[i].keyed != nil {
			data, k, err = c[i].keyed.open(ctx, (*buf)[:0], data)
		} else {
			data, err = c[i].Decode(nil, data)
			data = append((*buf)[:0], data...)
		}
		if err != nil {
			switch {
			case errors.Is(err, seal.ErrUnavailable):
			case i == len(c)-1:
				err = ErrInvalid // not authentic: nothing may be learned
			default:
				err = transformError(c[i].Name(), err)
			}
			return nil, "", r.Refuse(c[i].Name(), size, err)
		}
		noteKey(r, c[i].Name(), size, k)
		if k != "" {
			key = k
		}
		if i == 0 {
			data = slices.Grow(data, wif.Room)
		}
		*buf = data[:0]
	}
	if len(data) > maxToken {
		return nil, "", r.Refuse(c[0].Name(), len(data), &FormatError{Layer: "payload", Offset: maxToken, Err: flate.ErrTooLarge})
	}
	return data, key, nil
}

// transformError gives an error of an inner transform its place.
func transformError(layer string, err error) error {
	var at *FormatError
	if errors.As(err, &at) {
		return err
	}
	return &FormatError{Layer: layer, Offset: -1, Err: err}
}

// errEmpty is the error of a transform without data (.NET: ID6044, ID6045).
var errEmpty = errors.New("sessiontoken: nothing to transform")

// deflateTransform is raw RFC 1951.
type deflateTransform struct{}

// DeflateTransform compresses with raw DEFLATE and inflates at most 1 MiB
// (DeflateCookieTransform).
func DeflateTransform() Transform { return deflateTransform{} }

func (deflateTransform) Name() string { return layerDeflate }

func (deflateTransform) Authenticates() bool { return false }

func (deflateTransform) Encode(dst, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return dst, errEmpty
	}
	return flate.Deflate(dst, data), nil
}

func (d deflateTransform) Decode(dst, data []byte) ([]byte, error) {
	dst, _, err := d.open(context.Background(), dst, data)
	return dst, err
}

func (deflateTransform) open(_ context.Context, dst, data []byte) ([]byte, string, error) {
	out, err := flate.Inflate(dst, data, maxToken)
	if err != nil {
		return dst, "", deflateError(err)
	}
	return out, "", nil
}
