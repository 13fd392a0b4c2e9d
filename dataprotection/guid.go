package dataprotection

import (
	"encoding/hex"
	"strings"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// guid is the id of a key in .NET's byte order.
type guid [16]byte

// String returns the form that the ring uses, lower case with hyphens.
func (g guid) String() string { return string(dotnet.FormatGUID(nil, g)) }

// parseGUID reads the forms of Guid.Parse that are in use: 32 digits with
// hyphens, in braces or parentheses, or without hyphens, in either case and
// with white space around.
func parseGUID(text string) (g guid, ok bool) {
	text = strings.Trim(text, xmlSpace)
	if len(text) == 38 && (text[0] == '{' && text[37] == '}' || text[0] == '(' && text[37] == ')') {
		text = text[1:37]
	}
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		text = text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	}
	var b guid
	if len(text) != 2*len(b) {
		return g, false
	}
	if _, err := hex.Decode(b[:], []byte(text)); err != nil {
		return g, false
	}
	// The first three groups are little-endian.
	for i, j := range [len(g)]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		g[i] = b[j]
	}
	return g, true
}

const xmlSpace = " \t\r\n"
