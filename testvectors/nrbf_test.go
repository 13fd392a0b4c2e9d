package testvectors_test

import (
	"errors"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// nrbfVector is a stream of BinaryFormatter and what .NET makes of it.
type nrbfVector struct {
	Name, Desc, Provenance             string
	Kind                               string // "session" or "bootstrap"
	Canonical                          bool   // .NET writes these bytes
	PayloadHex                         hexBytes
	NRBFHex                            hexBytes
	Expected                           *model
	Bootstrap                          *bootstrapJSON
	DotnetDeserializedType, DotnetType string
	Error, Message                     string
}

func runNRBF(t *testing.T, f *file) {
	var content struct {
		header
		Vectors []nrbfVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *nrbfVector) string { return v.Name },
		func(t *testing.T, v *nrbfVector) {
			if v.Canonical && v.Error != "" {
				t.Fatal("canonical, and an error")
			}
			switch v.Kind {
			case "session":
				v.session(t, f)
			case "bootstrap":
				v.bootstrap(t, f)
			default:
				t.Fatalf("no test for kind %q", v.Kind)
			}
		})
}

func (v *nrbfVector) session(t *testing.T, f *file) {
	if (v.Expected == nil) == (v.Error == "") {
		t.Fatal("not exactly one of expected and error")
	}
	doc, err := nrbf.ParseSession(v.NRBFHex)
	if v.Error != "" && err == nil { // the fault may be in the document
		_, err = tokentest.Unmarshal(wif.V45, doc)
	}
	if !v.judge(t, f, err) {
		return
	}
	if v.PayloadHex != nil {
		sameBytes(t, "payloadHex", doc, v.PayloadHex)
		doc = v.PayloadHex
	}
	if v.Canonical {
		sameBytes(t, "nrbfHex", nrbf.AppendSession(nil, doc), v.NRBFHex)
	}
	checkDocument(t, f, v.Name, doc, v.Expected)
}

func (v *nrbfVector) bootstrap(t *testing.T, f *file) {
	if (v.Bootstrap == nil) == (v.Error == "") {
		t.Fatal("not exactly one of bootstrap and error")
	}
	kind, token, err := nrbf.ParseBootstrap(v.NRBFHex)
	if !v.judge(t, f, err) {
		return
	}
	want := tokenKind(kind)
	switch b := v.Bootstrap; {
	case b.Kind != want:
		t.Fatalf("kind %q, want %q", want, b.Kind)
	case want == "B" && b.Hex != nil:
		sameBytes(t, "hex", token, *b.Hex)
	case want == "S" && b.String != nil:
		sameBytes(t, "string", token, []byte(*b.String))
	default:
		t.Fatalf("kind %q without its value", want)
	}
	again, err := nrbf.AppendBootstrap(nil, kind, token)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "nrbfHex", again, v.NRBFHex) // whatever is read has one spelling
}

// tokenKind returns the kind that .NET shows: without a handler for it, a
// token comes out as text.
func tokenKind(kind nrbf.Kind) string {
	if kind == nrbf.KindToken {
		kind = nrbf.KindString
	}
	return string(rune(kind))
}

// judge reports whether the stream was read and should have been.
func (v *nrbfVector) judge(t *testing.T, f *file, err error) bool {
	t.Helper()
	var stream *nrbf.Error
	var token *sessiontoken.FormatError
	switch {
	case err == nil && v.Error != "":
		t.Errorf("read; .NET refuses: %s %s", v.Error, v.Message)
		return false
	case err == nil:
		return true
	case !errors.As(err, &stream) && !errors.As(err, &token):
		t.Errorf("undocumented error %v", err)
	case v.Error == "":
		f.refused(t, v.Name, err, !v.Canonical && declaredClass(err))
	}
	return false
}
