package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/site"
)

// protectedReport is what a payload of Data Protection holds that is no ticket. One of Text and Hex
// is set, unless it is empty.
type protectedReport struct {
	Purposes    []string           `json:"purposes"` // behind the application name
	Size        int                `json:"size"`
	Text        string             `json:"text,omitempty"`
	Hex         string             `json:"hex,omitempty"`
	Expires     *time.Time         `json:"expires,omitempty"` // of a time-limited payload
	Antiforgery *antiforgeryReport `json:"antiforgery,omitempty"`
	title       string
}

// antiforgeryReport is a token against forged requests. The cookie and the forms of one browser
// have the same SecurityToken.
type antiforgeryReport struct {
	SecurityToken  string `json:"securityToken"`
	Cookie         bool   `json:"cookie"` // or of a form, which has the rest
	User           string `json:"user,omitempty"`
	ClaimsHash     string `json:"claimsHash,omitempty"` // in place of the user
	AdditionalData string `json:"additionalData,omitempty"`
}

// limit takes the end off a time-limited payload (TimeLimitedDataProtector).
//
//	expiry, UTC ticks (8, big-endian) || plaintext
func (r *protectedReport) limit(plain []byte) ([]byte, error) {
	if len(plain) < 8 {
		return nil, errors.New("webfarm: a time-limited payload of fewer than 8 bytes")
	}
	expires, ok := dotnet.Time(int64(binary.BigEndian.Uint64(plain)))
	if !ok {
		return nil, errors.New("webfarm: the expiry is outside the years 1 to 9999")
	}
	r.Expires = &expires
	return plain[8:], nil
}

// read reads the plaintext and returns the name of its layer.
func (r *protectedReport) read(k kind, plain []byte) (layer string, err error) {
	r.Size = len(plain)
	switch k {
	case site.Antiforgery:
		r.title = "Antiforgery token"
		r.Antiforgery, err = readAntiforgery(plain)
		return layerAntiforgery, err
	case site.CoreSession:
		r.title, layer = "Key of a session", layerSession
		if len(plain) != 36 || !utf8.Valid(plain) { // a GUID (SessionMiddleware)
			return layer, errors.New("webfarm: no key of a session, which has 36 characters")
		}
	default:
		r.title, layer = "Plaintext", layerPlaintext
	}
	if utf8.Valid(plain) {
		r.Text = string(plain)
	} else {
		r.Hex = hex.EncodeToString(plain)
	}
	return layer, nil
}

// readAntiforgery reads a token (DefaultAntiforgeryTokenSerializer). Strings have their lengths in
// front, as BinaryWriter writes them.
//
//	01 || security token (16) || bool cookie
//	for a form: || bool by claims || hash of the claims (32) or user || additional data
func readAntiforgery(plain []byte) (*antiforgeryReport, error) {
	bad := errors.New("webfarm: no antiforgery token of version 1")
	if len(plain) < 18 || plain[0] != 1 {
		return nil, bad
	}
	r := &antiforgeryReport{SecurityToken: hex.EncodeToString(plain[1:17]), Cookie: plain[17] != 0}
	rest := plain[18:]
	text := func() (string, bool) {
		n, size := binary.Uvarint(rest) // lengths have 31 bits
		if size <= 0 || n > uint64(len(rest)-size) {
			return "", false
		}
		s := string(rest[size : size+int(n)])
		rest = rest[size+int(n):]
		return s, utf8.ValidString(s)
	}
	if !r.Cookie {
		ok := len(rest) > 0
		if ok && rest[0] != 0 {
			if ok = len(rest) > 32; ok {
				r.ClaimsHash, rest = hex.EncodeToString(rest[1:33]), rest[33:]
			}
		} else if ok {
			rest = rest[1:]
			r.User, ok = text()
		}
		if ok {
			r.AdditionalData, ok = text()
		}
		if !ok {
			return nil, bad
		}
	}
	if len(rest) > 0 {
		return nil, bad
	}
	return r, nil
}

// show is what people see of a payload. The page leaves out its text: it may be a secret, such as
// what the session of ASP.NET Core is called, or a code.
func (r *protectedReport) show(now time.Time) shown {
	s := shown{title: r.title, who: "the payload is authentic",
		Facts: []factReport{{r.title, plural(r.Size, "byte") + ", not shown"}}}
	row := func(name, value string) { s.rows = append(s.rows, []string{name, value}) }
	for _, p := range r.Purposes {
		row("purpose", abridged(p))
	}
	if r.Expires != nil {
		s.Life = newLife(nil, r.Expires, nil, now)
		row("expires", when(*r.Expires, now)+", time-limited")
	}
	row("size", plural(r.Size, "byte"))
	switch a := r.Antiforgery; {
	case a != nil && a.Cookie:
		row("token", a.SecurityToken)
		row("", "of the cookie; it signs nobody in")
	case a != nil:
		user := abridgedOr(a.User, "none")
		if a.ClaimsHash != "" {
			user = "by a hash of claims, " + a.ClaimsHash
		}
		row("token", a.SecurityToken)
		row("", "of a form, or of a header; it signs nobody in")
		row("user", user)
		row("additional data", abridgedOr(a.AdditionalData, "none"))
	case r.Hex != "":
		row("hex", abridged(r.Hex))
	default:
		row("text", abridgedOr(strings.TrimSpace(r.Text), "none"))
	}
	return s
}
