package wif

import (
	"bytes"
	"errors"

	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// AppendPayload appends to dst what the first transform encodes: the document
// in its NRBF stream, in WIF 1.0 the document alone.
func AppendPayload(dst, doc []byte, v Version) []byte {
	if v == V10 {
		return append(dst, doc...)
	}
	return nrbf.AppendSession(dst, doc)
}

// ParsePayload returns the document inside what the first transform has decoded, which
// shares the memory of payload, with the room behind it. The error says which other kind
// of payload it is, if it is one.
func ParsePayload(payload []byte, v Version) ([]byte, error) {
	if v == V10 {
		return payload, foreign(payload, v)
	}
	doc, err := nrbf.ParseSession(payload)
	if err == nil {
		end := len(payload) - 1 // of the document, before MessageEnd
		return payload[end-len(doc) : end], nil
	}
	if other := foreign(payload, v); other != nil {
		return nil, other
	}
	return nil, nrbfError(err)
}

// nrbfError gives an error of the NRBF layer its place.
func nrbfError(err error) error {
	var at *nrbf.Error
	if !errors.As(err, &at) {
		return err
	}
	cause := at.Err
	if errors.Is(err, nrbf.ErrNonCanonical) {
		cause = layer.Unsupported(cause.Error())
	}
	return &layer.Error{Layer: "nrbf", Offset: at.Offset, Err: cause}
}

// How payloads begin.
const (
	startNRBF    = 0x00                    // SerializedStreamHeader
	startDict    = 0x42                    // ShortDictionaryElement
	startCoreWCF = "\x40\x0DSecurityToken" // ShortElement, name written out
)

// foreign returns the error for a payload of other software.
func foreign(payload []byte, v Version) error {
	var cause error
	switch text := bytes.TrimPrefix(payload, []byte("\xEF\xBB\xBF")); {
	case bytes.HasPrefix(payload, []byte(startCoreWCF)), bytes.HasPrefix(text, []byte("<")),
		coreWCFStream(payload):
		cause = ErrCoreWCF
	case v == V10 && len(payload) > 0 && payload[0] == startNRBF:
		cause = ErrV45
	case v == V45 && len(payload) > 0 && payload[0] == startDict:
		cause = ErrV10
	default:
		return nil
	}
	return &layer.Error{Layer: "payload", Offset: 0, Err: cause}
}

// coreWCFStream reports whether an NRBF stream names CoreWCF's assembly where
// a session token of .NET names System.IdentityModel.
func coreWCFStream(payload []byte) bool {
	const library = 23 // offset of the name
	return len(payload) > library && payload[0] == startNRBF &&
		bytes.HasPrefix(payload[library:], []byte("CoreWCF."))
}
