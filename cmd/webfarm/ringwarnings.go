package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// enough is how long before the end of a key its successor must be there: .NET makes it then.
const enough = 3 * day

// ringWarnings are what hurts a farm on a key ring.
func ringWarnings(ring *dataprotection.Ring, f *ringFlags, now time.Time) []keyFileWarning {
	var list []keyFileWarning
	warn := func(code, format string, args ...any) {
		list = append(list, keyFileWarning{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	protects, fallback := ring.Resolve(now)
	inClear, closed := false, false
	for _, key := range ring.Keys() {
		closed = closed || key.Err != nil && !key.Revoked && key.Expires.After(now)
		switch {
		case key.Revoked:
		case strings.HasPrefix(key.Decryptor, "Dpapi"):
			warn("one_machine",
				"key %s is encrypted by Windows DPAPI: only the account, machine or domain that it was "+
					"made for opens it; call ProtectKeysWithCertificate on the .NET nodes", key.ID)
		case key.Err != nil && key.Certificate != nil && !f.has(key.Certificate):
			warn("certificate_missing",
				"key %s needs the certificate %q with serial number %X: a node without it neither opens "+
					"what the key protects nor can tell that it needs no key", key.ID,
				key.Certificate.Subject, key.Certificate.SerialNumber)
		case key.Err != nil:
			warn("unreadable_key", "%v", key.Err)
		case key.Decryptor == "":
			inClear = true
		}
		if key.ID != protects || fallback || !key.Expires.Before(now.Add(enough)) {
			continue
		}
		next, none := ring.Resolve(key.Expires)
		for _, k := range ring.Keys() {
			none = none || k.ID == next && k.Expires.Before(now.Add(enough))
		}
		if none || next == "" {
			warn("no_successor",
				"key %s protects to %s, and no other is there to follow it; nodes take up to a day to know one; "+
					"webfarm keys new -if-needed makes it", key.ID, when(key.Expires, now))
		}
	}
	switch {
	case protects == "" && closed:
		warn("no_key",
			"no key that can be opened here protects, so nobody can be signed in here; the warnings above say why")
	case protects == "":
		warn("no_key", "no key protects, so nobody can be signed in; webfarm keys new makes one")
	case fallback:
		warn("no_key",
			"no key is in force; nodes that make no keys go on with %s, others make one each; "+
				"webfarm keys new makes one for all", protects)
	}
	if inClear && othersRead(f.keys) {
		warn("readable",
			"keys are not encrypted at rest, and every user of this machine can read them: "+
				"whoever does forges every cookie; chmod 700 the folder, and chmod 600 the files")
	}
	return list
}

// othersRead reports whether a folder or file of keys can be read by all users of the machine.
func othersRead(path string) bool {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" { // has no such bits
		return false
	}
	if !info.IsDir() {
		return info.Mode()&0o004 != 0
	}
	files, _ := filepath.Glob(filepath.Join(path, "*.xml")) // a bad pattern finds none
	for _, file := range files {
		if of, err := os.Stat(file); err == nil && of.Mode()&0o004 != 0 {
			return info.Mode()&0o001 != 0
		}
	}
	return false
}
