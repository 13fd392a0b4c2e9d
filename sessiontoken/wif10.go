package sessiontoken

import (
	"bytes"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// Format is the generation of WIF whose tokens a codec reads and writes. It is
// configured and never guessed: the two documents look alike but number their
// names differently.
//
//	                         WIF45                        WIF10
//	payload                  NRBF around the document     the document
//	names                    63, nbfx.Session45           65, nbfx.WIF10: later by two from 18 on
//	reference mode           ReferenceModeTrue            SessionModeTrue
//	no claims                empty ClaimCollection        no ClaimCollection
//	property without value   left out; refused            written; read
//	bootstrap token          bytes, nested NRBF           one XML element, or WindowsSecurityTokenStub
//	no name or role type     the default                  left empty when read
//
// Envelope, chunks, times and checks are the same.
type Format uint8

// The two generations.
const (
	WIF45 Format = iota // System.IdentityModel, .NET 4.5 and later
	WIF10               // Microsoft.IdentityModel, WIF 1.0 for .NET 3.5 and 4.0
)

// String returns "WIF 4.5" or "WIF 1.0".
func (f Format) String() string {
	switch f {
	case WIF45:
		return "WIF 4.5"
	case WIF10:
		return "WIF 1.0"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Marshal returns the document of a token, binary XML without any protection:
// the innermost layer of the cookie. Its errors are those of
// [SessionCodec.Encode]. It is no method of the token, so that nothing, such as
// gob, writes out unasked what is as good as a cookie.
func (f Format) Marshal(t *Token) ([]byte, error) {
	var w documentWriter
	doc, err := w.append(nil, t, f)
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// Unmarshal reads a document that Marshal or .NET wrote. It checks the form
// only: no key, no clock, no endpoint, and a token without identities passes.
// Use it on data that is authentic already. The error is a [*FormatError].
func (f Format) Unmarshal(doc []byte) (*Token, error) {
	var r documentReader
	if err := r.read(doc[:len(doc):len(doc)], f); err != nil {
		return nil, err
	}
	return r.build(), nil
}

// firstShifted is the first name that WIF 1.0 has two places further on.
const firstShifted = 18

// dictionary returns the names of the format.
func (f Format) dictionary() []string {
	if f == WIF10 {
		return nbfx.WIF10
	}
	return nbfx.Session45
}

// wire returns the index in the format's dictionary of a name of 4.5.
func (f Format) wire(name int) int {
	if f == WIF10 && name >= firstShifted {
		return name + 2
	}
	return name
}

// name returns the name of 4.5 at an index of the format's dictionary, -1 for
// what 4.5 does not have.
func (f Format) name(wire int) int {
	switch {
	case f != WIF10 || wire < firstShifted:
		return wire
	case wire < firstShifted+2:
		return -1
	}
	return wire - 2
}

// appendPayload appends to dst what the first transform encodes.
func (f Format) appendPayload(dst, doc []byte) []byte {
	if f == WIF10 {
		return append(dst, doc...)
	}
	return nrbf.AppendSession(dst, doc)
}

// parseSession returns the document inside the payload of WIF 4.5. An authentic
// payload of another kind gets an error that says which.
func parseSession(payload []byte) ([]byte, error) {
	doc, err := nrbf.ParseSession(payload)
	if err == nil {
		return doc, nil
	}
	if foreign := foreignPayload(WIF45, payload); foreign != nil {
		return nil, foreign
	}
	return nil, nrbfError(err)
}

// How payloads begin.
const (
	startNRBF    = 0x00                    // SerializedStreamHeader
	startDict    = 0x42                    // ShortDictionaryElement
	startCoreWCF = "\x40\x0DSecurityToken" // ShortElement, name written out
)

// foreignPayload returns the error for a payload that begins as one that
// other software writes.
func foreignPayload(f Format, payload []byte) error {
	var cause error
	switch text := bytes.TrimPrefix(payload, []byte("\xEF\xBB\xBF")); {
	case bytes.HasPrefix(payload, []byte(startCoreWCF)), bytes.HasPrefix(text, []byte("<")), coreWCFStream(payload):
		cause = ErrCoreWCF
	case f == WIF10 && len(payload) > 0 && payload[0] == startNRBF:
		cause = otherFormat(WIF45)
	case f == WIF45 && len(payload) > 0 && payload[0] == startDict:
		cause = otherFormat(WIF10)
	default:
		return nil
	}
	return &FormatError{Layer: "payload", Offset: 0, Err: cause}
}

// coreWCFStream reports whether an NRBF stream names CoreWCF's assembly where
// a session token of .NET names System.IdentityModel.
func coreWCFStream(payload []byte) bool {
	const library = 23 // offset of the name
	return len(payload) > library && payload[0] == startNRBF && bytes.HasPrefix(payload[library:], []byte("CoreWCF."))
}

// otherFormat is the error for a payload of another generation than the
// codec's.
func otherFormat(f Format) error {
	option := "WIF45"
	if f == WIF10 {
		option = "WIF10"
	}
	return fmt.Errorf("%w: the token is of %v; set SessionOptions.Format to %s", ErrOtherFormat, f, option)
}
