// Package katana reads and writes the bytes of Katana's tickets
// (Microsoft.Owin.Security's TicketSerializer, PropertiesSerializer and
// Base64UrlTextEncoder). It knows no keys and no clock.
//
// Numbers are int32, little-endian. A string is its length in bytes as a 7-bit number, and
// UTF-8. D is a string that is written as one NUL if it is the default given behind it, except
// in version 1. (2), (3) and so on: only in those versions.
//
//	int32    version
//	string   authentication type
//	D        name claim type         the URI of names
//	D        role claim type         the URI of roles
//	int32    number of claims
//	  D        type                  the name claim type
//	  string   value
//	  D        value type            the URI of xs:string
//	  D        issuer                LOCAL AUTHORITY
//	  D        original issuer       this claim's issuer (2, 2 with bootstrap, 3)
//	int32    is there a bootstrap    above zero: yes (2 with bootstrap, 3)
//	string   bootstrap token         if there is one
//	-- properties, all that there is in a state string
//	int32    1
//	int32    number of properties
//	  string   key
//	  string   value
package katana

import (
	"errors"
	"fmt"
	"slices"

	"github.com/webfarm-go/webfarm/internal/layer"
)

// Version is a layout of the bytes. The zero value is the current one. Each
// Katana reads its own only.
type Version uint8

// The versions, by the Katana that writes them.
const (
	Version3          Version = iota // number 3, Katana 3.0.1 and later
	Version2                         // number 2, Katana 2.0.0 to 2.1.0: no bootstrap token
	Version2Bootstrap                // number 2 again, Katana 3.0.0: with bootstrap token
	Version1                         // number 1, Katana 2.0.0-rc1: no defaults, no original issuer
)

// Number returns what the bytes begin with, 0 for an unknown version.
func (v Version) Number() int32 {
	if int(v) < len(names) {
		return int32(names[v][0] - '0')
	}
	return 0
}

// HasBootstrap reports whether there is a field for a bootstrap token.
func (v Version) HasBootstrap() bool { return v == Version3 || v == Version2Bootstrap }

// HasDefaults reports whether there are a mark for defaults and an original issuer.
func (v Version) HasDefaults() bool { return v != Version1 }

// names are the numbers, and what tells the two layouts 2 apart.
var names = [...]string{Version3: "3", Version2: "2",
	Version2Bootstrap: "2 with bootstrap token", Version1: "1"}

// String returns the name of the version.
func (v Version) String() string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("Version(%d)", uint8(v))
}

// ParseVersion returns the version with that name. The empty name is the current one.
func ParseVersion(name string) (Version, bool) {
	i := slices.Index(names[:], name)
	return Version(max(i, 0)), i >= 0 || name == ""
}

// Ticket is what a ticket says. The texts lie in Texts.
type Ticket struct {
	Version                                Version
	AuthenticationType, NameType, RoleType Text
	Claims                                 []Claim
	Bootstrap                              []byte
	HasBootstrap                           bool
	Properties                             [][2]Text // names and values
	// Texts has every text once, as far as claims repeat the one before.
	Texts []byte
}

// Claim is one claim. An empty OriginalIssuer is the issuer.
type Claim struct{ Type, Value, ValueType, Issuer, OriginalIssuer Text }

// Text is a text: where it lies in the texts of its ticket, or Default.
type Text struct{ off, n uint32 }

// Default is the text that .NET has as a constant for the place.
var Default = Text{off: 1<<32 - 1}

// Of returns the text, a part of all texts of the ticket, or def for the default.
func (t Text) Of(texts, def string) string {
	if t == Default {
		return def
	}
	return texts[t.off : t.off+t.n]
}

// OfOr is Of for a place where an empty text means the default too.
func (t Text) OfOr(texts, def string) string {
	if t.n == 0 { // as in Default
		return def
	}
	return texts[t.off : t.off+t.n]
}

// defaultMark stands for the default of a string.
const defaultMark = "\x00"

// Names of the layers in a [layer.Error].
const (
	LayerTicket     = "katana"
	LayerProperties = "katana properties"
)

// Causes of a [layer.Error].
var (
	ErrEnd       = errors.New("data ends early")
	ErrLength    = errors.New("length of a string is negative or longer than five bytes")
	ErrTrailing  = errors.New("bytes behind the properties")
	ErrClaims    = errors.New("number of claims is negative or too large")
	ErrPairs     = errors.New("number of properties is negative or too large")
	ErrDuplicate = errors.New("the same property twice")
)

// Causes of a [layer.Error] for data that some Katana reads.
const (
	ErrVersion    = layer.Unsupported("version of the ticket")
	ErrProperties = layer.Unsupported("version of the properties is not 1; .NET would drop them and the expiry with them")
	ErrText       = layer.Unsupported("text is not UTF-8")
)
