package katana

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// Faults of what is to be written: it would not read back as it is.
var (
	ErrNotUTF8      = errors.New("text is not UTF-8")
	ErrMark         = errors.New("a claim type or issuer of one NUL, which reads back as the default")
	ErrSameProperty = errors.New("the same property twice")
)

// Writer writes a ticket in the order of its bytes: Begin, each Claim,
// Bootstrap, Properties, End, which returns the first error.
type Writer struct {
	dst     []byte
	start   int
	version Version
	name    string // the name claim type
	err     error
}

// Begin begins a ticket with n claims behind dst. Empty types are the defaults.
func (w *Writer) Begin(dst []byte, v Version, authType, nameType, roleType string, n int) {
	*w = Writer{dst: dst, start: len(dst), version: v, name: cmp.Or(nameType, dotnet.NameClaimType)}
	if n > limits.KatanaClaims {
		w.err = fmt.Errorf("%d claims, at most %d", n, limits.KatanaClaims)
	}
	w.int32(v.Number())
	w.text(authType)
	w.textOr(w.name, dotnet.NameClaimType)
	w.textOr(cmp.Or(roleType, dotnet.RoleClaimType), dotnet.RoleClaimType)
	w.int32(int32(n))
}

// Claim writes a claim. An empty value type or issuer is the default, an empty
// original issuer the issuer.
func (w *Writer) Claim(claimType, value, valueType, issuer, originalIssuer string) {
	issuer = cmp.Or(issuer, dotnet.LocalAuthority)
	w.textOr(claimType, w.name)
	w.text(value)
	w.textOr(cmp.Or(valueType, dotnet.ValueTypeString), dotnet.ValueTypeString)
	w.textOr(issuer, dotnet.LocalAuthority)
	if w.version.HasDefaults() {
		w.textOr(cmp.Or(originalIssuer, issuer), issuer)
	}
}

// Bootstrap writes the bootstrap token where the version has a place for it, unless it is blank.
func (w *Writer) Bootstrap(token string) {
	switch {
	case !w.version.HasBootstrap():
	case strings.TrimFunc(token, unicode.IsSpace) == "":
		w.int32(0)
	default:
		w.int32(int32(dotnet.UTF16Len(token)))
		w.text(token)
	}
}

// Properties writes the pairs of names and values.
func (w *Writer) Properties(pairs [][2]string) {
	if len(pairs) > limits.Properties {
		w.fail(fmt.Errorf("%d properties, at most %d", len(pairs), limits.Properties))
		return
	}
	w.int32(1)
	w.int32(int32(len(pairs)))
	for i, p := range pairs {
		for _, before := range pairs[:i] {
			if p[0] == before[0] {
				w.fail(ErrSameProperty)
			}
		}
		w.text(p[0])
		w.text(p[1])
	}
}

// End returns the bytes behind those that Begin was given.
func (w *Writer) End() ([]byte, error) {
	if n := len(w.dst) - w.start; n > limits.Token {
		w.fail(fmt.Errorf("%d bytes, at most %d", n, limits.Token))
	}
	if w.err != nil {
		return w.dst[:w.start], w.err
	}
	return w.dst, nil
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *Writer) int32(n int32) { w.dst = dotnet.AppendInt32(w.dst, n) }

func (w *Writer) text(s string) {
	if !utf8.ValidString(s) {
		w.fail(ErrNotUTF8)
		return
	}
	w.dst = append(dotnet.AppendUint7(w.dst, len(s)), s...)
}

// textOr writes s, or the mark if it is the default.
func (w *Writer) textOr(s, def string) {
	switch {
	case !w.version.HasDefaults():
		w.text(s)
	case s == def:
		w.dst = append(w.dst, 1, 0)
	case s == defaultMark:
		w.fail(ErrMark)
	default:
		w.text(s)
	}
}
