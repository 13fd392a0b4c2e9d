package machinekey

import (
	"errors"
	"fmt"
	"io"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// ParseWebConfig reads the <machineKey> of a .NET site's web.config, with
// .NET's own defaults, and <httpRuntime targetFramework>, which decides the
// default of [Config.Mode]:
//
//	<configuration>
//	  <system.web>                         or inside <location path=".">
//	    <httpRuntime targetFramework=…/>   4.5 or later: Framework45, else Framework20SP1
//	    <machineKey validationKey=… decryptionKey=… validation=… decryption=… compatibilityMode=…/>
//	  </system.web>
//	</configuration>
//
// A configuration with 3DES, DES or MD5 is returned, and so is one with a
// publicly known or a weak key. [New] then needs the option that allows it.
//
// Everything else that another machine cannot share or .NET would refuse is a
// [*ConfigError], whose Code a program can rely on: auto_generated_key (also
// for a file without <machineKey>, which may then be set in machine.config or
// a parent site), isolated_key, encrypted_section, custom_algorithm,
// custom_data_protector, data_protection_key_ring, unknown_attribute,
// unknown_element (a misspelt name), duplicate_section, empty_attribute, invalid_enum, invalid_validation_key,
// invalid_decryption_key, invalid_validation_algorithm,
// invalid_decryption_algorithm, invalid_target_framework, invalid_boolean,
// config_source_missing, config_source_path, config_source_not_alone,
// malformed_xml, dtd_not_allowed, unsupported_charset, file_too_large,
// file_too_complex and unreadable_file. No error contains key text.
//
// The file must be UTF-8 or UTF-16 and at most 8 MiB. Other sections are not
// looked at, except that they are well-formed. A configSource needs
// [LoadWebConfig].
func ParseWebConfig(r io.Reader) (Config, error) {
	return configOf(webconfig.Parse(r, nil))
}

// LoadWebConfig is [ParseWebConfig] for a file on disk. It also follows
// <machineKey configSource="folder\file">, below the folder of the file and not
// out of it.
func LoadWebConfig(path string) (Config, error) {
	return configOf(webconfig.Load(path))
}

// configOf translates the <machineKey> of a file that was read into a Config.
func configOf(f *webconfig.File, err error) (Config, error) {
	if err != nil {
		return Config{}, configError(err)
	}
	m, err := f.MachineKey(false)
	if err != nil {
		return Config{}, configError(err)
	}
	return Config{
		ValidationKey: m.ValidationKey,
		DecryptionKey: m.DecryptionKey,
		Validation:    Validation(m.Validation),
		Decryption:    Decryption(m.Decryption),
		Mode:          Mode(m.Mode),
		line:          m.Line,
	}, nil
}

func configError(err error) error {
	var e *webconfig.Error
	if !errors.As(err, &e) { // unreachable: webconfig has no other errors
		return &ConfigError{Code: webconfig.CodeUnreadable, Err: err}
	}
	return (*ConfigError)(e)
}

// LoadRing returns a ring with the key of the web.config at path, which
// protects and unprotects, and the keys of older ones, which unprotect only.
// It is [LoadWebConfig], [New] and [NewRing] in one, for services whose only
// source of keys is such files. It refuses algorithms that need AllowInsecure
// and keys that need AllowKnownKey or AllowWeakKey. That includes older keys:
// anyone who knows a key that is only read can still sign in with it. A site that
// has such keys takes the three steps itself.
func LoadRing(path string, older ...string) (*Ring, error) {
	keys := make([]*Key, 0, 1+len(older))
	for _, p := range append([]string{path}, older...) {
		cfg, err := LoadWebConfig(p)
		if err != nil {
			return nil, fmt.Errorf("%w (in %s)", err, p)
		}
		key, err := New(cfg)
		if err != nil {
			return nil, fmt.Errorf("%w (in %s)", err, p)
		}
		keys = append(keys, key)
	}
	return NewRing(keys[0], keys[1:]...)
}
