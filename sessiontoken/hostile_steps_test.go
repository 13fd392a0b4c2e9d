package sessiontoken

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/hostile"
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
	wif10 := f.codec(t, "A", SessionOptions{Endpoint: "/", Format: WIF10})
	text10, err := wif10.Encode(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	forms, _, _, _, formsText := newFormsBench(t, token.Principal.Name(), "Editors,Administrators,Region 417 Sales", false)
	legacy, _, _, _, legacyText := newFormsBench(t, token.Principal.Name(), "Editors,Administrators,Region 417 Sales", true)
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

// largestText is the longest text that a cookie carries (cookie.MaxLength).
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
			a := tg.inspect(ctx, text)
			for _, layer := range a.Layers {
				weight, known := stepsOf[layer.Name]
				if !known {
					t.Fatalf("%s: layer %q has no weight", tg.name, layer.Name)
				}
				n += weight * layer.Size
			}
			if doc, err := base64.StdEncoding.DecodeString(text); err == nil && tg.Envelope && !cutEnvelope(doc, new(envelope)) {
				if doc, ok := toUTF8(doc); ok {
					x := newEnvelopeReader(doc)
					_ = x.document(new(envelope))
					n += stepsOfXML*x.in.read + stepsOfMark*x.in.marks
				}
			}
			return n, a.Err
		}
		honest, err := steps(tg.Text)
		if err != nil {
			t.Fatalf("%s: %v", tg.name, err)
		}
		texts := 0
		for _, size := range []int{maxFormsText, maxUnusual, largestText * 63 / 64} {
			for _, text := range tg.Texts(size) {
				n, err := steps(text.Text)
				if err == nil {
					t.Errorf("%s: %s is accepted", tg.name, text.Name)
				}
				if size > maxFormsText && (tg.name == "forms" || tg.name == "forms, legacy") {
					n -= len(text.Text) // refused for its length alone
				}
				if n > 10*honest {
					t.Errorf("%s: %s of %d bytes takes %d steps, an honest text %d", tg.name, text.Name, size, n, honest)
				}
				texts++
			}
		}
		if texts < 40 {
			t.Fatalf("%s: %d texts", tg.name, texts)
		}
	}
}

// TestHostileEnvelopeSteps counts what the XML decoder is given, which is by far
// the dearest step: no more than the markup of a real envelope, however large
// the document.
func TestHostileEnvelopeSteps(t *testing.T) {
	tg := hostileTargets(t)[0]
	read, marks := 0, 0
	for _, size := range []int{maxUnusual, largestText, maxText} {
		for _, text := range tg.Texts(size) {
			doc, err := base64.StdEncoding.DecodeString(text.Text)
			if err != nil {
				continue
			}
			if doc, ok := toUTF8(doc); ok {
				x := newEnvelopeReader(doc)
				_ = x.document(new(envelope))
				read, marks = max(read, x.in.read), max(marks, x.in.marks)
				if x.in.read > maxEnvelopeMarkup+1 || x.in.marks > maxEnvelopeMarks+1 {
					t.Errorf("%s of %d bytes: the decoder got %d bytes with %d marks", text.Name, size, x.in.read, x.in.marks)
				}
			}
		}
	}
	if read <= maxEnvelopeMarkup || marks <= maxEnvelopeMarks {
		t.Errorf("no text comes up to the limits: %d bytes, %d marks", read, marks)
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
	tok.ContextID = "urn:x:a&b=<ä>" // which the quick reader leaves to the full one
	text, err := c.Encode(ctx, tok)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(ctx, text); err != nil {
		t.Errorf("an id with references: %v", err)
	}
	for range 200 {
		tok.ContextID += "&"
	}
	if _, err := c.Encode(ctx, tok); err == nil {
		t.Error("issued an envelope that is not read")
	}
	tok.ContextID = "urn:x:"
	for range maxEnvelopeMarkup {
		tok.ContextID += "x"
	}
	if _, err := c.Encode(ctx, tok); err == nil {
		t.Error("issued an envelope that is not read")
	}
}
