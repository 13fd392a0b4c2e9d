package sessiontoken

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"bytes"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/hostile"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// hostileTarget is a credential under attack, and the codec's report on a text.
type hostileTarget struct {
	name string
	hostile.Credential
	inspect func(context.Context, string) *anatomy.Report
}

// inspectWith returns the report of a codec.
func inspectWith[T any](decode func(context.Context, string) (T, error)) func(context.Context, string) *anatomy.Report {
	return func(ctx context.Context, text string) *anatomy.Report { return anatomy.Of(ctx, decode, text) }
}

// hostileTargets are the credentials whose codecs report, each with the text of
// a typical user. A new one is one more entry.
func hostileTargets(t testing.TB) []hostileTarget {
	t.Helper()
	f := readFile(t, "sessiontoken_45.json")
	wif45 := f.codec(t, "A", SessionOptions{Endpoint: "/"})
	token, text := benchToken(t, f, wif45, "chunk-size-3000")
	wif10 := f.codec(t, "A", SessionOptions{Endpoint: "/", WIF10: true})
	text10, err := wif10.Encode(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	forms, _, _, _, formsText := newFormsBench(t, token.Principal.Name(),
		"Editors,Administrators,Region 417 Sales", false)
	legacy, _, _, _, legacyText := newFormsBench(t, token.Principal.Name(),
		"Editors,Administrators,Region 417 Sales", true)
	katana, _ := katanaBench(t, readKatanaFile(t))
	ticket := katana.NewTicket(token.Principal.Identities[0], nil)
	katanaText, err := katana.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return []hostileTarget{
		{"FedAuth", hostile.Credential{Text: text, Envelope: true}, inspectWith(wif45.Decode)},
		{"FedAuth of WIF 1.0", hostile.Credential{Text: text10, Envelope: true}, inspectWith(wif10.Decode)},
		{"forms", hostile.Credential{Text: formsText}, inspectWith(forms.Decode)},
		{"forms, legacy", hostile.Credential{Text: legacyText}, inspectWith(legacy.Decode)},
		{"Katana", hostile.Credential{Text: katanaText}, inspectWith(katana.Decode)},
	}
}

// largestText is the longest text that a cookie carries (chunks.MaxLength).
const largestText = 64 << 10

// stepsOf is how much work a byte of a layer is, a byte of base64 or of a MAC
// being one step, and 0 for a layer of no bytes of its own. A byte that is
// inflated or parsed takes more than twice as long.
var stepsOf = map[string]int{
	layerText: 1, layerEnvelope: 1, layerMachineKey: 1, layerMachineKeyText: 1, layerFormsText: 1, layerURLText: 1,
	layerDeflate: 2, layerNRBF: 2, layerNBFX: 2, layerPayload: 2, layerGzip: 2, layerKatana: 2, layerTicket: 2,
	layerIDs: 0, layerValidity: 0,
}

// The XML decoder of the standard library takes so many steps for a byte, and
// for what begins with a mark.
const (
	stepsOfXML  = 10
	stepsOfMark = 300
)

// TestHostileSteps counts the steps that all layers take: whatever a text
// without a key is, they are at most ten times those of a typical one.
func TestHostileSteps(t *testing.T) {
	for _, tg := range hostileTargets(t) {
		steps := func(text string) (n int, err error) {
			marks := 0
			a := tg.inspect(ctx, text)
			for _, layer := range a.Layers {
				weight, known := stepsOf[layer.Name]
				if !known {
					t.Fatalf("%s: layer %q has no weight", tg.name, layer.Name)
				}
				n += weight * layer.Size
			}
			// At most so much of an envelope is read by the XML decoder; see
			// TestHostileEnvelopeSteps of package wif.
			if doc, err := base64.StdEncoding.DecodeString(text); err == nil && tg.Envelope &&
				text != tg.Text {
				n += stepsOfXML * min(len(doc), limits.EnvelopeMarkup+1)
				for _, mark := range []string{"<", "&", "="} {
					marks += bytes.Count(doc, []byte(mark))
				}
				n += stepsOfMark * min(marks, limits.EnvelopeMarks+1)
			}
			return n, a.Err
		}
		honest, err := steps(tg.Text)
		if err != nil {
			t.Fatalf("%s: %v", tg.name, err)
		}
		texts := 0
		for _, size := range []int{limits.FormsText, limits.Unusual, largestText * 63 / 64} {
			for _, text := range tg.Texts(size) {
				n, err := steps(text.Text)
				if err == nil {
					t.Errorf("%s: %s is accepted", tg.name, text.Name)
				}
				if size > limits.FormsText && (tg.name == "forms" || tg.name == "forms, legacy") {
					n -= len(text.Text) // refused for its length alone
				}
				if n > 10*honest {
					t.Errorf("%s: %s of %d bytes takes %d steps, an honest text %d", tg.name,
						text.Name, size, n, honest)
				}
				texts++
			}
		}
		if texts < 40 {
			t.Fatalf("%s: %d texts", tg.name, texts)
		}
	}
}

// TestUnusualEnvelopes are read as ever: what is bounded is more than a real
// envelope has, and the token itself is bounded in no other way than before.
func TestUnusualEnvelopes(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	tok := f.vector(t, "hundred-claims").Input.token(t)
	tok.EndpointID = ""
	for range 20 { // to some 25 kB
		tok.Principal.Identities = append(tok.Principal.Identities, tok.Principal.Identities[0])
	}
	tok.ContextID = machinekey.NewSecret([]byte("urn:x:a&b=<ä>")) // which the quick reader leaves to the full one
	text, err := c.Encode(ctx, tok)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(ctx, text); err != nil {
		t.Errorf("an id with references: %v", err)
	}
	tok.ContextID = machinekey.NewSecret([]byte("urn:x:a&b=<ä>" + strings.Repeat("&", 200)))
	if _, err := c.Encode(ctx, tok); err == nil {
		t.Error("issued an envelope that is not read")
	}
	tok.ContextID = machinekey.NewSecret([]byte("urn:x:" +
		strings.Repeat("x", limits.EnvelopeMarkup)))
	if _, err := c.Encode(ctx, tok); err == nil {
		t.Error("issued an envelope that is not read")
	}
}
