package webconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/testvectors"
)

// vector is one configuration with what .NET makes of it.
type vector struct {
	name   string
	xml    []byte
	expect expectation
}

// expectation is a fault, or what resolve makes of the settings.
type expectation struct {
	fault *fault
	all   map[string]any
}

// fault is the expected fault; detail is free text.
type fault struct {
	Code    string
	Section *string // null: the file as a whole
	Detail  string
}

func (e *expectation) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &e.all); err != nil {
		return err
	}
	var head struct{ Error *fault }
	err := json.Unmarshal(data, &head)
	e.fault = head.Error
	return err
}

// vectors reads all 70 snippets and 6 whole files.
func vectors(tb testing.TB) []vector {
	tb.Helper()
	var cases struct {
		About string
		Cases []struct {
			ID, Desc, XML string
			Expect        expectation
		}
	}
	decode(tb, "webconfig/cases.json", &cases)
	var all []vector
	for _, c := range cases.Cases {
		all = append(all, vector{c.ID, []byte(c.XML), c.Expect})
	}
	for _, name := range testvectors.Names() {
		base, ok := strings.CutSuffix(name, ".config")
		if !ok {
			continue
		}
		v := vector{name: base, xml: read(tb, name)}
		decode(tb, base+".json", &v.expect)
		all = append(all, v)
	}
	if len(all) != 70+6 {
		tb.Fatalf("%d vectors, want 76", len(all))
	}
	return all
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	data := testkit.File(tb, name)
	return data
}

func decode(tb testing.TB, name string, v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(read(tb, name)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
}

// All keys of all vectors, and nothing but those keys.
func TestVectors(t *testing.T) {
	faults := 0
	for _, v := range vectors(t) {
		if v.expect.fault != nil {
			faults++
		}
		t.Run(v.name, func(t *testing.T) { testVector(t, v) })
	}
	if faults != 41 {
		t.Errorf("%d vectors with a fault, want 41", faults)
	}
}

func testVector(t *testing.T, v vector) {
	settings, err := readSettings(v.xml, nil)
	if want := v.expect.fault; want != nil {
		var e *Error
		if !errors.As(err, &e) || e.Code != want.Code || !inSection(e.Section, want.Section) {
			t.Errorf("error %v, want %s", err, want.Code)
		}
		if settings != nil {
			t.Error("settings beside the error")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := resolve(t, settings)
	for _, key := range slices.Sorted(maps.Keys(v.expect.all)) {
		if want := v.expect.all[key]; !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s:\n got %v\nwant %v", key, got[key], want)
		}
	}
	if len(got) != len(v.expect.all) {
		t.Errorf("%d keys, want %d", len(got), len(v.expect.all))
	}
	checkLines(t, settings)
}

// inSection reports whether a path of elements is the wanted one. The vectors
// call elements of WIF by their bare names.
func inSection(path string, want *string) bool {
	if want == nil {
		return path == ""
	}
	return path == *want || !strings.Contains(*want, "/") &&
		slices.Contains(strings.Split(path, "/"), *want)
}

// checkLines wants the line of everything that decided something.
func checkLines(t *testing.T, s *Settings) {
	t.Helper()
	m := s.MachineKey
	lines := map[string]bool{ // name: fine
		"machineKey":        m.Line > 0,
		"compatibilityMode": (m.ModeLine > 0) == (m.ModeFrom != "default"),
		"httpRuntime":       s.HTTPRuntime.TargetFramework == "" || s.HTTPRuntime.Line > 0,
		"forms":             s.Authentication.Forms == nil || s.Authentication.Forms.Line > 0,
		"cora":              s.Cora == nil || s.Cora.Line > 0,
		"WIF":               (s.Identity == nil) == (s.Federation == nil),
	}
	if s.Identity != nil && strings.HasPrefix(s.Identity.Session.Protection, "machineKey") {
		lines["session handler"] = s.Identity.Session.Line > 0
	}
	for _, w := range s.Warnings {
		lines[w.Code] = w.Line > 0 && w.Text != ""
	}
	for name, fine := range lines {
		if !fine {
			t.Errorf("line of %s", name)
		}
	}
}

// readSettings reads one file, with others beside it.
func readSettings(xml []byte, beside fs.FS) (*Settings, error) {
	var open func(name string) (io.ReadCloser, error)
	if beside != nil {
		open = func(name string) (io.ReadCloser, error) { return beside.Open(name) }
	}
	f, err := Parse(bytes.NewReader(xml), open)
	if err != nil {
		return nil, err
	}
	return f.Settings()
}

// readAll reads the sections of machine-key cryptography.
func readAll(xml []byte) (HTTPRuntime, MachineKey, []Warning, error) {
	f, err := Parse(bytes.NewReader(xml), nil)
	if err != nil {
		return HTTPRuntime{}, MachineKey{}, nil, err
	}
	runtime, err := f.HTTPRuntime()
	if err != nil {
		return HTTPRuntime{}, MachineKey{}, nil, err
	}
	m, err := f.MachineKey(false)
	return runtime, m, append(f.Warnings(), m.Warnings...), err
}
