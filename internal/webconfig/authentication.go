package webconfig

import "cmp"

// Authentication is <system.web><authentication>
// (System.Web.Configuration.AuthenticationSection).
type Authentication struct {
	Mode  string // Windows, Forms, None or Passport
	Forms *Forms // nil unless Mode is Forms
	Line  int    // of the element, 0 if there is none
	// Warnings is forms_may_be_cookieless, or none; see also
	// [Authentication.ProtectionWarnings].
	Warnings []Warning
}

// Forms is <authentication><forms> with all defaults filled in
// (System.Web.Configuration.FormsAuthenticationConfiguration). The names of
// enumerations are those of the file.
type Forms struct {
	Name string // of the cookie
	// LoginURL and DefaultURL are as written: relative, or with ~/ in front
	// for the root of the application.
	LoginURL, DefaultURL string
	// Protection is All, None, Encryption or Validation. In mode Framework45
	// it has no effect.
	Protection     string
	TimeoutMinutes int    // of a ticket, at least 1
	Path           string // of the cookie
	// RequireSSL makes the cookie Secure and the .NET node ignore it over
	// plain HTTP. If RequireSSLUnset, it is .NET's default, false.
	RequireSSL, RequireSSLUnset bool
	SlidingExpiration           bool   // half-used tickets are issued again
	Cookieless                  string // UseUri, UseCookies, AutoDetect or UseDeviceProfile
	Domain                      string // of the cookie, empty for none
	EnableCrossAppRedirects     bool   // allows the ticket in query strings and forms
	// TicketCompatibilityMode is Framework20 or Framework40. .NET ignores it
	// unless an old layout of tickets is switched on in <appSettings>.
	TicketCompatibilityMode string
	CookieSameSite          string   // None, Lax, Strict, or Unspecified for a cookie without it
	Line                    int      // of the element, or else of <authentication>
	Said                    []string // its attributes
}

// sameSiteUnspecified stands for a cookie without the attribute SameSite.
const sameSiteUnspecified = "Unspecified"

// Authentication reads <system.web><authentication> and its <forms>. A fault
// in <forms> is one in every mode, as in .NET.
func (f *File) Authentication() (Authentication, error) {
	s := f.Section("system.web", "authentication")
	auth := Authentication{Mode: s.Enum("mode", "Windows", "Windows", "Forms", "None", "Passport"),
		Line: s.RefLine}
	s.Done()
	s.OnlyChildren("forms", "passport")
	forms := readForms(s.Child("forms"))
	if auth.Mode == "Forms" {
		forms.Line = cmp.Or(forms.Line, auth.Line)
		auth.Forms = &forms
		if forms.Cookieless != "UseCookies" {
			auth.Warnings = []Warning{{"forms_may_be_cookieless", forms.Line,
				`with cookieless="` + forms.Cookieless +
					`" the ticket may be in the URL, as /(F(…))/, and not in a cookie; want cookieless="UseCookies"`}}
		}
	}
	return result(s.r, auth)
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
		Text: `with protection="` + f.Protection + `" in mode ` + mode + " " + what +
			`; want protection="All" on all nodes`}}
}

func readForms(s *Section) Forms {
	forms := Forms{
		Name:              s.NonEmpty("name", ".ASPXAUTH"),
		LoginURL:          s.NonEmpty("loginUrl", "login.aspx"),
		DefaultURL:        s.NonEmpty("defaultUrl", "default.aspx"),
		Protection:        s.Enum("protection", "All", "All", "None", "Encryption", "Validation"),
		TimeoutMinutes:    s.Int("timeout", 30, 1, CodeInvalidTimeout),
		Path:              s.NonEmpty("path", "/"),
		RequireSSL:        s.Bool("requireSSL", false),
		SlidingExpiration: s.Bool("slidingExpiration", true),
		Cookieless: s.Enum("cookieless", "UseDeviceProfile", "UseUri", "UseCookies",
			"AutoDetect", "UseDeviceProfile"),
		Domain:                  trim(s.Text("domain", "")),
		EnableCrossAppRedirects: s.Bool("enableCrossAppRedirects", false),
		TicketCompatibilityMode: s.Enum("ticketCompatibilityMode", "Framework20", "Framework20", "Framework40"),
		CookieSameSite: sameSite(s.Enum("cookieSameSite", "Lax", "None", "Lax", "Strict",
			sameSiteUnspecified, "-1")),
		Line: s.RefLine, Said: s.Said(),
	}
	_, said := s.Attr("requireSSL")
	forms.RequireSSLUnset = !said
	s.Done()
	s.OnlyChildren("credentials")
	return forms
}

// sameSite evens out the two spellings of a cookie without SameSite.
func sameSite(value string) string {
	if value == "-1" {
		return sameSiteUnspecified
	}
	return value
}
