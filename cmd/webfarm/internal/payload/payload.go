// Package payload recognises what ASP.NET Core Data Protection has protected, and says what there
// is to say of it without a key.
package payload

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Payload is a payload of Data Protection (KeyRingBasedDataProtector). Nothing of it is authentic.
//
//	09 F0 C9 F0 || key id (16) || key modifier (16) || IV || ciphertext || MAC
//
// The last nibble of the magic number is the version.
type Payload struct {
	// Data are the bytes, nil if the text only begins as one.
	Data    []byte
	Version int
	// Key is the id of the key in lower case with hyphens, empty for too few bytes.
	Key string
}

// The beginnings of a text. In base64 the magic number ends in the middle of a digit, which holds
// two bits of the version.
const (
	head    = "CfDJ"
	heads   = "89-_+/"
	hexHead = "09F0C9F"
	magic   = 0x09f0c9f
)

const (
	headSize     = 4 + 16 // magic number and key id
	modifierSize = 16
)

// compact removes what stands around the digits of base64, and makes those of both alphabets one.
var compact = strings.NewReplacer(
	" ", "", "\t", "", "\r", "", "\n", "", "=", "", "%3D", "", "%3d", "",
	"+", "-", "%2B", "-", "%2b", "-", "/", "_", "%2F", "_", "%2f", "_")

// Recognise reads a text in base64url, in base64 as the session cookie has it, or in hex as forms
// tickets of System.Web have it. It reports whether the text begins as a payload does.
func Recognise(text string) (p Payload, ok bool) {
	text = strings.TrimSpace(text)
	rest, isText := strings.CutPrefix(text, head)
	switch {
	case isText && rest != "" && strings.IndexByte(heads, rest[0]) >= 0:
		p.Data, _ = base64.RawURLEncoding.DecodeString(compact.Replace(text))
	case len(text) > len(hexHead) && strings.EqualFold(text[:len(hexHead)], hexHead):
		p.Data, _ = hex.DecodeString(text)
	default:
		return p, false
	}
	if len(p.Data) < 4 || binary.BigEndian.Uint32(p.Data)>>4 != magic {
		return Payload{}, true
	}
	p.Version = int(p.Data[3] & 0xf)
	if len(p.Data) >= headSize {
		id := p.Data[4:headSize]
		little := binary.LittleEndian
		p.Key = fmt.Sprintf("%08x-%04x-%04x-%x-%x", little.Uint32(id),
			little.Uint16(id[4:]), little.Uint16(id[6:]), id[8:10], id[10:])
	}
	return p, true
}

// Begins reports whether a text begins as a payload does.
func Begins(text string) bool {
	_, ok := Recognise(text)
	return ok
}

// Part is a part of a payload and its size in bytes.
type Part struct {
	Name string
	Size int
}

// The sizes of MACs by the ends of their names, in bytes.
var macs = []struct {
	name string
	size int
}{{"SHA256", 32}, {"SHA512", 64}, {"SHA384", 48}, {"SHA1", 20}}

// Parts takes a payload apart that a key with such an algorithm protects, as Key.Algorithm of
// package dataprotection has it. Without an algorithm the rest is one part. They are nil for too
// few bytes.
func (p Payload) Parts(algorithm string) []Part {
	parts := []Part{{"magic number", 4}, {"key id", 16}, {"key modifier", modifierSize}}
	inner := []Part{{Name: "IV, ciphertext and MAC"}}
	switch {
	case strings.HasSuffix(algorithm, "GCM"):
		inner = []Part{{"nonce", 12}, {Name: "ciphertext"}, {"tag", 16}}
	case algorithm != "":
		inner = []Part{{"IV", 16}, {Name: "ciphertext"}, {"MAC", 0}}
		for _, m := range macs {
			if strings.HasSuffix(algorithm, m.name) {
				inner[2].Size = m.size
			}
		}
	}
	rest := len(p.Data)
	parts = append(parts, inner...)
	for _, part := range parts {
		rest -= part.Size
	}
	if rest < 0 {
		return nil
	}
	for i := range parts {
		if parts[i].Size == 0 {
			parts[i].Size = rest
			break
		}
	}
	return parts
}

// uses are what ASP.NET Core protects, and the sizes of that in bytes.
var uses = []struct {
	what        string
	least, most int
}{
	{"the key of a session (.AspNetCore.Session)", 36, 36},
	{"an antiforgery cookie (.AspNetCore.Antiforgery.*)", 18, 18},
	{"an antiforgery token of a form", 21, 1 << 10},
	{"a ticket in a cookie (.AspNetCore.*), or a bearer token", 60, 1 << 20},
	{"data of an application, perhaps time-limited", 0, 1 << 30},
}

// builtIn are algorithms that applications choose by name, one for each size of a payload.
var builtIn = []string{"AES_256_CBC, HMACSHA256", "AES_256_CBC, HMACSHA512", "AES_256_GCM"}

// MayBe says what a payload may be by its size alone, under any of the algorithms that
// applications choose by name. It is nil for too few bytes.
func (p Payload) MayBe() []string {
	var list []string
	for _, u := range uses {
		for _, algorithm := range builtIn {
			parts := p.Parts(algorithm)
			if parts == nil {
				continue
			}
			most := parts[4].Size
			least := most
			if parts[3].Name == "IV" { // the padding is 1 to 16 bytes of whole blocks
				if least, most = most-16, most-1; least < 0 || least%16 != 0 {
					continue
				}
			}
			if least <= u.most && most >= u.least {
				list = append(list, u.what)
				break
			}
		}
	}
	return list
}

// Whole reports whether a payload under an algorithm has whole blocks, and all other parts.
func (p Payload) Whole(algorithm string) bool {
	parts := p.Parts(algorithm)
	return parts != nil && (parts[3].Name != "IV" || parts[4].Size > 0 && parts[4].Size%16 == 0)
}
