package dotnet

import (
	"strings"
	"unicode"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// ParseBool returns what Boolean.TryParse reads, and whether it reads it: any
// case of letters, with Unicode white space and NULs around.
func ParseBool(text string) (value, ok bool) {
	text = strings.TrimFunc(text, func(c rune) bool { return c == 0 || unicode.IsSpace(c) })
	value = fold.Equal(text, "True")
	return value, value || fold.Equal(text, "False")
}
