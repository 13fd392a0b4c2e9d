package machinekey

import (
	"fmt"
	"runtime"
	"testing"
)

// TestRingForgets makes many protectors and drops them: the ring must not
// remember them, and must still know the one in use.
func TestRingForgets(t *testing.T) {
	cfg, err := Generate(HMACSHA256, AES)
	if err != nil {
		t.Fatal(err)
	}
	key, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	protector := func(name string) Protector {
		p, err := ring.Protector(UserPurpose, name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	kept := protector("kept")
	for i := range 2000 {
		protector(fmt.Sprint("dropped ", i))
		if i%100 == 0 {
			runtime.GC()
		}
	}
	if n := len(ring.live); n > 1000 {
		t.Errorf("the ring remembers %d protectors", n)
	}
	if protector("kept") != kept {
		t.Error("the ring forgot a protector in use")
	}
}
