package webconfig

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// The methods of this file read one attribute each, with its default. Of
// faulty values the first is kept, and [Section.Done] reports it. The
// attributes asked for are the legal ones, so every legal attribute must be
// asked for.

// Done reports an attribute that no method asked for, or else the first faulty
// one. The attributes of System.Configuration itself, lockItem and its
// siblings, are legal everywhere.
func (s *Section) Done() { s.done(true) }

// DonePartly is [Section.Done] for a section of which only some attributes
// matter here: another one is refused only if it looks like a misspelling.
func (s *Section) DonePartly() { s.done(false) }

func (s *Section) done(strict bool) {
	for _, attr := range s.Attrs {
		if attr.Space == "" && (slices.Contains(locks, attr.Name) ||
			slices.Contains(s.known, attr.Name)) {
			continue
		}
		want := ""
		right := propose(attr.Name, append([]string{"configSource", "configProtectionProvider"},
			s.known...))
		if right != "" && right != attr.Name {
			want = right + " (names are case sensitive)"
		}
		if strict || want != "" {
			s.fault(CodeUnknownAttribute, secret.Name(attr.Name), "", want)
		}
	}
	if s.bad != nil {
		s.r.fail(s.bad)
	}
}

// locks are the attributes with which a file keeps files below it from changing
// a section.
var locks = []string{
	"lockItem", "lockAttributes", "lockAllAttributesExcept", "lockElements", "lockAllElementsExcept",
}

// Fail keeps a fault that the caller found in the value of an attribute. found
// must not contain key text.
func (s *Section) Fail(code, attribute, found, want string) {
	if s.bad == nil {
		s.bad = s.newFault(code, attribute, found, want)
	}
}

// Lookup returns the attribute as written and whether it is there.
func (s *Section) Lookup(name string) (value string, ok bool) {
	s.known = append(s.known, name)
	return s.Attr(name)
}

// ignore makes attributes legal that do not matter here.
func (s *Section) ignore(names ...string) { s.known = append(s.known, names...) }

// Text returns the attribute as written.
func (s *Section) Text(name, absent string) string {
	if v, ok := s.Lookup(name); ok {
		return v
	}
	return absent
}

// Said lists the attributes of the element, also those that say what is the default anyway.
func (s *Section) Said() []string {
	var names []string
	for _, attr := range s.Attrs {
		if attr.Space == "" {
			names = append(names, attr.Name)
		}
	}
	return names
}

// NonEmpty returns the attribute without the blanks around it; nothing left is
// a fault (empty_attribute).
func (s *Section) NonEmpty(name, absent string) string {
	v, ok := s.Lookup(name)
	if !ok {
		return absent
	}
	if v = trim(v); v == "" {
		s.Fail(CodeEmptyAttribute, name, "", "a value, or no such attribute")
		return absent
	}
	return v
}

// parsed returns what parse makes of the attribute. A value that it refuses is
// a fault.
func parsed[T any](s *Section, name string, absent T, parse func(string) (T, bool), code, want string) T {
	text, ok := s.Lookup(name)
	if !ok {
		return absent
	}
	v, ok := parse(text)
	if !ok {
		s.Fail(code, name, secret.Quote(text), want)
		return absent
	}
	return v
}

// Bool reads true or false in any case, blanks around it allowed
// (invalid_boolean).
func (s *Section) Bool(name string, absent bool) bool {
	return parsed(s, name, absent, dotnet.ParseBool, CodeInvalidBoolean, "true or false")
}

// Enum reads one of the given names, in exactly that spelling and without
// blanks (invalid_enum).
func (s *Section) Enum(name, absent string, legal ...string) string {
	return s.enum(name, absent, legal, func(a, b string) bool { return a == b })
}

// EnumFold is [Section.Enum] in any case. It returns the spelling of legal.
func (s *Section) EnumFold(name, absent string, legal ...string) string {
	return s.enum(name, absent, legal, fold.Equal)
}

func (s *Section) enum(name, absent string, legal []string, same func(a, b string) bool) string {
	v, ok := s.Lookup(name)
	if !ok {
		return absent
	}
	i := slices.IndexFunc(legal, func(l string) bool { return same(v, l) })
	if i < 0 {
		s.Fail(CodeInvalidEnum, name, secret.Quote(v), oneOf(v, legal))
		return absent
	}
	return legal[i]
}

// Int reads a whole number of at least least; code names the fault.
func (s *Section) Int(name string, absent, least int, code string) int {
	parse := func(v string) (int, bool) {
		n, err := strconv.ParseInt(trim(v), 10, 32)
		return int(n), err == nil && int(n) >= least
	}
	return parsed(s, name, absent, parse, code, "a whole number of at least "+strconv.Itoa(least))
}

// TimeSpan reads a .NET time span between 0 and most (invalid_timespan).
func (s *Section) TimeSpan(name string, absent, most time.Duration) time.Duration {
	want := "days.hh:mm:ss"
	if most != Infinite {
		want += " of at most " + most.String()
	}
	parse := func(v string) (time.Duration, bool) {
		d, ok := ParseTimeSpan(v)
		return d, ok && d >= 0 && d <= most
	}
	return parsed(s, name, absent, parse, CodeInvalidTimeSpan,
		want+"; a plain number means days, 24 hours are 1.00:00:00")
}

// TimeSpanOrInfinite reads a .NET time span of at least 0, or the word
// Infinite in that spelling (invalid_timespan).
func (s *Section) TimeSpanOrInfinite(name string, absent time.Duration) time.Duration {
	if v, _ := s.Lookup(name); v == "Infinite" {
		return Infinite
	}
	return s.TimeSpan(name, absent, Infinite)
}

func oneOf(found string, legal []string) string {
	if right := propose(trim(found), legal); right != "" {
		return right + " (values are case sensitive)"
	}
	return "one of " + strings.Join(legal, ", ")
}
