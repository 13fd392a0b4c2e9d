package webconfig

import (
	"fmt"
	"slices"
	"strings"
)

// Section is the element of one section, or of a part of one, and where it
// stands. A nil *Section is an absent one: its methods act as on an element
// without attributes and children.
type Section struct {
	// Path names the section in errors, such as "system.web/machineKey".
	Path string
	// File is the configSource the element was read from, empty for the file
	// that was parsed.
	File string
	// RefLine is the line in the file that was parsed: of the element itself,
	// or of the element with the configSource attribute.
	RefLine int
	*Element
}

// Section returns the section of the application at the given path of element
// names, nil if the file has none. It looks directly under <configuration> and
// in every <location> of the application, follows configSource, and ignores
// <location>s for parts of the site.
//
// A section that is there twice or encrypted is an error, and so is an element
// whose name is nearly right: .NET would not start with it either, and taking
// it for absent would mean to go on with defaults.
func (f *File) Section(path ...string) (*Section, error) {
	name := strings.Join(path, "/")
	found := make([]*Element, 0, 1)
	for _, top := range f.applicationRoots() {
		elements, err := f.descend(top, path)
		if err != nil {
			return nil, err
		}
		found = append(found, elements...)
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return f.follow(&Section{Path: name, Element: found[0], RefLine: found[0].Line})
	}
	return nil, &Error{Code: CodeDuplicateSection, Section: name, Line: found[1].Line,
		Found: fmt.Sprintf("also on line %d", found[0].Line), Want: "the section once"}
}

// SectionIn is the section as a <location> for a part of the site has it.
type SectionIn struct {
	Location string // the attribute path of <location>
	*Section
}

// SectionsIn returns the sections at path in the <location>s for parts of the
// site, in file order.
func (f *File) SectionsIn(path ...string) ([]SectionIn, error) {
	var all []SectionIn
	for _, l := range f.locations {
		if l.ofApplication() {
			continue
		}
		elements, err := f.descend(l.element, path)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			s, err := f.follow(&Section{Path: strings.Join(path, "/"), Element: e, RefLine: e.Line})
			if err != nil {
				return nil, err
			}
			all = append(all, SectionIn{l.path, s})
		}
	}
	return all, nil
}

// applicationRoots returns the elements that may hold sections of the
// application, in file order.
func (f *File) applicationRoots() []*Element {
	roots := []*Element{f.root}
	for _, l := range f.locations {
		if l.ofApplication() {
			roots = append(roots, l.element)
		}
	}
	return roots
}

// descend returns the elements at path below top. Section groups such as
// <system.web> may occur several times.
func (f *File) descend(top *Element, path []string) ([]*Element, error) {
	level := []*Element{top}
	for i, name := range path {
		var below []*Element
		for _, e := range level {
			for _, c := range e.Children {
				if err := f.checkSpelling(c, name, strings.Join(path[:i], "/")); err != nil {
					return nil, err
				}
				if c.Space == "" && c.Name == name {
					below = append(below, c)
				}
			}
		}
		level = below
	}
	return level, nil
}

// follow resolves configSource and refuses encryption.
func (f *File) follow(s *Section) (*Section, error) {
	if err := s.refuseEncrypted(); err != nil {
		return nil, err
	}
	if _, ok := s.Attr("configSource"); ok {
		return f.include(s)
	}
	return s, nil
}

// refuseEncrypted reports a section that aspnet_regiis has encrypted: the keys
// are in the Windows machine's own stores.
func (s *Section) refuseEncrypted() error {
	provider, protected := s.Attr("configProtectionProvider")
	if !protected && !slices.ContainsFunc(s.Element.Children, func(c *Element) bool { return c.Name == "EncryptedData" }) {
		return nil
	}
	return s.fault(CodeEncryptedSection, "configProtectionProvider", "provider "+quote(provider),
		fmt.Sprintf(`the section in plain text: run aspnet_regiis -pdf %q <folder> on a copy of the site, on the machine that encrypted it`, s.Path))
}

// fault returns an error about the section.
func (s *Section) fault(code, attribute, detail, want string) *Error {
	return &Error{Code: code, Section: s.Path, Attribute: attribute, File: s.File, Line: s.Line, Found: detail, Want: want}
}

// Child returns the one child section of that name, nil if there is none.
// Twice the same, or a name that is nearly right, is an error.
func (s *Section) Child(name string) (*Section, error) {
	all, err := s.ChildSections(name)
	switch {
	case err != nil || len(all) == 0:
		return nil, err
	case len(all) > 1:
		return nil, all[1].fault(CodeDuplicateSection, "", fmt.Sprintf("also on line %d", all[0].Line), "the element once")
	}
	return all[0], nil
}

// ChildSections returns the child sections of that name in file order. A name
// that is nearly right is an error.
func (s *Section) ChildSections(name string) ([]*Section, error) {
	if s == nil {
		return nil, nil
	}
	var all []*Section
	for _, c := range s.Element.Children {
		if err := checkSpelling(c, name, s.Path); err != nil {
			return nil, inFile(err, s.File)
		}
		if c.Space != "" || c.Name != name {
			continue
		}
		line := c.Line
		if s.File != "" {
			line = s.RefLine
		}
		all = append(all, &Section{Path: s.Path + "/" + name, File: s.File, Element: c, RefLine: line})
	}
	return all, nil
}

// OnlyChildren refuses every child element but those of the given names.
// Without names it refuses all.
func (s *Section) OnlyChildren(names ...string) error {
	if s == nil {
		return nil
	}
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
		fault := s.fault(CodeUnknownElement, "", "child <"+showName(c.Name)+">", want)
		fault.Line = c.Line
		return fault
	}
	return nil
}

// fewEnough refuses a list of more than maxEntries children.
func (s *Section) fewEnough() error {
	if s == nil || len(s.Element.Children) <= maxEntries {
		return nil
	}
	return s.fault(CodeTooComplex, "", fmt.Sprintf("%d elements inside", len(s.Element.Children)), fmt.Sprintf("at most %d", maxEntries))
}

// inFile notes which file the error err is about.
func inFile(err error, file string) error {
	if e, ok := err.(*Error); ok && e.File == "" {
		e.File = file
	}
	return err
}
