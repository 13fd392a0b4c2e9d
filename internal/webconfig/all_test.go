package webconfig

import (
	"cmp"
	"slices"
)

// Settings are all settings of a site that concern the cookies of a farm, with
// .NET's defaults filled in. Each part has the line that it was decided on.
type Settings struct {
	HTTPRuntime    HTTPRuntime
	MachineKey     MachineKey
	AppSettings    AppSettings
	Authentication Authentication
	HTTPCookies    HTTPCookies
	// Identity and Federation are nil for a site without Windows Identity
	// Foundation. There is never one without the other.
	Identity   *Identity
	Federation *Federation
	// Cora is nil for a site without Cora SeQuence.
	Cora *Cora
	// Warnings are those of the file and of all parts.
	Warnings []Warning
}

// Settings reads all sections. The first fault found is returned, as an
// [*Error], and nothing beside it: a site with a fault in one section does not
// start in .NET.
func (f *File) Settings() (*Settings, error) {
	runtime, err1 := f.HTTPRuntime()
	key, err2 := f.MachineKey(false)
	app, err3 := f.AppSettings()
	auth, err4 := f.Authentication()
	cookies, err5 := f.HTTPCookies()
	identity, federation, warnings, err6 := f.IdentityAndFederation()
	cora, err7 := f.Cora()
	if err := cmp.Or(err1, err2, err3, err4, err5, err6, err7); err != nil {
		return nil, err
	}
	s := &Settings{HTTPRuntime: runtime, MachineKey: key, AppSettings: app, Authentication: auth,
		HTTPCookies: cookies, Identity: identity, Federation: federation, Cora: cora}
	s.Warnings = slices.Concat(f.Warnings(), key.Warnings, app.Warnings, auth.Warnings,
		auth.ProtectionWarnings(key.Mode), warnings)
	if cora != nil {
		s.Warnings = append(s.Warnings, cora.Warnings...)
	}
	return s, nil
}
