package webconfig

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// Faults in these sections are not found by HTTPRuntime and MachineKey: to
// them such a file is fine.
var sectionsReadElsewhere = []string{
	"system.web/authentication",
	"sessionTokenRequirement",
	"cookieHandler",
}

// Warnings that this package's sections give; the vectors list those of all.
var warningsGivenHere = []string{
	"location_not_inherited",
	"validation_not_usable_for_protect",
	"weak_algorithm",
}

// vector is one configuration with what .NET makes of it.
type vector struct {
	name   string
	xml    []byte
	expect expectation
}

type expectation struct {
	Error *struct {
		Code    string
		Section *string
		Detail  string
	}
	TargetFramework *string
	MachineKey      struct {
		ValidationKey, DecryptionKey             string
		Validation, Decryption                   string
		CompatibilityMode, CompatibilityModeFrom string
		ApplicationName, DataProtectorType       string
		Present                                  bool
		DecryptionEffective                      string
		UsableForMachineKeyProtect               bool
	}
	Warnings []string
	// The rest is for the sections that read it.
	AppSettings, Authentication, HTTPCookies, Identity, Federation, Cora json.RawMessage
}

// elsewhere reports whether the expected error belongs to another section.
func (e expectation) elsewhere() bool {
	return e.Error != nil && e.Error.Section != nil && slices.ContainsFunc(sectionsReadElsewhere, func(prefix string) bool {
		return strings.HasPrefix(*e.Error.Section, prefix)
	})
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
	data, err := testvectors.Read(name)
	if err != nil {
		tb.Fatal(err)
	}
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

func TestVectors(t *testing.T) {
	elsewhere := 0
	for _, v := range vectors(t) {
		if v.expect.elsewhere() {
			elsewhere++
		}
		t.Run(v.name, func(t *testing.T) { testVector(t, v) })
	}
	if elsewhere != 12 {
		t.Errorf("%d vectors with a fault in another section, want 12", elsewhere)
	}
}

func testVector(t *testing.T, v vector) {
	runtime, m, ws, err := readAll(v.xml)
	if want := v.expect.Error; want != nil && !v.expect.elsewhere() {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("error %v, want %s", err, want.Code)
		}
		section := ""
		if want.Section != nil {
			section = *want.Section
		}
		if e.Code != want.Code || e.Section != section {
			t.Errorf("error %s in %q, want %s in %q (%v)", e.Code, e.Section, want.Code, section, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if v.expect.elsewhere() {
		return // nothing else is recorded
	}
	want := v.expect.MachineKey
	for _, field := range []struct{ name, got, want string }{
		{"targetFramework", runtime.TargetFramework, deref(v.expect.TargetFramework)},
		{"validationKey", strings.ToUpper(hex.EncodeToString(m.ValidationKey)), want.ValidationKey},
		{"decryptionKey", strings.ToUpper(hex.EncodeToString(m.DecryptionKey)), want.DecryptionKey},
		{"validation", m.Validation, want.Validation},
		{"decryption", m.Decryption, want.Decryption},
		{"decryptionEffective", m.DecryptionEffective, want.DecryptionEffective},
		{"compatibilityMode", m.CompatibilityMode, want.CompatibilityMode},
		{"compatibilityModeFrom", m.CompatibilityModeFrom, want.CompatibilityModeFrom},
		{"applicationName", m.ApplicationName, want.ApplicationName},
		{"dataProtectorType", m.DataProtectorType, want.DataProtectorType},
	} {
		if field.got != field.want {
			t.Errorf("%s %q, want %q", field.name, field.got, field.want)
		}
	}
	if m.UsableForProtect != want.UsableForMachineKeyProtect {
		t.Errorf("usableForMachineKeyProtect %v", m.UsableForProtect)
	}
	if !want.Present || m.Line == 0 {
		t.Error("no error for a machineKey that is not present")
	}
	if modeLine := m.CompatibilityModeLine; (modeLine == 0) != (m.CompatibilityModeFrom == "default") {
		t.Errorf("mode from %s on line %d", m.CompatibilityModeFrom, modeLine)
	}
	var got, wanted []string
	for _, w := range ws {
		got = append(got, w.Code)
	}
	for _, code := range v.expect.Warnings {
		if slices.Contains(warningsGivenHere, code) {
			wanted = append(wanted, code)
		}
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		t.Errorf("warnings %v, want %v", got, wanted)
	}
}

// readAll reads all that this package reads.
func readAll(xml []byte) (HTTPRuntime, MachineKey, []Warning, error) {
	f, err := Parse(bytes.NewReader(xml), nil)
	if err != nil {
		return HTTPRuntime{}, MachineKey{}, nil, err
	}
	runtime, err := f.HTTPRuntime()
	if err != nil {
		return HTTPRuntime{}, MachineKey{}, nil, err
	}
	m, err := f.MachineKey()
	return runtime, m, append(f.Warnings(), m.Warnings...), err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
