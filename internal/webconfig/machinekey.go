package webconfig

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// The compatibility modes of <machineKey>.
const (
	Framework20SP1 = "Framework20SP1"
	Framework20SP2 = "Framework20SP2"
	Framework45    = "Framework45"
)

// MachineKey is <system.web><machineKey> with all defaults filled in
// (System.Web.Configuration.MachineKeySection). The names of algorithms and
// modes are those of the file.
type MachineKey struct {
	ValidationKey, DecryptionKey secret.Bytes // decoded from hex

	Validation string // SHA1, MD5, 3DES, AES, HMACSHA256, HMACSHA384 or HMACSHA512
	Decryption string // Auto, AES, 3DES or DES
	// DecryptionEffective is the cipher that the built-in credentials use:
	// Decryption with Auto resolved.
	DecryptionEffective string
	// Mode is Framework20SP1, Framework20SP2 or Framework45. ModeFrom says what
	// decided it: "explicit" (the attribute), "targetFramework" (of httpRuntime)
	// or "default". ModeLine is the line of that element, 0 for "default".
	Mode, ModeFrom string
	ModeLine       int
	// OnRing says that the key ring of ASP.NET Core's Data Protection takes the
	// place of the keys (CompatibilityDataProtector), and NamesApplication that
	// the attribute applicationName is there.
	OnRing, NamesApplication bool
	// ApplicationName has no effect without DataProtectorType, which is refused
	// unless blank or OnRing.
	ApplicationName, DataProtectorType string
	Line                               int       // of the element in the file that was parsed
	Warnings                           []Warning // weak_algorithm and validation_not_usable_for_protect
}

// portable are the validation algorithms that every mode has.
var portable = []string{"SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512"}

// UsableForProtect reports whether MachineKey.Protect knows the validation
// algorithm: it follows the rules of Framework45 in every mode.
func (m *MachineKey) UsableForProtect() bool { return slices.Contains(portable, m.Validation) }

// IsLegacy reports whether the mode is one of before .NET 4.5.
func (m *MachineKey) IsLegacy() bool { return m.Mode != Framework45 }

// Format prints the key lengths instead of the keys, for every verb.
func (m MachineKey) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "<machineKey> on line %d: validation=%s (%d-byte key) decryption=%s (%d-byte key) mode=%s",
		m.Line, m.Validation, m.ValidationKey.Len(), m.Decryption, m.DecryptionKey.Len(), m.Mode)
}

// What to do about keys that exist on one machine only.
const (
	pinKeys = `hex digits, the same on every node: in IIS Manager open the site's "Machine Key", clear "Automatically generate at runtime" ` +
		`and "Generate a unique key for each application" for both keys, press "Generate Keys" and "Apply", and give every node that <machineKey>`
	setHigherUp = `; if the nodes do share keys, <machineKey> is set higher up: in machine.config, the root web.config or a parent site's web.config`
)

// MachineKey reads <system.web><machineKey>, and <httpRuntime> for the default
// mode. Keys that no other machine can have (auto_generated_key, also for a
// missing element, and isolated_key), replaced cryptography (custom_algorithm,
// custom_data_protector) and values that .NET would refuse at first use are
// errors at once.
//
// With haveRing, the class CompatibilityDataProtector is no error: OnRing says
// that it is there, and is set beside an error too. The rules are those of
// Microsoft's MachineKeySection and MachineKeyMasterKeyProvider.
func (f *File) MachineKey(haveRing bool) (MachineKey, error) {
	runtime, err := f.HTTPRuntime()
	if err != nil {
		return MachineKey{}, err
	}
	s := f.Section("system.web", "machineKey")
	if s.Err() == nil && s.RefLine == 0 {
		return MachineKey{}, f.noMachineKey()
	}
	validationKey := s.NonEmpty("validationKey", AutoKey)
	decryptionKey := s.NonEmpty("decryptionKey", AutoKey)
	m := MachineKey{
		Validation:        s.NonEmpty("validation", "HMACSHA256"),
		Decryption:        s.NonEmpty("decryption", "Auto"),
		Mode:              s.Enum("compatibilityMode", "", Framework20SP1, Framework20SP2, Framework45),
		ApplicationName:   s.Text("applicationName", ""),
		DataProtectorType: s.Text("dataProtectorType", ""),
		Line:              s.RefLine,
	}
	_, m.NamesApplication = s.Attr("applicationName")
	switch class := TypeName(m.DataProtectorType); {
	case isCompatibility(class):
		if m.OnRing = haveRing; !haveRing {
			s.Fail(CodeDataProtectionKeyRing, "dataProtectorType", secret.Quote(class),
				"the key ring of ASP.NET Core's Data Protection, which replaces the keys of <machineKey>: SiteOptions.DataProtection of package cookie")
		}
	case trim(m.DataProtectorType) != "":
		s.Fail(CodeCustomDataProtector, "dataProtectorType", secret.Quote(class),
			"no dataProtectorType: with it, that class replaces all machine-key cryptography")
	}
	s.Done()
	s.OnlyChildren()
	if s.Err() != nil {
		return m.onRing(), s.Err()
	}

	m.Mode, m.ModeFrom, m.ModeLine = CompatibilityMode(m.Mode, m.Line, runtime)
	m.checkAlgorithms(s)
	m.ValidationKey = s.key("validationKey", CodeInvalidValidationKey, validationKey, m.IsLegacy())
	m.DecryptionKey = s.key("decryptionKey", CodeInvalidDecryptionKey, decryptionKey, m.IsLegacy())
	m.DecryptionEffective = m.Decryption
	switch {
	case m.Decryption == "Auto" && m.IsLegacy() && m.DecryptionKey.Len() == 8:
		m.DecryptionEffective = "DES"
	case m.Decryption == "Auto":
		m.DecryptionEffective = "AES"
	}
	m.checkKeys(s)
	m.warn()
	s.Done()
	if s.Err() != nil {
		return m.onRing(), s.Err()
	}
	return m, nil
}

// onRing is what is known of a MachineKey with an error.
func (m *MachineKey) onRing() MachineKey {
	return MachineKey{OnRing: m.OnRing, NamesApplication: m.NamesApplication,
		ApplicationName: m.ApplicationName, Line: m.Line}
}

// isCompatibility reports whether a class is CompatibilityDataProtector of
// Microsoft's, which is in two assemblies. Its namespace may be left out.
func isCompatibility(class string) bool {
	space, ok := strings.CutSuffix("."+class, ".CompatibilityDataProtector")
	return ok && (space == "" || strings.HasPrefix(space, ".Microsoft."))
}

// noMachineKey explains a missing element: .NET then generates the keys.
func (f *File) noMachineKey() error {
	fault := &Error{Code: CodeAutoGeneratedKey, Section: "system.web/machineKey",
		Attribute: "validationKey", Found: "no <machineKey> in this file",
		Want: pinKeys + setHigherUp}
	for _, e := range f.root.Children {
		if e.Space == "" && fold.Equal(e.Name, "machineKey") {
			return &Error{Code: CodeUnknownElement, Section: "system.web/machineKey", Line: e.Line,
				Found: "<" + secret.Name(e.Name) + "> directly under <configuration>",
				Want:  "it inside <system.web>"}
		}
	}
	r := &reader{f: f}
	for _, l := range f.locations {
		for _, e := range r.descend(l.element, []string{"system.web", "machineKey"}) {
			fault.Found += fmt.Sprintf(" but one on line %d for <location path=%s>, "+
				"which is not the application", e.Line, secret.Quote(l.path))
			return fault
		}
	}
	return fault
}

// CompatibilityMode is the rule for the mode: what the attribute of <machineKey>
// says, or else what the application targets. It returns what decided, as
// ModeFrom has it, and the line of that.
func CompatibilityMode(attribute string, line int, runtime HTTPRuntime) (mode, from string, decided int) {
	switch {
	case attribute != "":
		return attribute, "explicit", line
	case runtime.TargetsFramework45():
		return Framework45, "targetFramework", runtime.Line
	}
	return Framework20SP1, "default", 0
}

// checkAlgorithms checks the two names, whose spelling is exact.
func (m *MachineKey) checkAlgorithms(s *Section) {
	legacy := []string{"MD5", "3DES", "AES"}
	switch {
	case m.UsableForProtect():
	case m.Validation == "HMACSHA1":
		s.Fail(CodeInvalidValidationAlgorithm, "validation", secret.Quote(m.Validation),
			"SHA1, which means HMAC-SHA1")
	case !slices.Contains(legacy, m.Validation):
		s.badAlgorithm("validation", m.Validation, CodeInvalidValidationAlgorithm, portable, legacy)
	case !m.IsLegacy() && !m.OnRing: // which does without it
		s.Fail(CodeInvalidValidationAlgorithm, "validation", m.Validation+" with Framework45",
			oneOf("", portable))
	}
	if ciphers := []string{"Auto", "AES", "3DES", "DES"}; !slices.Contains(ciphers, m.Decryption) {
		s.badAlgorithm("decryption", m.Decryption, CodeInvalidDecryptionAlgorithm, ciphers, nil)
	}
}

// badAlgorithm reports a name that is none of good and more, or the class of
// the site's own.
func (s *Section) badAlgorithm(attribute, name, code string, good, more []string) {
	if strings.HasPrefix(name, "alg:") {
		s.Fail(CodeCustomAlgorithm, attribute, secret.Quote(name),
			oneOf("", good)+": the class behind alg: is not known here")
		return
	}
	s.Fail(code, attribute, secret.Quote(name), oneOf(name, slices.Concat(good, more)))
}

func (m *MachineKey) checkKeys(s *Section) {
	if m.IsLegacy() && m.ValidationKey.Len() < 20 {
		s.Fail(CodeInvalidValidationKey, "validationKey",
			fmt.Sprintf("%d hex digits", 2*m.ValidationKey.Len()),
			"at least 40 hex digits in mode "+m.Mode)
	}
	ciphers := []string{m.DecryptionEffective}
	if m.IsLegacy() && (m.Validation == "AES" || m.Validation == "3DES") {
		// The legacy modes key a second cipher, the one that validation
		// names, with the same bytes. 3DES becomes DES for an 8-byte key.
		second := m.Validation
		if second == "3DES" && m.DecryptionKey.Len() == 8 {
			second = "DES"
		}
		ciphers = append(ciphers, second)
	}
	n := m.DecryptionKey.Len()
	for _, cipher := range ciphers {
		legal, want := false, ""
		switch cipher {
		case "AES":
			legal, want = n == 16 || n == 24 || n == 32, "32, 48 or 64 hex digits (16, 24 or 32 bytes)"
		case "3DES":
			legal, want = n == 16 || n == 24, "32 or 48 hex digits (16 or 24 bytes)"
		case "DES":
			legal, want = n == 8, "16 hex digits (8 bytes)"
			if m.IsLegacy() {
				legal, want = n >= 8, "at least 16 hex digits (8 bytes, the rest is not used)"
			}
		}
		if !legal {
			s.Fail(CodeInvalidDecryptionKey, "decryptionKey", fmt.Sprintf("%d bytes for %s", n, cipher), want)
			return
		}
	}
}

func (m *MachineKey) warn() {
	add := func(code, text string) {
		m.Warnings = append(m.Warnings, Warning{Code: code, Line: m.Line, Text: text})
	}
	if !m.UsableForProtect() && !m.OnRing {
		add("validation_not_usable_for_protect", fmt.Sprintf(
			"MachineKey.Protect cannot work with validation=%q: Katana cookies and WIF sessions fail on the .NET nodes too", m.Validation))
	}
	if m.Validation == "MD5" {
		add("weak_algorithm", `validation="MD5" is not safe: it is no HMAC, and MD5 is broken`)
	}
	switch {
	case m.DecryptionEffective == "3DES":
		add("weak_algorithm", `decryption="3DES" is not safe: blocks of 64 bits`)
	case m.Decryption == "Auto" && m.DecryptionEffective == "DES":
		add("weak_algorithm",
			`decryption="Auto" means DES for a key of 8 bytes, which is not safe: 56-bit keys; MachineKey.Protect takes it for AES and fails`)
	case m.DecryptionEffective == "DES":
		add("weak_algorithm", `decryption="DES" is not safe: 56-bit keys`)
	}
}

// AutoKey is .NET's default of both keys.
const AutoKey = autoGenerate + "," + isolateApps

// The words that may stand in for a key or follow one after a comma.
const (
	autoGenerate   = "AutoGenerate"
	isolateApps    = "IsolateApps"    // mixes in the application's virtual path
	isolateByAppID = "IsolateByAppId" // mixes in the application's IIS id
)

// placeholder names the kind of placeholder that the whole of text is, "" for
// anything else: those of Octopus, of replace-tokens tasks, of MSBuild and
// Azure Pipelines, of templates and of the environment.
func placeholder(text string) string {
	for _, p := range [...]struct{ open, end string }{
		{"#{", "}#"}, {"#{", "}"}, {"__", "__"}, {"$(", ")"}, {"${", "}"}, {"{{", "}}"}, {"%", "%"},
	} {
		if len(text) > len(p.open)+len(p.end) && strings.HasPrefix(text, p.open) &&
			strings.HasSuffix(text, p.end) {
			return p.open + "…" + p.end
		}
	}
	return ""
}

// key decodes one key of <machineKey>; the value was trimmed.
//
//	Framework45:  hex | word {"," word}, with AutoGenerate among the words
//	legacy modes: (hex | AutoGenerate) [",IsolateApps"] [",IsolateByAppId"]
func (s *Section) key(attribute, code, value string, legacy bool) secret.Bytes {
	text, generated, isolated := value, false, false
	if legacy {
		var byID, byApp bool
		text, byID = strings.CutSuffix(text, ","+isolateByAppID)
		text, byApp = strings.CutSuffix(text, ","+isolateApps)
		isolated = byID || byApp
		generated = text == autoGenerate
	} else {
		words := strings.Split(value, ",")
		isWord := func(w string) bool { return w == autoGenerate || w == isolateApps || w == isolateByAppID }
		generated = slices.Contains(words, autoGenerate) &&
			!slices.ContainsFunc(words, func(w string) bool { return !isWord(w) })
		isolated = !generated && slices.ContainsFunc(words, isWord)
	}
	switch {
	case generated:
		s.Fail(CodeAutoGeneratedKey, attribute, "a key that each machine generates for itself",
			pinKeys+setHigherUp)
		return secret.Bytes{}
	case isolated && !legacy:
		s.Fail(code, attribute, "an isolation flag on a fixed key, which mode Framework45 refuses",
			"the hex digits alone")
		return secret.Bytes{}
	}
	key, err := hex.DecodeString(text)
	switch {
	case err != nil && placeholder(text) != "":
		s.Fail(code, attribute, "the placeholder "+placeholder(text)+
			", which the deployment has not replaced",
			"the deployed web.config, with the hex digits in its place")
	case err != nil && strings.Contains(strings.ToLower(text), strings.ToLower(autoGenerate)):
		s.Fail(code, attribute, "AutoGenerate in a wrong spelling", pinKeys)
	case err != nil:
		// err would show a character of the key.
		s.Fail(code, attribute, fmt.Sprintf("%d characters that are not pairs of hex digits",
			len(text)), "an even number of hex digits and nothing else")
	case isolated:
		s.Fail(CodeIsolatedKey, attribute,
			"an isolation flag, which overwrites bytes of the key with a Windows hash of the application's path or id",
			"the hex digits alone, on every node")
	case len(key) == 0:
		s.Fail(code, attribute, "no hex digits", "an even number of hex digits and nothing else")
	default:
		return secret.Own(key)
	}
	return secret.Bytes{}
}
