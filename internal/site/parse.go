package site

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// ParseSettings reads the settings of one credential as flags have them:
//
//	KIND[,OPTION=VALUE]…     katana,AuthenticationType=ApplicationCookie,Name=MyApp,Lifetime=8h
//
// An option is a field of [Settings], in any case. A Toggle is on or off, a
// duration is as ParseSpan reads it, or none. The error is an [*OptionError].
func ParseSettings(text string) (Settings, error) {
	kind, rest, more := strings.Cut(text, ",")
	s := Settings{Kind: Kind(strings.ToLower(strings.TrimSpace(kind)))}
	if s.Kind == "owin" { // the name of Katana's interface
		s.Kind = Katana
	}
	if s.Kind != "" && s.Kind != Bearer && !slices.Contains(inCookies, s.Kind) {
		return Settings{}, noSignIn(s.Kind)
	}
	for more {
		var pair string
		pair, rest, more = strings.Cut(rest, ",")
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		p, known := propertyNamed(name)
		switch {
		case !known:
			return Settings{}, &OptionError{s.Kind, name,
				"there is no such option; there are " + OptionNames(s.Kind)}
		case !ok || value == "":
			return Settings{}, &OptionError{s.Kind, p.name, "write OPTION=VALUE"}
		case p.said(&s):
			return Settings{}, &OptionError{s.Kind, p.name, "it is there twice"}
		}
		if want := p.parse(&s, value); want != "" {
			return Settings{}, &OptionError{s.Kind, p.name, fmt.Sprintf("%q is not %s", value, want)}
		}
	}
	return s, nil
}

// noSignIn is the error of a kind that is none of a sign-in.
func noSignIn(k Kind) error {
	text := fmt.Sprintf("no site accepts %q as a sign-in; there are %s", string(k), string(Bearer))
	for _, other := range signIns {
		text += ", " + string(other)
	}
	return &OptionError{k, "", text}
}

func propertyNamed(name string) (property, bool) {
	for _, p := range properties {
		if strings.EqualFold(p.name, name) {
			return p, true
		}
	}
	return property{}, false
}

// OptionNames lists the options that count for a kind, all of them if it is
// empty.
func OptionNames(k Kind) string {
	var names []string
	for _, p := range properties {
		if k == "" || p.counts(k) {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// parse sets the property of s, or says what a value is like.
func (p property) parse(s *Settings, text string) (want string) {
	var err error
	switch v := p.at(s).(type) {
	case *string:
		*v = text
	case *int:
		if *v, err = strconv.Atoi(text); err != nil {
			return "a number"
		}
	case *bool:
		var ok bool
		if *v, ok = dotnet.ParseBool(text); !ok {
			return "true or false"
		}
	case *Toggle:
		switch text {
		case "on":
			*v = On
		case "off":
			*v = Off
		default:
			return "on or off"
		}
	case *time.Duration:
		if text == span(None) {
			*v = None
		} else if *v, err = ParseSpan(text); err != nil {
			return "a duration such as 14d, 8h or 30m"
		}
	}
	return ""
}
