package webconfig

// HTTPCookies is <system.web><httpCookies>: the defaults of every cookie that
// code on the .NET node makes (System.Web.Configuration.HttpCookiesSection).
// Katana's cookies get them too under Host.SystemWeb.
type HTTPCookies struct {
	// HTTPOnly hides cookies from scripts (httpOnlyCookies).
	HTTPOnly bool
	// RequireSSL makes cookies Secure.
	RequireSSL bool
	// Domain is the domain of cookies, empty for none.
	Domain string
	// SameSite is one of None, Lax, Strict, and Unspecified for a cookie
	// without the attribute.
	SameSite string
	// Line is the line of the element, 0 if there is none.
	Line int
}

// HTTPCookies reads <system.web><httpCookies>.
func (f *File) HTTPCookies() (HTTPCookies, error) {
	s, err := f.Section("system.web", "httpCookies")
	if err != nil {
		return HTTPCookies{}, err
	}
	a := s.Attributes()
	c := HTTPCookies{
		HTTPOnly:   a.Bool("httpOnlyCookies", false),
		RequireSSL: a.Bool("requireSSL", false),
		Domain:     trim(a.Text("domain", "")),
		SameSite:   sameSite(a.EnumFold("sameSite", sameSiteUnspecified, "None", "Lax", "Strict", sameSiteUnspecified, "-1")),
	}
	if s != nil {
		c.Line = s.RefLine
	}
	if err := a.Done(); err != nil {
		return HTTPCookies{}, err
	}
	return c, s.OnlyChildren()
}
