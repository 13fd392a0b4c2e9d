package testvectors_test

import (
	"slices"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// siteSettings are all settings of a site that concern the cookies of a farm, with
// .NET's defaults filled in. Each part has the line that it was decided on.
type siteSettings struct {
	HTTPRuntime    webconfig.HTTPRuntime
	MachineKey     webconfig.MachineKey
	AppSettings    webconfig.AppSettings
	Authentication webconfig.Authentication
	HTTPCookies    webconfig.HTTPCookies
	// Identity and Federation are nil for a site without Windows Identity
	// Foundation. There is never one without the other.
	Identity   *webconfig.Identity
	Federation *webconfig.Federation
	// Cora is nil for a site without Cora SeQuence.
	Cora *webconfig.Cora
	// Warnings are those of the file and of all parts.
	Warnings []webconfig.Warning
}

// allSettings reads all sections. The first fault found is returned, as an
// [*webconfig.Error], and nothing beside it: a site with a fault in one section does not
// start in .NET.
func allSettings(f *webconfig.File) (*siteSettings, error) {
	var (
		s   siteSettings
		ws  []webconfig.Warning // of WIF
		err error
	)
	if s.HTTPRuntime, err = f.HTTPRuntime(); err != nil {
		return nil, err
	}
	if s.MachineKey, err = f.MachineKey(false); err != nil {
		return nil, err
	}
	if s.AppSettings, err = f.AppSettings(); err != nil {
		return nil, err
	}
	if s.Authentication, err = f.Authentication(); err != nil {
		return nil, err
	}
	if s.HTTPCookies, err = f.HTTPCookies(); err != nil {
		return nil, err
	}
	if s.Identity, s.Federation, ws, err = f.IdentityAndFederation(); err != nil {
		return nil, err
	}
	if s.Cora, err = f.Cora(); err != nil {
		return nil, err
	}
	s.Warnings = slices.Concat(f.Warnings(), s.MachineKey.Warnings, s.AppSettings.Warnings,
		s.Authentication.Warnings,
		s.Authentication.ProtectionWarnings(s.MachineKey.Mode), ws)
	if s.Cora != nil {
		s.Warnings = append(s.Warnings, s.Cora.Warnings...)
	}
	return &s, nil
}
