package webconfig

// HTTPRuntime is <system.web><httpRuntime>, as far as it matters for cookies
// (System.Web.Configuration.HttpRuntimeSection).
type HTTPRuntime struct {
	TargetFramework string  // as written, blanks included; empty if there is none
	Version         Version // TargetFramework, or 4.0
	Line            int     // of the element, 0 if there is none
}

// TargetsFramework45 reports whether the application targets .NET 4.5 or
// later, which makes Framework45 the default compatibility mode.
// <compilation targetFramework> has no part in it.
func (h HTTPRuntime) TargetsFramework45() bool {
	return h.Version[0] > 4 || h.Version[0] == 4 && h.Version[1] >= 5
}

// HTTPRuntime reads <system.web><httpRuntime>. Its other attributes concern
// the .NET node alone and are not checked. What could be read is returned
// beside an error, too.
func (f *File) HTTPRuntime() (HTTPRuntime, error) {
	s := f.Section("system.web", "httpRuntime")
	h := HTTPRuntime{TargetFramework: s.Text("targetFramework", ""), Version: Version{4, 0, -1, -1},
		Line: s.RefLine}
	if h.TargetFramework != "" {
		h.Version = parsed(s, "targetFramework", h.Version, ParseVersion,
			CodeInvalidTargetFramework, `a version such as "4.8", with a dot and without v`)
	}
	s.DonePartly()
	return h, s.Err()
}
