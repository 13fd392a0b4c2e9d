package site

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// The compatibility modes. The older two protect alike, save for what is not
// signed.
const (
	Framework20SP1 = webconfig.Framework20SP1
	Framework20SP2 = webconfig.Framework20SP2
	Framework45    = webconfig.Framework45
)

// Key is <machineKey>, taken as far as it goes: with a Fault, bytes that are
// there are kept even where .NET or another machine could not use them, and
// names as they stand.
type Key struct {
	ValidationKey, DecryptionKey secret.Bytes // empty where there are none
	// ValidationFlags and DecryptionFlags are the words behind the hex digits,
	// or in their place.
	ValidationFlags, DecryptionFlags []string
	Validation, Decryption           string // the attributes
	// Mode is one of the modes, ModeFrom is what decided it ("explicit",
	// "targetFramework" or "default") and ModeLine the line of that, 0 for none.
	Mode, ModeFrom  string
	ModeLine        int
	TargetFramework string // of <httpRuntime> as written, empty without one
	Line            int    // of the element, 0 if there is none
	Warnings        []webconfig.Warning
	Fault           *webconfig.Error // why the key cannot be used, nil if it can
}

// Format prints the lengths of the keys only, for every verb.
func (k Key) Format(s fmt.State, _ rune) {
	io.WriteString(s, fmt.Sprintf("<machineKey>: validation=%s (%d-byte key) decryption=%s (%d-byte key) mode=%s",
		k.Validation, k.ValidationKey.Len(), k.Decryption, k.DecryptionKey.Len(), k.Mode))
}

// IsLegacy reports whether the mode is one of before .NET 4.5.
func (k *Key) IsLegacy() bool { return k.Mode != Framework45 }

// Isolated reports whether a key that is there has words behind it, which bind
// it to one application.
func (k *Key) Isolated() bool {
	return k.ValidationKey.Len() > 0 && len(k.ValidationFlags) > 0 || k.DecryptionKey.Len() > 0 && len(k.DecryptionFlags) > 0
}

// UsableForProtect reports whether MachineKey.Protect knows the validation
// algorithm: it follows the rules of Framework45 in every mode.
func (k *Key) UsableForProtect() bool {
	switch k.Validation {
	case "SHA1", "HMACSHA256", "HMACSHA384", "HMACSHA512":
		return true
	}
	return false
}

// readKey reads <machineKey> and <httpRuntime>.
func (s *Site) readKey(f *webconfig.File) {
	k := &s.Key
	runtime, err := f.HTTPRuntime()
	m, keyErr := f.MachineKey() // reports that of the runtime, too
	k.Fault = s.fault(keyErr)
	k.Warnings = m.Warnings
	s.warn(nil, m.Warnings)
	if err == nil && runtime.Line > 0 {
		k.TargetFramework = runtime.TargetFramework
	}
	if keyErr == nil {
		k.ValidationKey, k.DecryptionKey, k.Validation, k.Decryption, k.Line = m.ValidationKey, m.DecryptionKey, m.Validation, m.Decryption, m.Line
		k.Mode, k.ModeFrom, k.ModeLine = m.CompatibilityMode, m.CompatibilityModeFrom, m.CompatibilityModeLine
		return
	}
	k.Validation, k.Decryption = "HMACSHA256", "Auto"
	k.Mode, k.ModeFrom, k.ModeLine = webconfig.CompatibilityMode("", 0, runtime)
	element := f.Section("system.web", "machineKey")
	if element.RefLine == 0 {
		return
	}
	k.Line = element.RefLine
	text := func(name, absent string) string { return strings.TrimSpace(element.Text(name, absent)) }
	switch mode := text("compatibilityMode", ""); mode {
	case Framework20SP1, Framework20SP2, Framework45:
		k.Mode, k.ModeFrom, k.ModeLine = webconfig.CompatibilityMode(mode, k.Line, runtime)
	}
	k.Validation, k.Decryption = text("validation", k.Validation), text("decryption", k.Decryption)
	k.ValidationKey, k.ValidationFlags = cutKey(text("validationKey", webconfig.AutoKey))
	k.DecryptionKey, k.DecryptionFlags = cutKey(text("decryptionKey", webconfig.AutoKey))
}

// cutKey takes a key apart into its bytes and the words that stand with it.
func cutKey(text string) (key secret.Bytes, flags []string) {
	const maxKey = 512 // bytes; .NET generates 64 at most
	for i, part := range strings.SplitN(text, ",", 5) {
		if i == 0 {
			if b, err := hex.DecodeString(part); err == nil && len(b) > 0 && len(b) <= maxKey {
				key = secret.Own(b)
				continue
			}
		}
		switch part {
		case "AutoGenerate", "IsolateApps", "IsolateByAppId":
			flags = append(flags, part)
		}
	}
	return key, flags
}
