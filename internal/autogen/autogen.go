// Package autogen computes the keys of sites that let Windows generate them.
// Only tests need it: such keys never leave their machine, and recorded cases of
// .NET begin with them.
package autogen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// Site describes a site whose <machineKey> says AutoGenerate.
type Site struct {
	// ValidationKey and DecryptionKey are the attributes as they stand in
	// web.config, such as "AutoGenerate,IsolateApps". Empty means not
	// written, which is that same value.
	ValidationKey, DecryptionKey string
	// AppPath is the application's virtual path, such as "/" or "/shop", in
	// the case IIS has it. Needed with IsolateApps.
	AppPath string
	// AppID is the application's id, such as "/LM/W3SVC/1/ROOT". Needed with
	// IsolateByAppId.
	AppID string
	// Hashes take the place of AppPath and AppID in a legacy mode.
	Hashes netfx.Isolation
	// Validation and Decryption are the algorithms, on which the lengths depend
	// in a legacy mode.
	Validation, Decryption string
	// Legacy says that the mode is Framework20SP1 or SP2.
	Legacy bool
}

// Keys returns the keys of a site, for the block of random bytes that Windows
// keeps for the site's identity. Block is the decrypted block of 1024 bytes; its
// first 64 are used, in the legacy modes its first 152 at most, and must be
// there. In compatibility mode Framework45, and for MachineKey.Protect in every
// mode, the keys are derived (System.Web's MachineKeyMasterKeyProvider):
//
//	decryption key = KDF(block[0:32],  "MachineKeyDerivation", flags)   32 bytes
//	validation key = KDF(block[32:64], "MachineKeyDerivation", flags)   32 bytes
//	flags          = "IsolateApps: " + AppPath, "IsolateByAppId: " + AppID, each if flagged
//
// In the legacy modes, for forms, role and anonymous cookies and for
// MachineKey.Encode, they are parts of the block (MachineKeySection):
//
//	validation key = block[0:n]     n = 64; 128 for HMACSHA384 and HMACSHA512
//	decryption key = block[n:n+m]   m = 24; 8 for DES, unless validation is 3DES or AES
//
// with bytes 0 to 7 overwritten as the attribute says, see [netfx.Isolation]. A site
// in a legacy mode that also calls MachineKey.Protect has both pairs.
func (site Site) Keys(block secret.Bytes) (validation, decryption secret.Bytes, err error) {
	n, m := 32, 32
	if site.Legacy {
		n, m = site.legacySizes()
	}
	b := secret.View(block)
	if len(b) < n+m || len(b) > 1024 {
		return validation, decryption,
			fmt.Errorf("a block of %d bytes; want 1024, or at least the first %d", len(b), n+m)
	}
	validationWords, err := words(site.ValidationKey, site.Legacy)
	if err != nil {
		return validation, decryption, err
	}
	decryptionWords, err := words(site.DecryptionKey, site.Legacy)
	if err != nil {
		return validation, decryption, err
	}
	if site.Legacy {
		if validation, err = site.cut(b[:n], validationWords); err == nil {
			decryption, err = site.cut(b[n:n+m], decryptionWords)
		}
	} else {
		if decryption, err = site.derive(b[:n], decryptionWords); err == nil {
			validation, err = site.derive(b[n:n+m], validationWords)
		}
	}
	if err != nil {
		return secret.Bytes{}, secret.Bytes{}, err
	}
	return validation, decryption, nil
}

// legacySizes are the lengths of generated keys in the legacy modes.
func (site Site) legacySizes() (validation, decryption int) {
	validation, decryption = 64, 24
	if site.Validation == "HMACSHA384" || site.Validation == "HMACSHA512" {
		validation = 128
	}
	if site.Decryption == "DES" && site.Validation != "AES" && site.Validation != "3DES" {
		decryption = 8
	}
	return validation, decryption
}

const (
	wordGenerate = "AutoGenerate"
	wordApps     = "IsolateApps"
	wordByID     = "IsolateByAppId"
)

// words splits a key attribute. In Framework45 the words may come in any order
// and more than once, in the legacy modes only in that of the constants; always
// exactly so spelled and without spaces.
func words(value string, legacy bool) ([]string, error) {
	if value == "" {
		value = wordGenerate + "," + wordApps
	}
	list := strings.Split(value, ",")
	order := []string{wordGenerate, wordApps, wordByID}
	last := -1
	for _, word := range list {
		i := slices.Index(order, word)
		if i < 0 || legacy && i <= last {
			return nil, errAutoGenerate // without the word, which may be a key
		}
		last = i
	}
	if !slices.Contains(list, wordGenerate) {
		return nil, errAutoGenerate
	}
	return list, nil
}

var errAutoGenerate = errors.New("another value than AutoGenerate, with ,IsolateApps or ,IsolateByAppId or both in this order")

// cut makes a key of a legacy mode of a part of the block.
func (site Site) cut(part []byte, words []string) (secret.Bytes, error) {
	i := site.Hashes
	if !slices.Contains(words, wordApps) {
		i.AppPathHash = nil
	} else if i.AppPathHash == nil {
		return secret.Bytes{}, errors.New("IsolateApps without the hash of the virtual path")
	}
	if !slices.Contains(words, wordByID) {
		i.AppIDHash = nil
	} else if i.AppIDHash == nil {
		return secret.Bytes{}, errors.New("IsolateByAppId without the hash of the application's id")
	}
	return i.Apply(secret.New(part))
}

// derive makes a key of Framework45 of a part of the block.
func (site Site) derive(part []byte, words []string) (secret.Bytes, error) {
	var flags []string
	if slices.Contains(words, wordApps) {
		if site.AppPath == "" {
			return secret.Bytes{}, errors.New("IsolateApps without the virtual path")
		}
		flags = append(flags, wordApps+": "+site.AppPath)
	}
	if slices.Contains(words, wordByID) {
		if site.AppID == "" {
			return secret.Bytes{}, errors.New("IsolateByAppId without the application's id")
		}
		flags = append(flags, wordByID+": "+site.AppID)
	}
	return secret.Own(netfx.DeriveKey(part, "MachineKeyDerivation", netfx.Context(flags...))), nil
}
