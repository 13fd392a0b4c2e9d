package machinekey

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // known.txt
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// ErrKnownKey means that a key is publicly known: anyone who reads the page
// it was copied from can sign in as anybody and run code on the .NET nodes. [New]
// wraps it in a [*ConfigError] with the code known_key, which names the source.
var ErrKnownKey = errors.New("machinekey: the key is publicly known")

// knownHash is how known keys are stored: the first 8 bytes, big endian, of
//
//	SHA-256(upper-case hex digits of the key)
//
// The digest is the one of Microsoft's list.
type knownHash uint64

func hashKnown(key []byte) knownHash {
	upper := hex.AppendEncode(make([]byte, 0, 2*len(key)), key)
	for i, c := range upper {
		if c >= 'a' {
			upper[i] = c - 'a' + 'A'
		}
	}
	sum := sha256.Sum256(upper)
	return knownHash(binary.BigEndian.Uint64(sum[:]))
}

// builtIn is the list that needs no loading; it says how it is laid out. For the
// thousands of other keys there is [KnownKeys].
//
//go:embed known.txt
var builtIn string

// builtInSource says where a key of that list is published, or "".
func builtInSource(h knownHash) string {
	var hash [8]byte
	binary.BigEndian.PutUint64(hash[:], uint64(h))
	digits := string(hex.AppendEncode(make([]byte, 0, 16), hash[:]))
	for line := range strings.Lines(builtIn) {
		hashes, rest, _ := strings.Cut(line, "\t")
		if strings.Contains(hashes, digits) {
			source, _, _ := strings.Cut(rest, "\t")
			return source
		}
	}
	return ""
}

// KnownKeyList is a list of publicly known keys, as hashes. [KnownKeys] loads
// one; the list that is built in needs no loading and is always asked. It is
// immutable and safe for concurrent use. A nil list is empty.
type KnownKeyList struct {
	keys []listedKey // by hash, one entry each
}

// listedKey is an entry of a loaded list, 16 bytes.
type listedKey struct {
	hash knownHash
	line int32 // of the file, 1-based
}

// source says where the bytes of a validation or decryption key are published,
// such as "published in MSDN, …" or "on line 47 of the list of known keys". It
// returns "" if neither the built-in list nor l has them.
func (l *KnownKeyList) source(key Secret) string {
	hash := hashKnown(secret.View(key))
	if source := builtInSource(hash); source != "" {
		return "published in " + source
	}
	if l == nil {
		return ""
	}
	i, found := slices.BinarySearchFunc(l.keys, hash,
		func(k listedKey, h knownHash) int { return cmp.Compare(k.hash, h) })
	if !found {
		return ""
	}
	return fmt.Sprintf("on line %d of the list of known keys", l.keys[i].line)
}

// refuseKnown returns a [*ConfigError] that matches [ErrKnownKey] if one of the
// keys is publicly known, by the built-in list or by c.KnownKeys, unless c
// allows such keys. The error names the attribute and the source and holds
// nothing of the key.
func (c Config) refuseKnown() error {
	if c.AllowKnownKey {
		return nil
	}
	validation, decryption := c.KnownKeys.source(c.ValidationKey), c.KnownKeys.source(c.DecryptionKey)
	if validation == "" && decryption == "" {
		return nil
	}
	e := c.inFile(&ConfigError{Code: "known_key", Attribute: "validationKey", Found: "a key " + validation,
		Want: "fresh keys on every node, or AllowKnownKey for migrations and tests",
		Err:  ErrKnownKey})
	switch {
	case validation == "":
		e.Attribute, e.Found = "decryptionKey", "a key "+decryption
	case validation == decryption:
		e.Found += ", and the decryptionKey too"
	case decryption != "":
		e.Found += ", and a decryptionKey " + decryption
	}
	return e
}

func (c Config) inFile(e *ConfigError) *ConfigError {
	if c.line > 0 {
		e.Section, e.Line = "system.web/machineKey", c.line
	}
	return e
}

// refuseWeak refuses the keys that [Config.AllowWeakKey] names. The error says
// which rule the key breaks and nothing else of it.
func (c Config) refuseWeak() error {
	if c.AllowWeakKey {
		return nil
	}
	found, attribute := secret.Weakness(c.ValidationKey, c.DecryptionKey)
	if found == "" {
		return nil
	}
	return c.inFile(&ConfigError{Code: "weak_key", Attribute: attribute, Found: found,
		Want: fmt.Sprintf("random keys on every node, the validationKey of %d bytes or more: see Generate; or AllowWeakKey for migrations and tests", secret.MinKey)})
}
