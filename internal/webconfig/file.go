package webconfig

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// File is one parsed web.config. It is not safe for concurrent use: it reads the
// files beside it when a section is asked for.
type File struct {
	root      *xmltree.Element
	locations []location
	declared  map[string]bool // names in <configSections>
	open      func(name string) (io.ReadCloser, error)
	folder    string // of the file in the tree of LoadFS, empty without one
	files     map[string]besideFile
}

type location struct {
	element   *xmltree.Element
	path      string // as written
	inherited bool   // inheritInChildApplications, default true
}

// ofApplication reports whether the location concerns the application as a
// whole: no path, "" or ".".
func (l location) ofApplication() bool { return l.path == "" || l.path == "." }

// Parse reads one web.config and checks its outline: well-formed XML within the
// limits, the root <configuration>, and the attributes of <location>. Sections
// are checked when they are asked for, so a fault in one is no obstacle to the
// others.
//
// open opens the file that a configSource attribute names, as a clean
// slash-separated path below the folder of the web.config, once for each file.
// If nil, such a section is a fault.
func Parse(r io.Reader, open func(name string) (io.ReadCloser, error)) (*File, error) {
	root, err := readXML(r)
	if err != nil {
		return nil, err
	}
	f := &File{root: root, declared: map[string]bool{}, open: open, files: map[string]besideFile{}}
	if root.Name != "configuration" || root.Space != "" {
		want := "<configuration>"
		switch {
		case fold.Equal(root.Name, "machineKey"):
			want = "the whole file: <configuration><system.web><machineKey …/></system.web></configuration>"
		case root.Space != "":
			want += " without namespace"
		}
		return nil, &Error{Code: CodeUnknownElement, Line: root.Line,
			Found: "root <" + secret.Name(root.Name) + ">", Want: want}
	}
	for _, e := range root.Children {
		if e.Is("", "configSections") {
			f.declare(e)
		}
	}
	for _, e := range root.Children {
		if bad := checkSpelling(e, "location", "", ""); bad != nil && !f.declared[e.Name] {
			return nil, bad
		}
		if e.Space != "" || e.Name != "location" {
			continue
		}
		s := &Section{Path: "location", Element: e, RefLine: e.Line, r: &reader{f: f}}
		l := location{element: e, path: s.Text("path", ""),
			inherited: s.Bool("inheritInChildApplications", true)}
		if s.DonePartly(); s.Err() != nil { // allowOverride and overrideMode concern other files
			return nil, s.Err()
		}
		f.locations = append(f.locations, l)
	}
	return f, nil
}

// declare notes the section names that the file gives itself. They are legal
// even where they look like a misspelling.
func (f *File) declare(e *xmltree.Element) {
	for _, c := range e.Children {
		if name, ok := c.Attr("name"); ok {
			f.declared[name] = true
		}
		f.declare(c) // as deep as the parser lets elements nest
	}
}

// The namespaces of configuration files.
const (
	// nsConfiguration is the default namespace of old configuration files. It
	// means nothing and is read as no namespace at all.
	nsConfiguration = "http://schemas.microsoft.com/.NetConfiguration/v2.0"
	// TransformNamespace is the namespace of web.Release.config and the like, which are
	// build-time transforms and no configuration.
	TransformNamespace = "http://schemas.microsoft.com/XML-Document-Transform"
)

// FoundTransform is [Error.Found] of a file that is a transform.
const FoundTransform = "a transform for the build"

func readXML(r io.Reader) (*xmltree.Element, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, &Error{Code: CodeUnreadable, Err: err}
	}
	if len(data) > MaxFileBytes {
		return nil, &Error{Code: CodeTooLarge, Want: fmt.Sprintf("at most %d bytes", MaxFileBytes)}
	}
	root, err := xmltree.Parse(data, xmltree.Limits{
		Bytes: MaxFileBytes, Elements: maxElements, Depth: maxDepth})
	if bad := (*xmltree.Error)(nil); errors.As(err, &bad) {
		return nil, &Error{Code: xmlCodes[bad.Err], Line: bad.Line,
			Found: bad.Found, Want: bad.Want}
	}
	return root, checkSpaces(root, "")
}

var xmlCodes = map[error]string{
	xmltree.ErrSyntax:  CodeMalformedXML,
	xmltree.ErrCharset: CodeUnsupportedCharset,
	xmltree.ErrDTD:     CodeDTD,
	xmltree.ErrLimit:   CodeTooComplex,
}

// checkSpaces takes the configuration namespace off e and what is below it. It
// reports the first attribute of XML-Document-Transform, wherever it stands: the
// file is a step of the build, and what it leaves out is in another one. path is
// the path of the section around e.
func checkSpaces(e *xmltree.Element, path string) error {
	if e.Space == nsConfiguration {
		e.Space = ""
	}
	if path != "" || e.Name != "configuration" {
		path = strings.TrimPrefix(path+"/"+secret.Name(e.Name), "/")
	}
	for _, a := range e.Attrs {
		if a.Space == TransformNamespace {
			return &Error{Code: CodeUnknownAttribute, Section: path, Attribute: secret.Name(a.Name),
				Line: e.Line, Found: FoundTransform,
				Want: "the deployed file, not web.Release.config or the like"}
		}
	}
	for _, c := range e.Children {
		if err := checkSpaces(c, path); err != nil { // as deep as the parser lets elements nest
			return err
		}
	}
	return nil
}

// systemWeb are the sections of <system.web> that machine.config declares.
var systemWeb = []string{
	"anonymousIdentification", "authentication", "authorization", "browserCaps", "caching",
	"clientTarget", "compilation", "customErrors", "deployment", "deviceFilters",
	"fullTrustAssemblies", "globalization", "healthMonitoring", "hostingEnvironment",
	"httpCookies", "httpHandlers", "httpModules", "httpRuntime", "identity", "machineKey",
	"membership", "mobileControls", "pages", "partialTrustVisibleAssemblies", "processModel",
	"profile", "protocols", "roleManager", "securityPolicy", "sessionPageState",
	"sessionState", "siteMap", "trace", "trust", "urlMappings", "webControls", "webParts",
	"webServices", "xhtmlConformance",
}

// Warnings returns the remarks that concern the file and no single section:
// location_not_inherited for a <location> of the application whose settings do
// not reach child applications, and unknown_section for what stands in
// <system.web> and is no section of it, <clear/> among that.
func (f *File) Warnings() []Warning {
	var ws []Warning
	for _, l := range f.locations {
		if l.ofApplication() && !l.inherited {
			ws = append(ws, Warning{Code: "location_not_inherited", Line: l.element.Line,
				Text: "the settings in this <location> do not apply to child applications"})
		}
	}
	for _, c := range f.list("system.web") {
		if !slices.Contains(systemWeb, c.Name) && !f.declared[c.Name] {
			ws = append(ws, Warning{Code: "unknown_section", Line: c.Line,
				Text: fmt.Sprintf("<%s> is no section of <system.web>: .NET does not start with it, "+
					"unless another file declares it", secret.Name(c.Name))})
		}
	}
	return ws
}
