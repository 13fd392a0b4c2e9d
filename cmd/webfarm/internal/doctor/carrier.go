package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	urltext "github.com/webfarm-go/webfarm/internal/base64"
)

// carrier is the data of a credential under one encoding of its text. A text may fit several
// encodings. The data is not authentic yet.
type carrier struct {
	shape shape
	data  []byte
}

// shape is a way to write bytes as text.
type shape string

const (
	shapeSession    shape = "WIF envelope"
	shapeSessionHex shape = "hex in a WIF envelope" // MachineKey.Encode
	shapeHex        shape = "hex"
	shapeURLToken   shape = "URL token"
	shapeBase64URL  shape = "base64url"
)

// lenientURL accepts base64url as Katana's reader does, with either alphabet, padding and blanks.
var lenientURL = strings.NewReplacer("+", "-", "/", "_", "=", "", " ", "")

// carriers returns every reading of text.
func carriers(text string) []carrier {
	var list []carrier
	add := func(s shape, data []byte) {
		if len(data) > 0 {
			list = append(list, carrier{s, data})
		}
	}
	if doc, err := decodeBase64(text); err == nil {
		if e := readEnvelope(doc); e.found {
			add(shapeSession, e.cookie)
			if b, err := hex.DecodeString(string(e.cookie)); err == nil {
				add(shapeSessionHex, b)
			}
			return list
		}
	}
	if b, err := hex.DecodeString(text); err == nil {
		add(shapeHex, b)
		return list
	}
	if b, err := urltext.DecodeURLToken(text); err == nil {
		add(shapeURLToken, b)
	}
	if b, err := base64.RawURLEncoding.DecodeString(lenientURL.Replace(text)); err == nil {
		add(shapeBase64URL, b)
	}
	return list
}

// decodeBase64 decodes standard base64 with white space anywhere.
func decodeBase64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(compact(text))
}

var whiteSpace = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")

func compact(text string) string { return whiteSpace.Replace(text) }

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// upTo returns the base64 at the beginning of s, in whole groups.
func upTo(s string) string {
	n := len(s) - len(strings.TrimLeft(s, base64Digits))
	return s[:n/4*4]
}

// envelope is the XML around a session of WIF. It is read leniently, because the codecs check it.
type envelope struct {
	found     bool   // the element SecurityContextToken begins
	complete  bool   // and ends
	rest      int    // bytes behind its end
	cookie    []byte // the contents of the element Cookie
	reference bool   // it is well-formed, without an element Cookie
}

const (
	envelopeStart = "<SecurityContextToken"
	envelopeEnd   = "</SecurityContextToken>"
)

func readEnvelope(doc []byte) (e envelope) {
	at := bytes.Index(doc[:min(len(doc), 256)], []byte(envelopeStart))
	if at < 0 {
		return e
	}
	e.found = true
	if end := bytes.Index(doc, []byte(envelopeEnd)); end >= 0 {
		e.complete = true
		end += len(envelopeEnd)
		e.rest = len(doc) - end
		doc = doc[:end]
	}
	d := xml.NewDecoder(bytes.NewReader(doc[at:]))
	names := 0
	for {
		token, err := d.Token()
		if err != nil {
			e.reference = e.complete && errors.Is(err, io.EOF) && names == 2 // itself and Identifier
			return e
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "Cookie":
			var text string
			if d.DecodeElement(&text, &start) != nil {
				return e
			}
			if b, err := decodeBase64(text); err == nil {
				e.cookie = b
			}
			return e
		case start.Name.Local != "Instance":
			names++
		}
	}
}
