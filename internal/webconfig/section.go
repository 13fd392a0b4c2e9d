package webconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// reader reads sections of one file and keeps the first fault. After a fault
// every further section is absent, so its settings are the defaults.
type reader struct {
	f   *File
	err error
}

func (r *reader) fail(err *Error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

// result returns v, or the first fault and nothing beside it.
func result[T any](r *reader, v T) (T, error) {
	if r.err != nil {
		var none T
		return none, r.err
	}
	return v, nil
}

// Section is the element of one section, or of a part of one. An absent one is
// an element without attributes and children, and its RefLine is 0.
type Section struct {
	Path string // for errors, such as "system.web/machineKey"
	File string // the configSource that the element was read from, if any
	// RefLine is the line in the file that was parsed: of the element itself,
	// or of the element with the configSource attribute.
	RefLine int
	*xmltree.Element

	r        *reader
	location string   // the attribute path of the <location> around it
	known    []string // the attributes asked for
	bad      *Error   // the first faulty attribute
}

// Section returns the section at the given path of element names, under
// <configuration> or in a <location> of the application, and follows its
// configSource. A section that is there twice or encrypted is a fault, see
// [Section.Err], and so is an element whose name is nearly right: .NET would not
// start with it either.
func (f *File) Section(path ...string) *Section { return (&reader{f: f}).section(path...) }

// Err returns the first fault in the section and in what was read of it, as an
// [*Error].
func (s *Section) Err() error { return s.r.err }

func (r *reader) section(path ...string) *Section {
	name := strings.Join(path, "/")
	var found []*xmltree.Element
	for _, top := range r.f.applicationRoots() {
		found = append(found, r.descend(top, path)...)
	}
	if len(found) > 1 {
		r.fail(&Error{Code: CodeDuplicateSection, Section: name, Line: found[1].Line,
			Found: fmt.Sprintf("also on line %d", found[0].Line), Want: "the section once"})
	}
	if r.err != nil || len(found) == 0 {
		return r.absent(name)
	}
	return r.follow(name, found[0])
}

func (r *reader) absent(path string) *Section {
	return &Section{Path: path, Element: &xmltree.Element{}, r: r}
}

// sectionsIn returns the sections at path in the <location>s for parts of the
// site, in file order.
func (r *reader) sectionsIn(path ...string) []*Section {
	var all []*Section
	for _, l := range r.f.locations {
		if l.ofApplication() {
			continue
		}
		for _, e := range r.descend(l.element, path) {
			s := r.follow(strings.Join(path, "/"), e)
			s.location = l.path
			all = append(all, s)
		}
	}
	return all
}

// applicationRoots returns the elements that may hold sections of the
// application, in file order.
func (f *File) applicationRoots() []*xmltree.Element {
	roots := []*xmltree.Element{f.root}
	for _, l := range f.locations {
		if l.ofApplication() {
			roots = append(roots, l.element)
		}
	}
	return roots
}

// list returns what stands in the sections of the application at path, in file
// order, without looking for faults.
func (f *File) list(path ...string) (all []*xmltree.Element) {
	r := &reader{f: f}
	for _, top := range f.applicationRoots() {
		for _, e := range r.descend(top, path) {
			all = append(all, e.Children...)
		}
	}
	return all
}

// descend returns the elements at path below top. Section groups such as
// <system.web> may occur several times.
func (r *reader) descend(top *xmltree.Element, path []string) []*xmltree.Element {
	level := []*xmltree.Element{top}
	for i, name := range path {
		var below []*xmltree.Element
		for _, e := range level {
			for _, c := range e.Children {
				if !r.f.declared[c.Name] {
					r.fail(checkSpelling(c, name, strings.Join(path[:i], "/"), ""))
				}
				if c.Space == "" && c.Name == name {
					below = append(below, c)
				}
			}
		}
		level = below
	}
	return level
}

// follow resolves configSource and refuses encryption.
func (r *reader) follow(path string, e *xmltree.Element) *Section {
	s := &Section{Path: path, Element: e, RefLine: e.Line, r: r}
	s.refuseEncrypted()
	if _, ok := s.Attr("configSource"); ok && r.err == nil {
		s = s.include()
	}
	if r.err != nil {
		return r.absent(path)
	}
	return s
}

// refuseEncrypted reports a section that aspnet_regiis has encrypted: the keys
// are in the Windows machine's own stores.
func (s *Section) refuseEncrypted() {
	provider, protected := s.Attr("configProtectionProvider")
	isData := func(c *xmltree.Element) bool { return c.Name == "EncryptedData" }
	if protected || slices.ContainsFunc(s.Element.Children, isData) {
		s.fault(CodeEncryptedSection, "configProtectionProvider", "provider "+secret.Quote(provider),
			fmt.Sprintf("the section in plain text: run aspnet_regiis -pdf %q <folder> on a copy of the site, "+
				"on the machine that encrypted it", s.Path))
	}
}

func (s *Section) fault(code, attribute, found, want string) {
	s.r.fail(s.newFault(code, attribute, found, want))
}

func (s *Section) newFault(code, attribute, found, want string) *Error {
	return &Error{Code: code, Section: s.Path, Attribute: attribute, File: s.File, Line: s.Line,
		Found: found, Want: want}
}

func (s *Section) child(e *xmltree.Element) *Section {
	c := &Section{Path: s.Path + "/" + e.Name, File: s.File, Element: e, RefLine: e.Line, r: s.r}
	if s.File != "" {
		c.RefLine = s.RefLine
	}
	return c
}

// Child returns the one child section of that name. Twice the same, or a name
// that is nearly right, is a fault.
func (s *Section) Child(name string) *Section {
	return s.one(name, s.ChildSections(name), "the element once")
}

// one returns the only section of a list of children, or an absent one.
func (s *Section) one(child string, all []*Section, want string) *Section {
	if len(all) > 1 {
		all[1].fault(CodeDuplicateSection, "", fmt.Sprintf("also on line %d", all[0].Line), want)
	}
	if s.r.err != nil || len(all) == 0 {
		return s.r.absent(s.Path + "/" + child)
	}
	return all[0]
}

// ChildSections returns the child sections of that name in file order. A name
// that is nearly right is a fault.
func (s *Section) ChildSections(name string) []*Section {
	var all []*Section
	for _, e := range s.Element.Children {
		s.r.fail(checkSpelling(e, name, s.Path, s.File))
		if e.Space == "" && e.Name == name {
			all = append(all, s.child(e))
		}
	}
	return all
}

// named returns the child whose attribute name has that value. No attribute and
// an empty one are the same: they mean the default.
func (s *Section) named(child, name string) *Section {
	all := slices.DeleteFunc(s.ChildSections(child), func(c *Section) bool {
		n, _ := c.Attr("name")
		return n != name
	})
	return s.one(child, all, "one element of each name")
}

// entries returns all child sections, which may have these names only. There
// are none after a fault.
func (s *Section) entries(names ...string) []*Section {
	s.OnlyChildren(names...)
	if s.r.err != nil {
		return nil
	}
	all := make([]*Section, len(s.Element.Children))
	for i, e := range s.Element.Children {
		all[i] = s.child(e)
	}
	return all
}

// fewEntries is entries for a list of at most maxEntries.
func (s *Section) fewEntries(names ...string) []*Section {
	if n := len(s.Element.Children); n > maxEntries {
		s.fault(CodeTooComplex, "", fmt.Sprintf("%d elements inside", n),
			fmt.Sprintf("at most %d", maxEntries))
	}
	return s.entries(names...)
}

// OnlyChildren refuses every child element but those of the given names.
// Without names it refuses all.
func (s *Section) OnlyChildren(names ...string) {
	for _, c := range s.Element.Children {
		if c.Space == "" && slices.Contains(names, c.Name) {
			continue
		}
		want := "no child elements"
		if len(names) > 0 {
			want = "only <" + strings.Join(names, ">, <") + ">"
		}
		if right := propose(c.Name, names); right != "" {
			want = "<" + right + ">"
		}
		fault := s.newFault(CodeUnknownElement, "", "child <"+secret.Name(c.Name)+">", want)
		fault.Line = c.Line
		s.r.fail(fault)
		return
	}
}
