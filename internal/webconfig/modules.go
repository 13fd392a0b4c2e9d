package webconfig

import (
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// The modules of IIS that read and write cookies, with their names in
// <modules>: forms authentication, which applicationHost.config adds, and the
// sessions of Windows Identity Foundation, which each site adds itself.
const (
	FormsModule   = "FormsAuthentication"
	SessionModule = "SessionAuthenticationModule"
)

// moduleClass is the class behind a name, which may have another one in a site.
func moduleClass(name string) []string {
	if name == FormsModule {
		return []string{"System.Web.Security.FormsAuthenticationModule"}
	}
	return []string{"System.IdentityModel.Services.SessionAuthenticationModule",
		"Microsoft.IdentityModel.Web.SessionAuthenticationModule"}
}

// ModuleRemoved returns the line in <system.webServer><modules> of the
// application that removes a module, and 0 if none does or a later one adds it
// again. Elements work in file order, as in IIS; names compare without regard
// to case.
func (f *File) ModuleRemoved(name string) int {
	removed := 0
	for _, top := range f.applicationRoots() {
		for server := range top.ChildrenNamed("system.webServer") {
			for modules := range server.ChildrenNamed("modules") {
				for _, e := range modules.Children {
					removed = moduleRemoved(e, name, removed)
				}
			}
		}
	}
	return removed
}

// moduleRemoved is what removed becomes by one element of <modules>.
func moduleRemoved(e *xmltree.Element, name string, removed int) int {
	found, _ := e.Attr("name")
	switch e.Name {
	case "clear":
		return e.Line
	case "remove":
		if fold.Equal(found, name) {
			return e.Line
		}
	case "add":
		class, _ := e.Attr("type")
		for _, c := range moduleClass(name) {
			if fold.Equal(found, name) || TypeName(class) == c {
				return 0
			}
		}
	}
	return removed
}
