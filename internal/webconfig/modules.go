package webconfig

import (
	"slices"

	"github.com/webfarm-go/webfarm/internal/fold"
)

// The modules of IIS that read and write cookies, with their names in
// <modules>: forms authentication, which applicationHost.config adds, and the
// sessions of Windows Identity Foundation, which each site adds itself.
const (
	FormsModule   = "FormsAuthentication"
	SessionModule = "SessionAuthenticationModule"
)

// moduleClasses are the classes behind a name, which may have another one in a site.
var moduleClasses = map[string][]string{
	FormsModule: {"System.Web.Security.FormsAuthenticationModule"},
	SessionModule: {"System.IdentityModel.Services.SessionAuthenticationModule",
		"Microsoft.IdentityModel.Web.SessionAuthenticationModule"},
}

// ModuleRemoved returns the line in <system.webServer><modules> of the
// application that removes a module, and 0 if none does or a later one adds it
// again. Elements work in file order, as in IIS; names compare without regard
// to case.
func (f *File) ModuleRemoved(name string) int {
	removed := 0
	for _, e := range f.list("system.webServer", "modules") {
		found, _ := e.Attr("name")
		class, _ := e.Attr("type")
		named := fold.Equal(found, name)
		switch {
		case e.Name == "clear", e.Name == "remove" && named:
			removed = e.Line
		case e.Name == "add" && (named || slices.Contains(moduleClasses[name], TypeName(class))):
			removed = 0
		}
	}
	return removed
}
