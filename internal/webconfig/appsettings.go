package webconfig

import (
	"math"
	"strconv"

	"github.com/webfarm-go/webfarm/internal/dotnet"
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
	// SuppressSameSiteNone leaves SameSite=None out of cookies.
	SuppressSameSiteNone = "aspnet:SuppressSameSiteNone"
	// MaxHTTPCollectionKeys bounds the number of cookies in a request. It is
	// a number; see [AppSettings.MaxCookies].
	MaxHTTPCollectionKeys = "aspnet:MaxHttpCollectionKeys"
)

// switches are the keys with a boolean, in the spelling of .NET. Those without
// a name here concern view state, and the user names that IIS gets.
var switches = [...]string{
	UseLegacyEncryption, UseLegacyMachineKeyEncryption, UseLegacyFormsTicket,
	"aspnet:AllowInsecureDeserialization", "aspnet:AllowRelaxedHttpUserName",
	SuppressSameSiteNone, "aspnet:AlwaysIgnoreViewStateValidationErrors",
	"aspnet:UseLegacyEventValidationCompatibility",
}

// AppSettings are the switches in <appSettings>. No other key is kept: values
// there may be secrets.
type AppSettings struct {
	Switches   []Switch  // that the site sets, in a fixed order
	MaxCookies int       // [MaxHTTPCollectionKeys], math.MaxInt32 by default
	Line       int       // of the element, 0 if there is none
	Warnings   []Warning // app_settings_file_not_read, or none
}

// Switch is one boolean of <appSettings>.
type Switch struct {
	Key   string // one of the constants, whatever its case in the file
	On    bool   // what .NET goes by: false for a value that is no boolean
	Valid bool   // the value is a boolean
	File  string // that the value comes from, empty for the one that was parsed
	Line  int    // of the element in that file, 0 for a switch not set
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

// AppSettings reads the switches of <appSettings>, and then those of the file
// that its attribute file names. As in .NET, a missing file is no fault. A file
// that is outside the folder or cannot be looked for is warned of. Keys compare
// without regard to case, and the last <add> of a key counts.
func (f *File) AppSettings() (AppSettings, error) {
	s := f.Section("appSettings")
	all := AppSettings{MaxCookies: math.MaxInt32, Line: s.RefLine}
	source := s.Text("file", "")
	s.Done()
	found := map[string]*Section{} // the <add> of each key
	s.settings(found)
	more, warning := s.mergeFile(source)
	if warning != "" {
		all.Warnings = []Warning{{"app_settings_file_not_read", s.RefLine, warning}}
	}
	more.settings(found)
	for _, key := range switches {
		if add := found[key]; add != nil {
			on, valid := dotnet.ParseBool(add.Text("value", ""))
			all.Switches = append(all.Switches, Switch{key, on, valid, add.File, add.Line})
		}
	}
	if add := found[MaxHTTPCollectionKeys]; add != nil {
		n, err := strconv.ParseInt(trim(add.Text("value", "")), 10, 32)
		if err == nil && n >= 0 {
			all.MaxCookies = int(n)
		}
	}
	return result(s.r, all)
}

// settings applies the children of <appSettings> to found, in file order.
func (s *Section) settings(found map[string]*Section) {
	for _, c := range s.entries("add", "remove", "clear") {
		switch c.Name {
		case "add":
			c.ignore("value")
			if key := canonicalKey(c.Text("key", "")); key != "" {
				found[key] = c
			}
		case "remove":
			delete(found, canonicalKey(c.Text("key", "")))
		case "clear":
			clear(found)
		}
		c.Done()
		c.OnlyChildren()
	}
}

// canonicalKey returns .NET's spelling of a key of interest, or "".
func canonicalKey(key string) string {
	for _, k := range append(switches[:], MaxHTTPCollectionKeys) {
		if fold.Equal(k, key) {
			return k
		}
	}
	return ""
}
