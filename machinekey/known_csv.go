package machinekey

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of a list of known keys. Microsoft's has 3,714 lines of 131 bytes.
const (
	maxKnownLine  = 1024    // bytes, with the line end
	maxKnownLines = 100_000 // 3.2 MB of entries
)

// emptyKnown is the hash of no key, which Microsoft's list has where a
// machineKey was published without one of the two.
const emptyKnown knownHash = 0xe3b0c44298fc1c14

// KnownKeys reads a list of publicly known keys in the form that Microsoft
// publishes in the repository microsoft/mstic on GitHub, as the file
// RapidReleaseTI/MachineKeys.csv:
//
//	validationKey, decryptionKey
//	64 hex digits, 64 hex digits     SHA-256 of the upper-case hex text of each key
//
// Either key is looked for in either column. Quotes, blanks around a field,
// CRLF, blank lines, a byte order mark and the case of letters do not matter.
// Of each hash 8 bytes are kept: a random key is taken for one of Microsoft's
// 7,335 with a chance of 4 in 10^16.
//
// Anything else is a [*ConfigError] with the code invalid_known_keys and its
// line: another header, as a web page about the file has, a field that is no
// hash, such as a key in plain text (which the error does not repeat), a line
// of more than 1 KiB, more than 100,000 lines, no hash at all. A file cut off
// in the middle of a line is noticed, one cut off between two lines is not.
func KnownKeys(r io.Reader) (*KnownKeyList, error) {
	var keys []listedKey
	lines := bufio.NewReaderSize(r, maxKnownLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			return nil, knownError(n, "a longer line", fmt.Sprintf("at most %d bytes", maxKnownLine))
		case err != nil && err != io.EOF:
			e := knownError(n, "", "")
			e.Err = err
			return nil, e
		case n > maxKnownLines && len(line) > 0:
			return nil, knownError(n, "more lines", fmt.Sprintf("at most %d lines", maxKnownLines))
		}
		last := err == io.EOF
		text := strings.TrimSpace(string(line))
		switch {
		case n == 1:
			if err := checkKnownHeader(text); err != nil {
				return nil, err
			}
		case text != "":
			if keys, err = appendKnown(keys, text, n); err != nil {
				return nil, err
			}
		}
		if last {
			break
		}
	}
	if len(keys) == 0 {
		return nil, knownError(0, "no hash", "lines of two SHA-256 hashes below the header")
	}
	slices.SortStableFunc(keys, func(a, b listedKey) int { return cmp.Compare(a.hash, b.hash) })
	keys = slices.CompactFunc(keys, func(a, b listedKey) bool { return a.hash == b.hash })
	return &KnownKeyList{keys: slices.Clip(keys)}, nil // of those listed twice the first line
}

func checkKnownHeader(text string) error {
	fields := strings.Split(strings.TrimPrefix(text, "\ufeff"), ",")
	found := "another header"
	switch {
	case len(fields) == 2 && strings.EqualFold(unquote(fields[0]), "validationKey") &&
		strings.EqualFold(unquote(fields[1]), "decryptionKey"):
		return nil
	case text == "":
		found = "no header"
	case strings.HasPrefix(text, "<"):
		found = "a web page"
	}
	return knownError(1, found, "validationKey, decryptionKey, and the hashes below")
}

func appendKnown(keys []listedKey, text string, n int) ([]listedKey, error) {
	fields := strings.Split(text, ",")
	if len(fields) != 2 {
		return nil, knownError(n, fmt.Sprintf("%d fields", len(fields)), "two")
	}
	for i, field := range fields {
		field = unquote(field)
		sum, err := hex.DecodeString(field)
		if err != nil || len(sum) != 32 {
			return nil, knownError(n, fmt.Sprintf("a field %d of %d characters", i+1, len(field)),
				"the 64 hex digits of a SHA-256 hash")
		}
		if hash := knownHash(binary.BigEndian.Uint64(sum)); hash != emptyKnown {
			keys = append(keys, listedKey{hash, int32(n)})
		}
	}
	return keys, nil
}

// unquote takes the blanks and one pair of quotes off a field.
func unquote(field string) string {
	field = strings.TrimSpace(field)
	if n := len(field); n >= 2 && field[0] == '"' && field[n-1] == '"' {
		field = field[1 : n-1]
	}
	return field
}

// knownError reports line n of a list, or the whole list if n is 0, without
// its text, which may be a key.
func knownError(n int, found, want string) *ConfigError {
	return &ConfigError{Code: "invalid_known_keys", Line: n, Found: found, Want: want}
}
