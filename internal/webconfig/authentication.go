package webconfig

// Authentication is <system.web><authentication>
// (System.Web.Configuration.AuthenticationSection).
type Authentication struct {
	// Mode is one of Windows, Forms, None, Passport.
	Mode string
	// Forms are the settings of the forms cookie, nil unless Mode is Forms.
	Forms *Forms
	// Line is the line of the element, 0 if there is none.
	Line int
	// Warnings is forms_may_be_cookieless, or none; see also
	// [Authentication.ProtectionWarnings].
	Warnings []Warning
}

// Forms is <authentication><forms> with all defaults filled in
// (System.Web.Configuration.FormsAuthenticationConfiguration). The names of
// enumerations are those of the file.
type Forms struct {
	// Name is the name of the cookie.
	Name string
	// LoginURL and DefaultURL are as written: relative, or with ~/ in front
	// for the root of the application.
	LoginURL, DefaultURL string
	// Protection is one of All, None, Encryption, Validation. In mode
	// Framework45 it has no effect.
	Protection string
	// TimeoutMinutes is the life of a ticket, at least 1.
	TimeoutMinutes int
	// Path is the path of the cookie.
	Path string
	// RequireSSL makes the cookie Secure and the .NET node ignore it over
	// plain HTTP.
	RequireSSL bool
	// RequireSSLUnset reports that the file does not say, so that RequireSSL is
	// .NET's default, false.
	RequireSSLUnset bool
	// SlidingExpiration says that half-used tickets are issued again.
	SlidingExpiration bool
	// Cookieless is one of UseUri, UseCookies, AutoDetect, UseDeviceProfile.
	Cookieless string
	// Domain is the domain of the cookie, empty for none.
	Domain string
	// EnableCrossAppRedirects allows the ticket in query strings and forms.
	EnableCrossAppRedirects bool
	// TicketCompatibilityMode is Framework20 or Framework40. .NET ignores it
	// unless an old layout of tickets is switched on in <appSettings>.
	TicketCompatibilityMode string
	// CookieSameSite is one of None, Lax, Strict, and Unspecified for a cookie
	// without the attribute.
	CookieSameSite string
	// Line is the line of the element, or of <authentication> if there is
	// none.
	Line int
}

// sameSiteUnspecified stands for a cookie without the attribute SameSite.
const sameSiteUnspecified = "Unspecified"

// Authentication reads <system.web><authentication> and its <forms>. A fault
// in <forms> is one in every mode, as in .NET.
func (f *File) Authentication() (Authentication, error) {
	s, err := f.Section("system.web", "authentication")
	if err != nil {
		return Authentication{}, err
	}
	a := s.Attributes()
	auth := Authentication{Mode: a.Enum("mode", "Windows", "Windows", "Forms", "None", "Passport")}
	if err := a.Done(); err != nil {
		return Authentication{}, err
	}
	if err := s.OnlyChildren("forms", "passport"); err != nil {
		return Authentication{}, err
	}
	child, err := s.Child("forms")
	if err != nil {
		return Authentication{}, err
	}
	forms, err := readForms(child)
	if err != nil {
		return Authentication{}, err
	}
	if s != nil {
		auth.Line = s.RefLine
	}
	if auth.Mode != "Forms" {
		return auth, nil
	}
	if forms.Line == 0 {
		forms.Line = auth.Line
	}
	auth.Forms = &forms
	if forms.Cookieless != "UseCookies" {
		auth.Warnings = append(auth.Warnings, Warning{Code: "forms_may_be_cookieless", Line: forms.Line,
			Text: `with cookieless="` + forms.Cookieless + `" the ticket may be in the URL, as /(F(…))/, and not in a cookie; want cookieless="UseCookies"`})
	}
	return auth, nil
}

// ProtectionWarnings is forms_protection_not_all if the tickets of a legacy mode have
// another protection than All; in mode Framework45 .NET ignores it.
func (a Authentication) ProtectionWarnings(mode string) []Warning {
	f := a.Forms
	if f == nil || mode == Framework45 || f.Protection == "All" {
		return nil
	}
	what := map[string]string{
		"None":       "anybody can read and write a ticket",
		"Validation": "anybody can read a ticket",
		"Encryption": "only the security update of 2010 (MS10-070) signs tickets: a node without it takes changed ones",
	}[f.Protection]
	return []Warning{{Code: "forms_protection_not_all", Line: f.Line,
		Text: `with protection="` + f.Protection + `" in mode ` + mode + " " + what + `; want protection="All" on all nodes`}}
}

// readForms reads <forms>, which may be absent (nil).
func readForms(s *Section) (Forms, error) {
	a := s.Attributes()
	forms := Forms{
		Name:                    a.NonEmpty("name", ".ASPXAUTH"),
		LoginURL:                a.NonEmpty("loginUrl", "login.aspx"),
		DefaultURL:              a.NonEmpty("defaultUrl", "default.aspx"),
		Protection:              a.Enum("protection", "All", "All", "None", "Encryption", "Validation"),
		TimeoutMinutes:          a.Int("timeout", 30, 1, CodeInvalidTimeout),
		Path:                    a.NonEmpty("path", "/"),
		RequireSSL:              a.Bool("requireSSL", false),
		SlidingExpiration:       a.Bool("slidingExpiration", true),
		Cookieless:              a.Enum("cookieless", "UseDeviceProfile", "UseUri", "UseCookies", "AutoDetect", "UseDeviceProfile"),
		Domain:                  trim(a.Text("domain", "")),
		EnableCrossAppRedirects: a.Bool("enableCrossAppRedirects", false),
		TicketCompatibilityMode: a.Enum("ticketCompatibilityMode", "Framework20", "Framework20", "Framework40"),
		CookieSameSite:          a.Enum("cookieSameSite", "Lax", "None", "Lax", "Strict", sameSiteUnspecified, "-1"),
	}
	forms.CookieSameSite = sameSite(forms.CookieSameSite)
	_, said := a.Lookup("requireSSL")
	forms.RequireSSLUnset = !said
	if s != nil {
		forms.Line = s.RefLine
	}
	if err := a.Done(); err != nil {
		return Forms{}, err
	}
	return forms, s.OnlyChildren("credentials")
}

// sameSite evens out the two spellings of a cookie without SameSite.
func sameSite(value string) string {
	if value == "-1" {
		return sameSiteUnspecified
	}
	return value
}
