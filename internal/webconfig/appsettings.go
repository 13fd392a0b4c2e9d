package webconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// The keys of <appSettings> that change how .NET protects or sends cookies
// (System.Web.Util.AppSettings).
const (
	// UseLegacyEncryption makes the legacy modes encrypt without signing,
	// save for membership and MachineKey.Encode.
	UseLegacyEncryption = "aspnet:UseLegacyEncryption"
	// UseLegacyMachineKeyEncryption makes MachineKey.Encode encrypt without
	// signing in the legacy modes.
	UseLegacyMachineKeyEncryption = "aspnet:UseLegacyMachineKeyEncryption"
	// UseLegacyFormsTicket brings back the forms tickets of before 2011.
	UseLegacyFormsTicket = "aspnet:UseLegacyFormsAuthenticationTicketCompatibility"
	// AllowInsecureDeserialization concerns view state; unset, the registry
	// decides.
	AllowInsecureDeserialization = "aspnet:AllowInsecureDeserialization"
	// AllowRelaxedHTTPUserName concerns the user names that IIS gets.
	AllowRelaxedHTTPUserName = "aspnet:AllowRelaxedHttpUserName"
	// SuppressSameSiteNone leaves SameSite=None out of cookies.
	SuppressSameSiteNone = "aspnet:SuppressSameSiteNone"
	// IgnoreViewStateErrors concerns view state alone.
	IgnoreViewStateErrors = "aspnet:AlwaysIgnoreViewStateValidationErrors"
	// UseLegacyEventValidation concerns view state alone.
	UseLegacyEventValidation = "aspnet:UseLegacyEventValidationCompatibility"
	// MaxHTTPCollectionKeys bounds the number of cookies in a request. It is
	// a number; see [AppSettings.MaxCookies].
	MaxHTTPCollectionKeys = "aspnet:MaxHttpCollectionKeys"
)

// switches are the keys with a boolean, in the spelling of .NET.
var switches = [...]string{
	UseLegacyEncryption, UseLegacyMachineKeyEncryption, UseLegacyFormsTicket, AllowInsecureDeserialization,
	AllowRelaxedHTTPUserName, SuppressSameSiteNone, IgnoreViewStateErrors, UseLegacyEventValidation,
}

// AppSettings are the switches in <appSettings>. No other key is kept: values
// there may be secrets.
type AppSettings struct {
	// Switches are those that the site sets, in the order of the constants.
	Switches []Switch
	// MaxCookies is [MaxHTTPCollectionKeys], math.MaxInt32 by default.
	MaxCookies int
	// Line is the line of the element, 0 if there is none.
	Line int
	// Warnings is app_settings_file_not_read, or none.
	Warnings []Warning
}

// Switch is one boolean of <appSettings>.
type Switch struct {
	// Key is one of the constants, whatever its case in the file.
	Key string
	// On is what .NET goes by: false for a value that is no boolean.
	On bool
	// Valid reports whether the value is a boolean.
	Valid bool
	// File is the file that the value comes from, empty for the one that was
	// parsed.
	File string
	// Line is the line of the element in that file, 0 for a switch not set.
	Line int
}

// Switch returns the switch of one of the constants, off if it is not set.
func (a AppSettings) Switch(key string) Switch {
	for _, s := range a.Switches {
		if s.Key == key {
			return s
		}
	}
	return Switch{Key: key}
}

// setting is one key of <appSettings> that is of interest.
type setting struct {
	value, file string
	line        int
}

// AppSettings reads the switches of <appSettings>, and of the file that its
// attribute file names: what stands there is applied after the section itself.
// As in .NET, a missing file is no fault. A file outside the folder of the
// web.config, or one that there is nothing to open with, is not read but
// warned of.
//
// Keys compare without regard to case, and the last <add> of a key counts.
func (f *File) AppSettings() (AppSettings, error) {
	all := AppSettings{MaxCookies: math.MaxInt32}
	s, err := f.Section("appSettings")
	if err != nil || s == nil {
		return all, err
	}
	all.Line = s.RefLine
	a := s.Attributes()
	source := a.Text("file", "")
	if err := a.Done(); err != nil {
		return AppSettings{}, err
	}
	found := map[string]setting{} // by key
	if err := s.settings(found); err != nil {
		return AppSettings{}, err
	}
	if source != "" {
		more, warning, err := f.mergeFile(s, source)
		if err != nil {
			return AppSettings{}, err
		}
		if warning != "" {
			all.Warnings = append(all.Warnings, Warning{Code: "app_settings_file_not_read", Line: s.RefLine, Text: warning})
		}
		if err := more.settings(found); err != nil {
			return AppSettings{}, err
		}
	}
	for _, key := range switches {
		if v, ok := found[key]; ok {
			on, valid := ParseBool(v.value)
			all.Switches = append(all.Switches, Switch{Key: key, On: on, Valid: valid, File: v.file, Line: v.line})
		}
	}
	if v, ok := found[MaxHTTPCollectionKeys]; ok {
		if n, err := strconv.ParseInt(trim(v.value), 10, 32); err == nil && n >= 0 {
			all.MaxCookies = int(n)
		}
	}
	return all, nil
}

// settings applies the children of <appSettings> to found, in file order.
func (s *Section) settings(found map[string]setting) error {
	if s == nil {
		return nil
	}
	if err := s.OnlyChildren("add", "remove", "clear"); err != nil {
		return err
	}
	for _, e := range s.Children {
		c := &Section{Path: s.Path + "/" + e.Name, File: s.File, RefLine: e.Line, Element: e}
		a := c.Attributes()
		switch e.Name {
		case "add":
			key, value := a.Text("key", ""), a.Text("value", "")
			if key = canonicalKey(key); key != "" {
				found[key] = setting{value, c.File, c.Line}
			}
		case "remove":
			delete(found, canonicalKey(a.Text("key", "")))
		case "clear":
			clear(found)
		}
		if err := a.Done(); err != nil {
			return err
		}
		if err := c.OnlyChildren(); err != nil {
			return err
		}
	}
	return nil
}

// canonicalKey returns .NET's spelling of a key of interest, or "".
func canonicalKey(key string) string {
	for _, k := range switches {
		if fold.Equal(k, key) {
			return k
		}
	}
	if fold.Equal(key, MaxHTTPCollectionKeys) {
		return MaxHTTPCollectionKeys
	}
	return ""
}

// mergeFile returns the root of the file that <appSettings file="…"> names,
// nil if there is no such file. If it cannot be looked for, a warning says
// why.
func (f *File) mergeFile(s *Section, source string) (more *Section, warning string, err error) {
	const attribute = "file"
	name := strings.ReplaceAll(source, `\`, "/") // unlike configSource, slashes are fine here
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(s.File), name)
	}
	switch {
	case f.open == nil:
		return nil, fmt.Sprintf("file=%s was not read, as the web.config was not loaded from disk; switches there are not seen", quote(source)), nil
	case !fs.ValidPath(name) || name == "." || strings.Contains(name, ":"):
		return nil, fmt.Sprintf("file=%s is outside the folder of the web.config and was not read; switches there are not seen", quote(source)), nil
	}
	r, err := f.open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		fault := s.fault(CodeUnreadable, attribute, quote(source), "")
		fault.Err = err
		return nil, "", fault
	}
	defer r.Close()
	root, err := readXML(r)
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.Section = s.Path
		}
		return nil, "", inFile(err, name)
	}
	more = &Section{Path: s.Path, File: name, RefLine: s.RefLine, Element: root}
	if root.Space != "" || root.Name != s.Name {
		return nil, "", more.fault(CodeUnknownElement, "", "root <"+showName(root.Name)+">", "<appSettings>")
	}
	return more, "", more.Attributes().Done() // no attributes there, so no third file either
}
