package testvectors_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// nbfxVector is a document of binary XML. Ops, if there are any, are the calls
// that made the writer of .NET write it; Events are what its reader reports.
type nbfxVector struct {
	Name, Desc, Provenance string
	Kind                   string // "write+read" or "read"
	Dictionary             string // "session45", "wif10" or "none"
	Ops                    []nbfxOp
	NBFXHex                hexBytes
	Events                 []nbfxEvent
	Error, Message         string
}

// nbfxEvent is one node. Value is that of text and comments, the rest is that
// of a start.
type nbfxEvent struct {
	Ev, Prefix, Name, NS, Value string
	Attrs                       []nbfxAttr
}

type nbfxAttr struct{ Prefix, Name, NS, Value string }

// namespaceXmlns is the namespace of the attributes that declare namespaces.
const namespaceXmlns = "http://www.w3.org/2000/xmlns/"

func runNBFX(t *testing.T, f *file) {
	var content struct {
		header
		Dictionaries struct{ Session45, WIF10 []string }
		Vectors      []nbfxVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	for _, d := range []struct {
		name      string
		got, want []string
	}{
		{"session45", nbfx.Session45, content.Dictionaries.Session45},
		{"wif10", nbfx.WIF10, content.Dictionaries.WIF10},
	} {
		if (d.want != nil || !f.own) && !slices.Equal(d.got, d.want) {
			t.Errorf("dictionary %s differs", d.name)
		}
	}
	each(t, f, content.Vectors, func(v *nbfxVector) string { return v.Name },
		func(t *testing.T, v *nbfxVector) {
			if (v.Kind != "read" && v.Kind != "write+read") ||
				(v.Kind == "read") != (v.Ops == nil) {
				t.Fatalf("kind %q with %d ops", v.Kind, len(v.Ops))
			}
			if (v.Events == nil) == (v.Error == "") {
				t.Fatal("not exactly one of events and error")
			}
			dict, ok := map[string][]string{"session45": nbfx.Session45, "wif10": nbfx.WIF10,
				"none": nil}[v.Dictionary]
			if !ok {
				t.Fatalf("no dictionary %q", v.Dictionary)
			}
			v.read(t, f, dict)
			if v.Ops != nil {
				v.write(t, dict)
			}
		})
}

func (v *nbfxVector) read(t *testing.T, f *file, dict []string) {
	r := nodeReader{dict: dict, doc: v.NBFXHex}
	got, err := r.events(v.Events)
	var at *nbfx.Error
	switch {
	case err == nil && v.Error != "":
		t.Fatalf("read as %v; .NET refuses: %s", got, v.Error)
	case err == nil:
		r.compare(t, got, v.Events)
	case !errors.As(err, &at):
		t.Errorf("undocumented error %v", err)
	case v.Error == "":
		f.refused(t, v.Name, err, declaredClass(err))
	}
}

// nodeReader turns a document into events.
type nodeReader struct {
	nbfx.Reader
	dict []string
	doc  []byte

	undeclared []nbfxAttr // namespaces of the vector that are not in scope
}

// events reads the document. The Reader keeps declarations of namespaces to
// itself; those that the vector wants at an event are looked for in its scope
// and, if they are there, taken over.
func (n *nodeReader) events(want []nbfxEvent) ([]nbfxEvent, error) {
	n.Reset(slices.Clone(n.doc), n.dict)
	var events []nbfxEvent
	depth := 0
	for {
		e := nbfxEvent{}
		switch n.Next() {
		case nbfx.StartElement:
			depth++
			e = n.start()
			if i := len(events); i < len(want) {
				n.declarations(&e, want[i].Attrs, depth)
			}
		case nbfx.EndElement:
			depth--
			e.Ev = "end"
		case nbfx.Text:
			e.Ev, e.Value = "text", n.text(n.Value())
		case nbfx.Comment:
			e.Ev, e.Value = "comment", n.text(n.Value())
		case nbfx.EndDocument:
			return events, nil
		default:
			return nil, n.Err()
		}
		events = append(events, e)
	}
}

func (n *nodeReader) start() nbfxEvent {
	prefix, local, ns := n.name(n.Name())
	e := nbfxEvent{Ev: "start", Prefix: prefix, Name: local, NS: ns}
	for _, a := range n.Attrs() {
		prefix, local, ns := n.name(a.Name)
		e.Attrs = append(e.Attrs, nbfxAttr{prefix, local, ns, n.text(a.Value)})
	}
	return e
}

func (n *nodeReader) name(name nbfx.Name) (prefix, local, ns string) {
	if name.ID >= 0 {
		local = n.dict[name.ID]
	} else {
		local = string(n.Bytes(name.Local))
	}
	return string(n.Bytes(name.Prefix)), local, string(n.Bytes(name.Namespace))
}

func (n *nodeReader) text(v nbfx.Value) string {
	return string(n.Bytes(n.Text(v)))
}

// declarations adds the declarations among attrs that hold inside the element
// just started. Each is tried on a document that goes on with a child element
// of that prefix and ends there.
func (n *nodeReader) declarations(e *nbfxEvent, attrs []nbfxAttr, depth int) {
	for _, a := range attrs {
		if a.NS != namespaceXmlns {
			continue
		}
		prefix := a.Name
		if a.Prefix == "" {
			prefix = "" // xmlns="..."
		}
		if len(prefix) > 127 {
			n.undeclared = append(n.undeclared, a)
			continue
		}
		doc := append(slices.Clone(n.doc[:n.Offset()]), 0x41, byte(len(prefix))) // Element
		doc = append(append(doc, prefix...), 1, 'x')
		doc = append(doc, slices.Repeat([]byte{1}, depth+1)...) // EndElement
		probe := nodeReader{dict: n.dict}
		probe.Reset(doc, n.dict)
		found := nbfx.Name{}
		for k := probe.Next(); k != nbfx.EndDocument && k != nbfx.Invalid; k = probe.Next() {
			if k == nbfx.StartElement {
				found = probe.Name()
			}
		}
		if _, local, ns := probe.name(found); probe.Err() == nil && local == "x" && ns == a.Value {
			e.Attrs = append(e.Attrs, a)
		} else {
			n.undeclared = append(n.undeclared, a)
		}
	}
}

// compare fails at the first event that differs.
func (n *nodeReader) compare(t *testing.T, got, want []nbfxEvent) {
	t.Helper()
	for _, a := range n.undeclared {
		t.Errorf("namespace %q is not declared for prefix %q", a.Value, a.Name)
	}
	same := func(a, b nbfxEvent) bool {
		// Declarations may stand between the attributes; they are last here.
		sameAttrs := slices.Equal(declarationsLast(a.Attrs), declarationsLast(b.Attrs))
		a.Attrs, b.Attrs = nil, nil
		return sameAttrs && a.Ev == b.Ev && a.Prefix == b.Prefix && a.Name == b.Name &&
			a.NS == b.NS && a.Value == b.Value
	}
	for i := range min(len(got), len(want)) {
		if !same(got[i], want[i]) {
			t.Fatalf("event %d is %s, want %s", i, short(got[i]), short(want[i]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
}

func declarationsLast(attrs []nbfxAttr) []nbfxAttr {
	sorted := slices.Clone(attrs)
	slices.SortStableFunc(sorted, func(a, b nbfxAttr) int {
		rank := map[bool]int{true: 1}
		return rank[a.NS == namespaceXmlns] - rank[b.NS == namespaceXmlns]
	})
	return sorted
}
