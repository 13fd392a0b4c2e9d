package machinekey_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// target is one protector of the vectors and everything it may open.
type target struct {
	protector protector
	known     map[string]string // protected to plaintext
}

// fuzzTargets groups the vectors by key and purpose, in file order.
func fuzzTargets(f *testing.F) (targets []*target, seeds [][]byte) {
	f.Helper()
	byName := map[string]*target{}
	for _, v := range protectVectors(f) {
		if v.Kind == "config" {
			continue
		}
		seeds = append(seeds, v.Protected)
		// A custom algorithm and Auto are other names of the same; a target
		// of their own does no harm.
		name := fmt.Sprint(v.MachineKey, v.PrimaryPurpose, v.Purposes)
		g := byName[name]
		if g == nil {
			p, err := v.protector()
			if err != nil {
				f.Fatal(err)
			}
			g = &target{protector: p, known: map[string]string{}}
			byName[name] = g
			targets = append(targets, g)
		}
		if v.Valid {
			g.known[string(v.Protected)] = string(v.Plaintext)
		}
	}
	if len(targets) == 0 || len(seeds) != 236 {
		f.Fatalf("%d targets and %d seeds, want 236 seeds", len(targets), len(seeds))
	}
	return targets, seeds
}

// FuzzUnprotect gives the same bytes to the protectors of all vectors. Any of
// them may open only what it is known to have protected; everything else is
// ErrUnprotect, with dst as it was.
func FuzzUnprotect(f *testing.F) {
	targets, seeds := fuzzTargets(f)
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, protected []byte) {
		input := bytes.Clone(protected)
		for _, g := range targets {
			dst := append(make([]byte, 0, len(protected)+3), "dst"...)
			got, key, err := g.protector.UnprotectKey(dst, protected)
			plaintext, known := g.known[string(protected)]
			switch {
			case known:
				if err != nil || key == "" || string(got) != "dst"+plaintext {
					t.Errorf("%v: a known value gives %q, %v, %v", g.protector, got, key, err)
				}
			case err != machinekey.ErrUnprotect || key != "" || string(got) != "dst":
				t.Errorf("%v: UnprotectKey = %q, %v, %v", g.protector, got, key, err)
			}
		}
		if !bytes.Equal(protected, input) {
			t.Error("the input was changed")
		}
	})
}

// FuzzProtect protects any data for any purpose and opens it again.
func FuzzProtect(f *testing.F) {
	seeds := 0
	for _, v := range protectVectors(f) {
		if v.Op == "protect" && v.Valid && len(v.Purposes) > 0 {
			f.Add([]byte(v.MachineKey.ValidationKey), byte(seeds), v.Purposes[0],
				[]byte(v.Plaintext))
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, validationKey []byte, algorithms byte, purpose string, plaintext []byte) {
		cfg := machinekey.Config{
			ValidationKey: machinekey.NewSecret(validationKey),
			DecryptionKey: machinekey.NewSecret(bytes.Repeat([]byte{algorithms}, 8<<(algorithms/4%3))),
			Validation:    validations[algorithms%5],
			Decryption:    decryptions[algorithms/12%4],
			AllowInsecure: true,
			AllowWeakKey:  true,
		}
		protector, err := newProtector(cfg, machinekey.UserPurpose, purpose)
		if err != nil {
			return // a purpose, an algorithm or a length that is refused; never a panic
		}
		protected, err := protector.Protect(nil, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(protected) - len(plaintext); n < 8+1+20 || n > 16+16+64 {
			t.Errorf("%d bytes longer than the plaintext", n)
		}
		got, err := protector.Unprotect(nil, protected)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("Unprotect = %q, %v, want %q", got, err, plaintext)
		}
		protected[len(protected)/2] ^= 0x40
		if _, err := protector.Unprotect(nil, protected); err != machinekey.ErrUnprotect {
			t.Errorf("Unprotect of a changed value: %v", err)
		}
	})
}
