package wif

import (
	"bytes"
	"cmp"
	"errors"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// TestDictionaries maps every name of 4.5 to WIF 1.0 and back.
func TestDictionaries(t *testing.T) {
	d45, d10 := V45.Dictionary(), V10.Dictionary()
	for name, text := range d45 {
		want := text
		if name == nReferenceModeTrue {
			want = "SessionModeTrue"
		}
		if wire := V10.wire(name); d10[wire] != want || V10.name(wire) != name {
			t.Errorf("%d %q is at %d, %q", name, text, wire, d10[wire])
		}
		if V45.wire(name) != name || V45.name(name) != name {
			t.Errorf("%d is not itself in 4.5", name)
		}
	}
	for wire := -1; wire < len(d10); wire++ {
		if name := V10.name(wire); name >= 0 && V10.wire(name) != wire {
			t.Errorf("%d has the name %d", wire, name)
		}
	}
}

// TestRewrite reads each recorded document and writes it again from the flat
// records alone: the bytes are those of .NET wherever the texts have the form
// that .NET's writer gives them.
func TestRewrite(t *testing.T) {
	for _, v := range []Version{V45, V10} {
		same := 0
		for _, data := range documents(t, v) {
			doc, err := new(Reader).Read(bytes.Clone(data), v)
			if err != nil {
				continue // the vectors have faulty ones too
			}
			written, err := rewrite(doc, v)
			if err != nil {
				continue
			}
			again, err := new(Reader).Read(written, v)
			if err != nil || !reflect.DeepEqual(plain(doc), plain(again)) {
				t.Errorf("%v, got %+v, want %+v", err, plain(again), plain(doc))
			}
			if bytes.Equal(written, data) {
				same++
			}
		}
		if same < 10 {
			t.Errorf("version %d: %d documents are the same", v, same)
		}
	}
}

// FuzzDocument reads any document of either version and writes it again.
func FuzzDocument(f *testing.F) {
	for _, v := range []Version{V45, V10} {
		for _, doc := range documents(f, v) {
			if len(doc) < 3000 {
				f.Add(doc, v == V10)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, v10 bool) {
		v := V45
		if v10 {
			v = V10
		}
		doc, err := new(Reader).Read(data[:len(data):len(data)], v)
		if err != nil {
			var at *layer.Error
			if !errors.As(err, &at) || doc != nil {
				t.Fatalf("error %v, document %+v", err, doc)
			}
			return
		}
		written, err := rewrite(doc, v)
		if err != nil {
			return // what .NET reads and nobody should issue
		}
		again, err := new(Reader).Read(written, v)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if !reflect.DeepEqual(plain(doc), plain(again)) {
			t.Fatalf("changed in a round trip:\n%+v\n%+v", plain(doc), plain(again))
		}
	})
}

func FuzzPayload(f *testing.F) {
	n := 0
	for _, v := range readVectors(f, "sessiontoken_45.json") {
		if data := testkit.Unhex(f, v.Stages.NRBFHex); len(data) > 0 && len(data) < 3000 {
			f.Add(data, false)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Add([]byte("<SecurityToken/>"), true)
	f.Fuzz(func(t *testing.T, data []byte, v10 bool) {
		v := V45
		if v10 {
			v = V10
		}
		doc, err := ParsePayload(data, v)
		if err != nil {
			var at *layer.Error
			if !errors.As(err, &at) {
				t.Fatal(err)
			}
			return
		}
		if again := AppendPayload(nil, doc, v); !bytes.Equal(again, data) {
			t.Fatalf("got %x, want %x", again, data)
		}
	})
}

// str is a text of d.
func (d *Document) str(s Span) string { return string(d.Texts[s.Off : s.Off+s.Len]) }

func (d *Document) head() Head[string] {
	return Head[string]{
		ID: d.str(d.ID), ContextID: d.str(d.ContextID), KeyGeneration: d.str(d.KeyGeneration),
		EndpointID: d.str(d.EndpointID), Context: d.str(d.Context),
		SecureConversation: d.SecureConversation, Persistent: d.Persistent, Reference: d.Reference,
		ValidFrom: d.ValidFrom, ValidTo: d.ValidTo, KeyEffective: d.KeyEffective, KeyExpires: d.KeyExpires,
	}
}

func (d *Document) identity(i int) Identity[string] {
	s := &d.Identities[i]
	return Identity[string]{Authentication: d.str(s.Authentication), Label: d.str(s.Label),
		NameType: d.str(s.NameType), RoleType: d.str(s.RoleType)}
}

func (d *Document) claim(i int) (c Claim[string], bag [][2]string) {
	s := &d.Claims[i]
	c = Claim[string]{
		Type: d.str(s.Type), Value: d.str(s.Value), ValueType: d.str(s.ValueType),
		Issuer: d.str(s.Issuer), OriginalIssuer: d.str(s.OriginalIssuer),
	}
	for _, p := range d.Properties[s.Properties[0]:s.Properties[1]] {
		bag = append(bag, [2]string{d.str(p[0]), d.str(p[1])})
	}
	return c, bag
}

// rewrite writes the document that d describes.
func rewrite(d *Document, v Version) ([]byte, error) {
	var w Writer
	head := d.head()
	if err := w.Begin(nil, v, &head, d.Blob[:d.KeyLen]); err != nil {
		return nil, err
	}
	var identity func(i int)
	identity = func(i int) {
		s, id := &d.Identities[i], d.identity(i)
		w.StartIdentity(&id, int(s.Claims[1]-s.Claims[0]))
		for k := s.Claims[0]; k < s.Claims[1]; k++ {
			c, bag := d.claim(int(k))
			w.WriteClaim(&c, bag)
		}
		w.EndClaims()
		if s.Actor >= 0 && w.StartActor() {
			identity(int(s.Actor))
			w.EndActor()
		}
		w.EndIdentity(s.Bootstrap, d.Blob[s.Data[0]:s.Data[1]])
	}
	for i := range d.Identities {
		if !d.Identities[i].IsActor {
			identity(i)
		}
	}
	return w.Done()
}

// plain is all that d says, with strings in the place of spans. The types of
// names and roles are filled in, as Writer does.
func plain(d *Document) any {
	if d == nil {
		return nil
	}
	all := []any{d.head(), d.Roots, string(d.Blob[:d.KeyLen])}
	for i := range d.Identities {
		s, id := d.Identities[i], d.identity(i)
		id.NameType, id.RoleType = cmp.Or(id.NameType, "name"), cmp.Or(id.RoleType, "role")
		if d.Identities[i].NameType.Len > 0 &&
			d.str(d.Identities[i].NameType) == dotnet.NameClaimType {
			id.NameType = "name"
		}
		if d.Identities[i].RoleType.Len > 0 &&
			d.str(d.Identities[i].RoleType) == dotnet.RoleClaimType {
			id.RoleType = "role"
		}
		all = append(all, id, s.Claims, s.Actor, s.IsActor, s.Bootstrap,
			string(d.Blob[s.Data[0]:s.Data[1]]))
	}
	for i := range d.Claims {
		c, bag := d.claim(i)
		all = append(all, c, bag)
	}
	return all
}
