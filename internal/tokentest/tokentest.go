// Package tokentest gives tests the token document, the innermost layer of a
// session cookie, which package sessiontoken keeps to itself.
package tokentest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Marshal returns the document of a token, as a codec writes it.
func Marshal(f wif.Version, t *sessiontoken.Token) ([]byte, error) {
	// The payload is what the only transform, or the store, is given.
	var s seen
	ring, err := newRing()
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{
		WIF10: f == wif.V10, Transforms: []sessiontoken.Protector{&s}, Store: &s})
	if err != nil {
		return nil, err
	}
	if _, err := codec.Encode(context.Background(), t); err != nil {
		return nil, err
	}
	if t.ReferenceMode {
		protector, err := ring.Protector(machinekey.UserPurpose, "PassiveSessionTokenCache")
		if err != nil {
			return nil, err
		}
		if s.data, _, err = protector.Unprotect(context.Background(), nil, s.data); err != nil {
			return nil, err
		}
	}
	return wif.ParsePayload(s.data, f)
}

// Unmarshal reads a document as a codec does, and leaves out the checks of ids,
// identities, clock and endpoint.
func Unmarshal(f wif.Version, doc []byte) (*sessiontoken.Token, error) {
	codec, err := sessiontoken.NewSessionCodec(nil, &sessiontoken.SessionOptions{
		WIF10: f == wif.V10, Transforms: []sessiontoken.Protector{new(seen)}})
	if err != nil {
		return nil, err
	}
	head := wif.Head[string]{ID: "_", ContextID: "_"}
	envelope, err := wif.AppendEnvelope(nil, &head, wif.AppendPayload(nil, doc, f), false)
	if err != nil {
		return nil, err
	}
	report := anatomy.Of(context.Background(), codec.Decode, string(wif.AppendText(nil, envelope)))
	if t, ok := report.Content.(*sessiontoken.Token); ok {
		return t, nil
	}
	if report.Err == nil {
		return nil, fmt.Errorf("tokentest: %T instead of a token", report.Content)
	}
	return nil, report.Err
}

// seen is a transform that changes nothing, and a store, and keeps what it was
// given last.
type seen struct{ data []byte }

func (s *seen) Protect(dst, data []byte) ([]byte, error) {
	s.data = append([]byte(nil), data...)
	return append(dst, data...), nil
}

// Unprotect takes whatever it is given for authentic: it is for tests only.
func (*seen) Unprotect(_ context.Context, dst, data []byte) ([]byte, string, error) {
	return append(dst, data...), "", nil
}

func (*seen) Get(context.Context, string) ([]byte, time.Time, error) {
	return nil, time.Time{}, sessiontoken.ErrNotInStore
}

func (s *seen) Put(_ context.Context, _ string, data []byte, _ time.Time) error {
	s.data = data
	return nil
}

func (*seen) Delete(context.Context, string) error {
	return errors.New("tokentest: nothing is deleted")
}

// newRing returns a ring with a burnt key.
func newRing() (*machinekey.Ring, error) {
	key, err := machinekey.New(machinekey.Config{
		ValidationKey: secret.New(make([]byte, 64)), DecryptionKey: secret.New(make([]byte, 32)),
		Validation: machinekey.HMACSHA256, Decryption: machinekey.AES, AllowWeakKey: true,
		AllowKnownKey: true})
	if err != nil {
		return nil, err
	}
	return machinekey.NewRing(key)
}
