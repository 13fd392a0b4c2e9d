package testvectors_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// corePayload is data that Data Protection has protected.
type corePayload struct {
	Name, Note           string
	Ring                 string
	ApplicationName      string
	Purposes             []string
	Plaintext, Protected hexBytes
	Text                 string
	Valid                bool
	Error                string
	Stages               *coreStages

	RequiresMigration, WasRevoked bool // several_keys

	TimeLimited bool // time_limited
	Expires     *time.Time
	ExpiresRead *time.Time
	Inner       hexBytes
}

func runCorePayload(t *testing.T, f *file) {
	var content struct {
		header
		About       string
		Vectors     []corePayload
		SeveralKeys []corePayload `json:"several_keys"`
		TimeLimited []corePayload `json:"time_limited"`
		Refused     []corePayload
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors), len(content.SeveralKeys), len(content.TimeLimited),
		len(content.Refused))
	name := func(v *corePayload) string { return v.Name }
	each(t, f, content.Vectors, name, func(t *testing.T, v *corePayload) { v.both(t, f) })
	each(t, f, content.SeveralKeys, name, func(t *testing.T, v *corePayload) { v.oneOfSeveral(t) })
	each(t, f, content.TimeLimited, name, func(t *testing.T, v *corePayload) { v.limited(t) })
	each(t, f, content.Refused, name, func(t *testing.T, v *corePayload) {
		if v.Valid {
			t.Error("refused and valid")
		}
		got, id, err := v.protector(t, nil).Unprotect(context.Background(), nil, v.Protected)
		if err != dataprotection.ErrUnprotect || got != nil || id != "" {
			t.Errorf("Unprotect = %x, %q, %v, want ErrUnprotect", got, id, err)
		}
	})
}

// ring returns the ring of the vector, with recorded random bytes. It opens it
// once, as RSA takes long.
func (v *corePayload) ring(t *testing.T, random []byte) *dataprotection.Ring {
	t.Helper()
	r := coreRingOf(t, v.Ring)
	r.random.Reader = rand.Reader
	if random != nil {
		r.random.Reader = bytes.NewReader(random)
	}
	if r.opened[v.ApplicationName] == nil {
		ring, err := r.open(t, dataprotection.RingOptions{ApplicationName: v.ApplicationName,
			Rand: &r.random})
		if err != nil {
			t.Fatal(err)
		}
		if r.opened == nil {
			r.opened = map[string]*dataprotection.Ring{}
		}
		r.opened[v.ApplicationName] = ring
	}
	return r.opened[v.ApplicationName]
}

// protector returns the protector of the vector, with recorded random bytes.
func (v *corePayload) protector(t *testing.T, random []byte, more ...string) dataprotection.Protector {
	t.Helper()
	p, err := v.ring(t, random).Protector(append(v.Purposes, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// both opens the data and protects it again.
func (v *corePayload) both(t *testing.T, f *file) {
	if !v.Valid {
		t.Error("not valid; what is refused stands in another list")
	}
	p := v.protector(t, nil)
	got, id, err := p.Unprotect(context.Background(), nil, v.Protected)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "plaintext", got, v.Plaintext)
	if known, renew := v.ring(t, nil).KeyStatus(id); !known || renew {
		t.Errorf("known %v, renew %v", known, renew)
	}
	if text := base64.RawURLEncoding.EncodeToString(v.Protected); v.Text != "" && v.Text != text {
		t.Errorf("text %s, want %s", text, v.Text)
	}
	if v.Stages == nil && f.own {
		return
	}
	v.compareStages(t, id)
	random := bytes.Join([][]byte{v.Stages.KeyModifier, v.Stages.IV, v.Stages.Nonce}, nil)
	protected, err := v.protector(t, random).Protect(nil, v.Plaintext)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "protected", protected, v.Protected)
}

// compareStages compares the values on the way with a formula.
func (v *corePayload) compareStages(t *testing.T, keyID string) {
	t.Helper()
	ring := coreRingOf(t, v.Ring)
	for _, k := range ring.Keys {
		if k.ID != keyID {
			continue
		}
		a, err := k.algorithm()
		if err != nil {
			t.Fatal(err)
		}
		chain := v.Purposes
		if v.ApplicationName != "" {
			chain = append([]string{v.ApplicationName}, chain...)
		}
		iv := append(bytes.Clone(v.Stages.IV), v.Stages.Nonce...)
		if len(iv) != a.ivSize() {
			t.Fatalf("%d bytes of IV and nonce", len(iv))
		}
		got, err := a.stages(k.master(t), k.ID, chain, v.Stages.KeyModifier, iv, v.Plaintext)
		if err != nil {
			t.Fatal(err)
		}
		gotValue, wantValue := reflect.ValueOf(got), reflect.ValueOf(*v.Stages)
		for i := range gotValue.NumField() {
			sameBytes(t, gotValue.Type().Field(i).Name, gotValue.Field(i).Bytes(),
				wantValue.Field(i).Bytes())
		}
		return
	}
	t.Errorf("the ring's vector has no key %s", keyID)
}

// oneOfSeveral opens with the help of a ring of several keys, some of them
// revoked.
func (v *corePayload) oneOfSeveral(t *testing.T) {
	ctx := context.Background()
	p := v.protector(t, nil)
	got, _, err := p.Unprotect(ctx, nil, v.Protected)
	switch {
	case v.Valid && err != nil:
		t.Fatal(err)
	case v.Valid:
		sameBytes(t, "plaintext", got, v.Plaintext)
	case err != dataprotection.ErrUnprotect || got != nil:
		t.Errorf("Unprotect = %x, %v, want ErrUnprotect", got, err)
	}
	ring := v.ring(t, nil)
	dangerous, err := ring.DangerousProtector(v.Purposes...)
	if err != nil {
		t.Fatal(err)
	}
	got, id, err := dangerous.Unprotect(ctx, nil, v.Protected)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "plaintext", got, v.Plaintext)
	known, renew := ring.KeyStatus(id)
	if known == v.WasRevoked || (renew || !known) != v.RequiresMigration {
		t.Errorf("known %v, renew %v; want revoked %v, migration %v", known, renew, v.WasRevoked,
			v.RequiresMigration)
	}
}

// limited opens a payload that has an end.
func (v *corePayload) limited(t *testing.T) {
	ctx := context.Background()
	if !v.TimeLimited || v.Expires == nil {
		t.Fatal("no time-limited payload")
	}
	inner, _, err := v.protector(t, nil,
		"Microsoft.AspNetCore.DataProtection.TimeLimitedDataProtector.v1").Unprotect(t.Context(),
		nil, v.Protected)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "inner", inner, v.Inner)
	sameBytes(t, "plaintext in inner", inner[min(8, len(inner)):], v.Plaintext)
	if at := timeOfTicks(t, int64(binary.BigEndian.Uint64(inner))); !at.Equal(*v.Expires) {
		t.Errorf("inner ends at %v, want %v", at, v.Expires)
	}
	p, err := v.ring(t, nil).TimeLimited(v.Purposes...)
	if err != nil {
		t.Fatal(err)
	}
	got, expires, err := p.Unprotect(ctx, nil, v.Protected)
	if !v.Valid {
		if !errors.Is(err, dataprotection.ErrExpired) || got != nil || !v.Expires.Before(suiteNow) {
			t.Errorf("Unprotect = %x, %v, want ErrExpired", got, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "plaintext", got, v.Plaintext)
	if !expires.Equal(*v.Expires) || v.ExpiresRead == nil || !expires.Equal(*v.ExpiresRead) {
		t.Errorf("until %v, want %v", expires, v.ExpiresRead)
	}
	again, err := p.Protect(nil, v.Plaintext, expires)
	if err != nil {
		t.Fatal(err)
	}
	got, expires, err = p.Unprotect(ctx, nil, again)
	if err != nil || !bytes.Equal(got, v.Plaintext) || !expires.Equal(*v.Expires) {
		t.Errorf("protected anew: %x, %v, %v", got, expires, err)
	}
}
