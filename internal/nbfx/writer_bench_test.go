package nbfx

import (
	"fmt"
	"slices"
	"testing"
)

// writeToken writes a document of the shape of a session token.
func writeToken(w *Writer, name func(string) int, key []byte, claims int) {
	leaf := func(n, text string) {
		w.StartDict(name(n))
		w.Text(text)
		w.End()
	}
	w.StartDict(name("SessionToken"))
	leaf("Version", "1")
	leaf("SecureConversationVersion",
		"http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512")
	leaf("Id", "_19e189c6-216c-4c8d-a661-d30256831548-D6544874AEE1CD874A482D19DC112293")
	leaf("ContextId", "urn:uuid:cd8c1d99-36d8-4ec0-b350-40644866c31a")
	w.StartDict(name("Key"))
	w.Bytes(key)
	w.End()
	for _, n := range []string{"EffectiveTime", "ExpiryTime", "KeyEffectiveTime", "KeyExpiryTime"} {
		w.StartDict(name(n))
		w.Int64(638531258508065566)
		w.End()
	}
	w.StartDict(name("ClaimsPrincipal"))
	w.StartDict(name("Identities"))
	w.StartDict(name("Identity"))
	w.AttrDict(name("AuthenticationType"), "Federation")
	w.StartDict(name("ClaimCollection"))
	for range claims {
		w.StartDict(name("Claim"))
		w.AttrDict(name("Issuer"), "LOCAL AUTHORITY")
		w.AttrDict(name("OriginalIssuer"), "LOCAL AUTHORITY")
		w.AttrDict(name("Type"), "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
		w.AttrDict(name("Value"), "Žluťoučký kůň")
		w.AttrDict(name("ValueType"), "http://www.w3.org/2001/XMLSchema#string")
		w.End()
	}
	for range 4 {
		w.End()
	}
	leaf("EndpointId", "/")
	w.End()
}

// dictNames looks names of the 4.5 dictionary up.
func dictNames() func(string) int {
	ids := map[string]int{}
	for i, s := range Session45 {
		ids[s] = i
	}
	return func(s string) int { return ids[s] }
}

func TestWriterAllocations(t *testing.T) {
	var w Writer
	name, key := dictNames(), []byte("0123456789abcdef")
	buf := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(10, func() {
		w.Reset(buf, Session45)
		writeToken(&w, name, key, 12)
		if _, err := w.Done(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, claims := range []int{12, 100} {
		b.Run(fmt.Sprintf("%dclaims", claims), func(b *testing.B) {
			var w Writer
			name, key := dictNames(), []byte("0123456789abcdef")
			buf := make([]byte, 0, 1<<16)
			var doc []byte
			b.ReportAllocs()
			for b.Loop() {
				w.Reset(buf, Session45)
				writeToken(&w, name, key, claims)
				var err error
				if doc, err = w.Done(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(doc)))
		})
	}
}

func ExampleWriter() {
	name := func(s string) int { return slices.Index(Session45, s) }

	var w Writer
	w.Reset(nil, Session45)
	w.StartDict(name("Claim"))          // 42 00
	w.AttrDict(name("Type"), "urn:age") // 06 1c 98 07 …
	w.StartDict(name("Value"))          // 42 16
	w.Int64(42)                         // 89 2a, which ends the element too
	w.End()
	w.End() // 01
	doc, err := w.Done()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("% x\n", doc)
	// Output: 42 00 06 1c 98 07 75 72 6e 3a 61 67 65 42 16 89 2a 01
}
