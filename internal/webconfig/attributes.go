package webconfig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// Attributes reads the attributes of one section. Each method names one
// attribute and its default; the first fault is kept, later methods return
// defaults, and [Attributes.Done] reports it. The attributes asked for are the
// legal ones, so every legal attribute must be asked for.
type Attributes struct {
	section *Section
	known   []string
	err     *Error
}

// Attributes returns a reader of the section's attributes. An absent section
// (nil) has none.
func (s *Section) Attributes() *Attributes { return &Attributes{section: s} }

// Done reports an attribute that no method asked for, or else the first faulty
// one, as an [*Error]. The attributes of System.Configuration itself, lockItem
// and its siblings, are legal everywhere.
func (a *Attributes) Done() error { return a.done(true) }

// DonePartly is [Attributes.Done] for a section of which only some attributes
// matter here: one that nobody asked for is refused only if it looks like a
// misspelling.
func (a *Attributes) DonePartly() error { return a.done(false) }

func (a *Attributes) done(strict bool) error {
	if a.section == nil {
		return nil
	}
	for _, attr := range a.section.Attrs {
		if attr.Space == "" && (isLock(attr.Name) || slices.Contains(a.known, attr.Name)) {
			continue
		}
		want := ""
		right := propose(attr.Name, append([]string{"configSource", "configProtectionProvider"}, a.known...))
		if right != "" && right != attr.Name {
			want = right + " (names are case sensitive)"
		}
		if strict || want != "" {
			return a.section.fault(CodeUnknownAttribute, showName(attr.Name), "", want)
		}
	}
	if a.err != nil {
		return a.err
	}
	return nil
}

// isLock reports the attributes with which a file keeps files below it from
// changing a section.
func isLock(name string) bool {
	switch name {
	case "lockItem", "lockAttributes", "lockAllAttributesExcept", "lockElements", "lockAllElementsExcept":
		return true
	}
	return false
}

// Fail keeps a fault that the caller found in the value of an attribute.
// detail must not contain key text.
func (a *Attributes) Fail(code, attribute, detail, want string) {
	if a.err == nil && a.section != nil {
		a.err = a.section.fault(code, attribute, detail, want)
	}
}

// Lookup returns the attribute as written and whether it is there.
func (a *Attributes) Lookup(name string) (value string, ok bool) {
	a.known = append(a.known, name)
	if a.section == nil {
		return "", false
	}
	return a.section.Attr(name)
}

// Text returns the attribute as written.
func (a *Attributes) Text(name, absent string) string {
	if v, ok := a.Lookup(name); ok {
		return v
	}
	return absent
}

// NonEmpty returns the attribute without the blanks around it; nothing left is
// an error (empty_attribute).
func (a *Attributes) NonEmpty(name, absent string) string {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	if v = trim(v); v == "" {
		a.Fail(CodeEmptyAttribute, name, "", "a value, or no such attribute")
		return absent
	}
	return v
}

// Bool reads true or false in any case, blanks around it allowed
// (invalid_boolean).
func (a *Attributes) Bool(name string, absent bool) bool {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	b, ok := ParseBool(v)
	if !ok {
		a.Fail(CodeInvalidBoolean, name, quote(v), "true or false")
		return absent
	}
	return b
}

// Enum reads one of the given names, in exactly that spelling and without
// blanks (invalid_enum).
func (a *Attributes) Enum(name, absent string, legal ...string) string {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	if !slices.Contains(legal, v) {
		a.Fail(CodeInvalidEnum, name, quote(v), oneOf(v, legal))
		return absent
	}
	return v
}

// EnumFold is [Attributes.Enum] in any case. It returns the spelling of legal.
func (a *Attributes) EnumFold(name, absent string, legal ...string) string {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	for _, l := range legal {
		if fold.Equal(v, l) {
			return l
		}
	}
	a.Fail(CodeInvalidEnum, name, quote(v), oneOf(v, legal))
	return absent
}

// Int reads a whole number of at least least; code names the fault.
func (a *Attributes) Int(name string, absent, least int, code string) int {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	n, err := strconv.ParseInt(trim(v), 10, 32)
	if err != nil || int(n) < least {
		a.Fail(code, name, quote(v), fmt.Sprintf("a whole number of at least %d", least))
		return absent
	}
	return int(n)
}

// TimeSpan reads a .NET time span between 0 and most (invalid_timespan).
func (a *Attributes) TimeSpan(name string, absent, most time.Duration) time.Duration {
	v, ok := a.Lookup(name)
	if !ok {
		return absent
	}
	d, ok := ParseTimeSpan(v)
	if !ok || d < 0 || d > most {
		want := "days.hh:mm:ss"
		if most != Infinite {
			want += fmt.Sprintf(" of at most %v", most)
		}
		a.Fail(CodeInvalidTimeSpan, name, quote(v), want+"; a plain number means days, 24 hours are 1.00:00:00")
		return absent
	}
	return d
}

// TimeSpanOrInfinite reads a .NET time span of at least 0, or the word
// Infinite in that spelling (invalid_timespan).
func (a *Attributes) TimeSpanOrInfinite(name string, absent time.Duration) time.Duration {
	if v, _ := a.Lookup(name); v == "Infinite" {
		return Infinite
	}
	return a.TimeSpan(name, absent, Infinite)
}

// oneOf is the Want text of an enumeration.
func oneOf(found string, legal []string) string {
	if right := propose(trim(found), legal); right != "" {
		return right + " (values are case sensitive)"
	}
	return "one of " + strings.Join(legal, ", ")
}
