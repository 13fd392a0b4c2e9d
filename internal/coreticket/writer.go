package coreticket

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/limits"
)

// mark stands for a default.
const mark = "\x00"

// errMark is for a text that would read back as the default.
var errMark = fmt.Errorf("%w: a text of one NUL, which reads back as the default", ErrUnsupported)

// Writer writes a ticket from front to back; see the package comment for the order. After the
// first error it writes nothing more. It refuses what [Reader] would.
//
//	w := coreticket.NewWriter(dst)
//	w.Begin(scheme, len(identities))
//	for each identity
//		w.Identity(authenticationType, nameClaimType, roleClaimType, len(claims))
//		w.Claim(…, len(properties)) and as many times w.Pair, for each claim
//		w.EndIdentity(bootstrap, actor != nil), and the actor as another identity
//	w.Properties(len(properties)), and as many times w.Pair
//	dst, err = w.End()
type Writer struct {
	dst      []byte
	start    int
	err      error
	nameType string
	keys     [8]string // the first ones of the properties that are being written
	more     []string
	written  int
	claims   int
	pairs    int
	actors   int // of the identity that is being written
	each     bool
}

// NewWriter returns a Writer that appends to dst.
func NewWriter(dst []byte) *Writer { return &Writer{dst: dst, start: len(dst)} }

// End returns what was written, or dst as it was with the first error.
func (w *Writer) End() ([]byte, error) {
	if !w.each {
		w.checkEach()
	}
	if w.err == nil && len(w.dst)-w.start > limits.Token {
		w.err = errLimit
	}
	if w.err != nil {
		return w.dst[:w.start], w.err
	}
	return w.dst, nil
}

// Begin writes the head.
func (w *Writer) Begin(scheme string, identities int) {
	w.int32(5)
	w.text(scheme)
	w.count(identities, maxIdentities)
}

// Identity writes the beginning of an identity. An empty name or role claim type is the default.
func (w *Writer) Identity(authenticationType, nameClaimType, roleClaimType string, claims int) {
	w.nameType = cmp.Or(nameClaimType, dotnet.NameClaimType)
	w.text(authenticationType)
	w.textOr(w.nameType, dotnet.NameClaimType)
	w.textOr(cmp.Or(roleClaimType, dotnet.RoleClaimType), dotnet.RoleClaimType)
	w.claims += claims
	if w.claims > maxClaims {
		w.fail(errLimit)
	}
	w.count(claims, maxClaims)
}

// Claim writes a claim. An empty value type, issuer or original issuer is the default.
func (w *Writer) Claim(typ, value, valueType, issuer, originalIssuer string, properties int) {
	if properties == 0 && w.err == nil && w.isShort(typ) && w.isShort(value) &&
		(valueType == "" || valueType == dotnet.ValueTypeString) &&
		(issuer == "" || issuer == dotnet.LocalAuthority) &&
		(originalIssuer == "" || originalIssuer == dotnet.LocalAuthority) &&
		typ != w.nameType && typ != mark {
		// Nearly every claim: it is written in one go.
		dst := append(append(w.dst, byte(len(typ))), typ...)
		dst = append(append(dst, byte(len(value))), value...)
		w.dst = append(dst, plainTail...)
		return
	}
	issuer = cmp.Or(issuer, dotnet.LocalAuthority)
	valueType, originalIssuer = cmp.Or(valueType, dotnet.ValueTypeString), cmp.Or(originalIssuer, issuer)
	w.textOr(typ, w.nameType)
	w.text(value)
	w.textOr(valueType, dotnet.ValueTypeString)
	w.textOr(issuer, dotnet.LocalAuthority)
	w.textOr(originalIssuer, issuer)
	w.bag(properties)
}

// EndIdentity writes the end of an identity. An empty bootstrap token is none.
// If there is an actor, its Identity follows.
func (w *Writer) EndIdentity(bootstrap string, actor bool) {
	w.boolean(bootstrap != "")
	if bootstrap != "" {
		w.text(bootstrap)
	}
	w.boolean(actor)
	if w.actors++; !actor {
		w.actors = 0
	}
	if w.actors > limits.Actors {
		w.fail(errLimit)
	}
}

// Properties writes the beginning of the ticket's properties.
func (w *Writer) Properties(count int) {
	w.int32(1)
	w.bag(count)
}

// Pair writes one property of the last claim or of the ticket.
func (w *Writer) Pair(key, value string) {
	first := w.keys[:min(w.written, len(w.keys))]
	if slices.Contains(first, key) || slices.Contains(w.more, key) {
		w.fail(errTwice)
	}
	if w.written < len(w.keys) { // so that most tickets take no memory for it
		w.keys[w.written] = key
	} else {
		w.more = append(w.more, key)
	}
	w.written++
	w.text(key)
	w.text(value)
}

func (w *Writer) bag(count int) {
	w.more, w.written = w.more[:0], 0
	w.pairs += count
	if w.pairs > maxPairs {
		w.fail(errLimit)
	}
	w.count(count, limits.Properties)
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *Writer) int32(n int) {
	if w.err == nil {
		w.dst = dotnet.AppendInt32(w.dst, int32(n))
	}
}

func (w *Writer) count(n, limit int) {
	if n > limit {
		w.fail(errLimit)
	}
	if n >= 0x80 && !w.each {
		w.checkEach()
	}
	w.int32(n)
}

func (w *Writer) boolean(b bool) {
	switch {
	case w.err != nil:
	case b:
		w.dst = append(w.dst, 1)
	default:
		w.dst = append(w.dst, 0)
	}
}

// text appends a text. Short ones are looked at together: as long as all
// numbers in between are below 128, all of it is UTF-8 if all texts are, and
// they are if they also begin with a character.
func (w *Writer) text(s string) {
	if w.err != nil {
		return
	}
	if w.isShort(s) {
		w.dst = append(append(w.dst, byte(len(s))), s...)
		return
	}
	if !w.each {
		w.checkEach()
	}
	switch {
	case !utf8.ValidString(s):
		w.fail(errText)
	case len(s) > limits.Token:
		w.fail(errLimit)
	default:
		w.dst = append(dotnet.AppendUint7(w.dst, len(s)), s...)
	}
}

func (w *Writer) isShort(s string) bool {
	return !w.each && len(s) < 0x80 && (s == "" || utf8.RuneStart(s[0]))
}

// checkEach looks at the texts so far, and has all further ones looked at by themselves.
func (w *Writer) checkEach() {
	w.each = true
	if !utf8.Valid(w.dst[w.start:]) {
		w.fail(errText)
	}
}

// textOr appends s, or the mark if it is the default.
func (w *Writer) textOr(s, def string) {
	switch {
	case s == def && w.err == nil:
		w.dst = append(w.dst, 1, 0)
	case s == mark:
		w.fail(errMark)
	default:
		w.text(s)
	}
}
