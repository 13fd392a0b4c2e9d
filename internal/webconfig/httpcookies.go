package webconfig

// HTTPCookies is <system.web><httpCookies>: the defaults of every cookie that
// code on the .NET node makes (System.Web.Configuration.HttpCookiesSection).
// Katana's cookies get them too under Host.SystemWeb.
type HTTPCookies struct {
	HTTPOnly   bool   // httpOnlyCookies: hides cookies from scripts
	RequireSSL bool   // makes cookies Secure
	Domain     string // empty for none
	SameSite   string // None, Lax, Strict, or Unspecified for a cookie without it
	Line       int    // of the element, 0 if there is none
}

// HTTPCookies reads <system.web><httpCookies>.
func (f *File) HTTPCookies() (HTTPCookies, error) {
	s := f.Section("system.web", "httpCookies")
	c := HTTPCookies{
		HTTPOnly:   s.Bool("httpOnlyCookies", false),
		RequireSSL: s.Bool("requireSSL", false),
		Domain:     trim(s.Text("domain", "")),
		SameSite: sameSite(s.EnumFold("sameSite", sameSiteUnspecified, "None", "Lax", "Strict",
			sameSiteUnspecified, "-1")),
		Line: s.RefLine,
	}
	s.Done()
	s.OnlyChildren()
	return result(s.r, c)
}
