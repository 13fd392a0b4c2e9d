package sessiontoken

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// appendKatanaTicket appends the bytes of a ticket, laid out as in
// katana_read.go. It refuses what would not read back: text that is not UTF-8, a
// type or issuer that is the mark of a default, a property twice, more than
// the reader takes.
func appendKatanaTicket(dst []byte, t *KatanaTicket) ([]byte, error) {
	id, marked := &t.Identity, t.Version != KatanaVersion1
	if t.Version.number() == 0 {
		return dst, fmt.Errorf("sessiontoken: cannot issue: unknown %v", t.Version)
	}
	if len(id.Claims) > maxKatanaClaims {
		return dst, fmt.Errorf("sessiontoken: cannot issue: %d claims, at most %d", len(id.Claims), maxKatanaClaims)
	}
	w := katanaWriter{dst: dst, marked: marked}
	nameType := orDefault(id.NameClaimType, ClaimTypeName)

	w.int32(t.Version.number())
	w.text(id.AuthenticationType)
	w.textOr(nameType, ClaimTypeName)
	w.textOr(orDefault(id.RoleClaimType, ClaimTypeRole), ClaimTypeRole)
	w.int32(int32(len(id.Claims)))
	for i := range id.Claims {
		c := &id.Claims[i]
		issuer := orDefault(c.Issuer, LocalAuthority)
		w.textOr(c.Type, nameType)
		w.text(c.Value)
		w.textOr(orDefault(c.ValueType, ValueTypeString), ValueTypeString)
		w.textOr(issuer, LocalAuthority)
		if marked {
			w.textOr(orDefault(c.OriginalIssuer, issuer), issuer)
		}
	}
	if t.Version.hasBootstrap() {
		w.bootstrap(id.Bootstrap)
	}
	w.properties(t.Properties)
	if w.err == nil && len(w.dst)-len(dst) > maxToken {
		w.err = fmt.Errorf("sessiontoken: cannot issue: ticket of %d bytes, at most %d", len(w.dst)-len(dst), maxToken)
	}
	if w.err != nil {
		return dst, w.err
	}
	return w.dst, nil
}

// Errors of issuing.
var (
	errIssueText      = errors.New("sessiontoken: cannot issue: text is not UTF-8")
	errIssueMark      = errors.New("sessiontoken: cannot issue: a claim type or issuer of one NUL, which reads back as the default")
	errIssueDuplicate = errors.New("sessiontoken: cannot issue: the same property twice")
)

// katanaWriter appends to dst and keeps the first error.
type katanaWriter struct {
	dst    []byte
	marked bool // defaults are written as a mark
	err    error
}

func (w *katanaWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *katanaWriter) int32(n int32) { w.dst = dotnet.AppendInt32(w.dst, n) }

func (w *katanaWriter) text(s string) {
	if !utf8.ValidString(s) {
		w.fail(errIssueText)
		return
	}
	if len(s) > math.MaxInt32 {
		w.fail(fmt.Errorf("sessiontoken: cannot issue: text of %d bytes", len(s)))
		return
	}
	w.dst = append(dotnet.AppendUint7(w.dst, len(s)), s...)
}

// textOr appends s, or the mark if it is the default.
func (w *katanaWriter) textOr(s, def string) {
	switch {
	case !w.marked:
		w.text(s)
	case s == def:
		w.dst = append(w.dst, 1, 0)
	case s == defaultMark:
		w.fail(errIssueMark)
	default:
		w.text(s)
	}
}

// bootstrap appends a token that is text and not blank, as .NET does.
func (w *katanaWriter) bootstrap(b Bootstrap) {
	if s := string(secret.View(b.Data)); b.Kind == BootstrapString && strings.TrimFunc(s, unicode.IsSpace) != "" {
		w.int32(int32(dotnet.UTF16Len(s)))
		w.text(s)
		return
	}
	w.int32(0)
}

func (w *katanaWriter) properties(p Properties) {
	if len(p) > maxProperties {
		w.fail(fmt.Errorf("sessiontoken: cannot issue: %d properties, at most %d", len(p), maxProperties))
		return
	}
	w.int32(1)
	w.int32(int32(len(p)))
	for i := range p {
		if _, twice := p[:i].Get(p[i].Name); twice {
			w.fail(errIssueDuplicate)
		}
		w.text(p[i].Name)
		w.text(p[i].Value)
	}
}
