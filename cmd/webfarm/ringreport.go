package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// ringReport describes a key ring of ASP.NET Core without any secret.
type ringReport struct {
	Source      string          `json:"source"` // as -keys has it, without a password
	Application string          `json:"applicationName"`
	Protects    string          `json:"protects,omitempty"` // the id of the key that protects now
	Keys        []ringKeyReport `json:"keys"`
}

type ringKeyReport struct {
	ID        string    `json:"id"`
	State     string    `json:"state"` // as "webfarm help keys" has it
	Created   time.Time `json:"created"`
	Activated time.Time `json:"activated"`
	Expires   time.Time `json:"expires"`
	Revoked   bool      `json:"revoked,omitempty"`
	Algorithm string    `json:"algorithm,omitempty"`
	Decryptor string    `json:"decryptor,omitempty"` // the class of .NET; none if it is in clear
	Error     string    `json:"error,omitempty"`     // why it cannot be used

	Certificate *ringCertificate `json:"certificate,omitempty"` // that it is encrypted for
}

type ringCertificate struct {
	Subject string `json:"subject"`
	Serial  string `json:"serialNumber"`
	AtHand  bool   `json:"atHand"` // among those of -certificate
}

// newRingReport describes the ring of the flags, nil if there is none.
func newRingReport(ring *dataprotection.Ring, f *ringFlags, now time.Time) *ringReport {
	if ring == nil {
		return nil
	}
	r := &ringReport{Source: withoutSecrets(f.keys), Application: f.app, Keys: []ringKeyReport{}}
	protects, fallback := ring.Resolve(now)
	r.Protects = protects
	for _, key := range ring.Keys() {
		one := ringKeyReport{ID: key.ID, State: keyState(&key, protects, fallback, now),
			Created: key.Created, Activated: key.Activated, Expires: key.Expires, Revoked: key.Revoked,
			Algorithm: key.Algorithm, Decryptor: key.Decryptor}
		if key.Err != nil {
			one.Error = inFlags(key.Err.Error())
		}
		if c := key.Certificate; c != nil {
			one.Certificate = &ringCertificate{c.Subject.String(),
				fmt.Sprintf("%X", c.SerialNumber), f.has(c)}
		}
		r.Keys = append(r.Keys, one)
	}
	return r
}

func keyState(key *dataprotection.Key, protects string, fallback bool, now time.Time) string {
	switch {
	case key.Revoked:
		return "revoked"
	case key.Err != nil:
		return "unreadable"
	case key.ID == protects && fallback:
		return "fallback"
	case key.ID == protects:
		return "protecting"
	case key.Activated.After(now):
		return "next"
	case !key.Expires.After(now):
		return "expired"
	}
	return "older" // and still opens, as an expired one
}

// atRest says how the key is encrypted where it lies.
func (k *ringKeyReport) atRest() string {
	switch {
	case k.Certificate != nil:
		not := "not "
		if k.Certificate.AtHand {
			not = ""
		}
		return fmt.Sprintf("encrypted for the certificate %q with serial number %s, which is %sat hand",
			k.Certificate.Subject, k.Certificate.Serial, not)
	case k.Decryptor != "":
		return "encrypted, for " + k.Decryptor
	case k.Algorithm == "":
		return "unknown"
	}
	return "in clear"
}

// withoutSecrets takes user and parameters off a URL, which may hold a password.
func withoutSecrets(source string) string {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		before, _, _ := strings.Cut(source, "?")
		return before
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// maxKeys bounds the keys that people see.
const maxKeys = 10

func (r *ringReport) print(b *bytes.Buffer) {
	fmt.Fprintf(b, "Key ring of %s, %s\n", printable(r.Source),
		abridgedOr(r.Application, "without an application name"))
	if len(r.Keys) == 0 {
		b.WriteString("  no keys\n")
		return
	}
	rows := [][]string{{"key", "state", "algorithm"}}
	var faults [][]string
	for i, key := range r.Keys {
		if i == maxKeys {
			rows = append(rows, []string{"and " + plural(len(r.Keys)-i, "key") + " more"})
			break
		}
		rows = append(rows, []string{abridgedOr(key.ID, "without an id"), key.State, key.Algorithm})
		if key.Error != "" && !key.Revoked {
			faults = append(faults, []string{printable(key.Error)})
		}
	}
	writeTable(b, "  ", rows)
	writeTable(b, "  ", faults)
}

// enough is how long before the end of a key its successor must be there: .NET makes it then.
const enough = 3 * day

// ringWarnings are what hurts a farm on a key ring.
func ringWarnings(ring *dataprotection.Ring, f *ringFlags, now time.Time) []keyFileWarning {
	var list []keyFileWarning
	warn := func(id string, words ...any) {
		code, _, _ := strings.Cut(id, "/")
		list = append(list, keyFileWarning{Code: code, Text: layerFile["ring"].Text(id, words...)})
	}
	protects, fallback := ring.Resolve(now)
	inClear, closed := false, false
	for _, key := range ring.Keys() {
		closed = closed || key.Err != nil && !key.Revoked && key.Expires.After(now)
		switch {
		case key.Revoked:
		case strings.HasPrefix(key.Decryptor, "Dpapi"):
			warn("one_machine", "id", key.ID)
		case key.Err != nil && key.Certificate != nil && !f.has(key.Certificate):
			warn("certificate_missing", "id", key.ID, "subject",
				strconv.Quote(key.Certificate.Subject.String()), "serial",
				fmt.Sprintf("%X", key.Certificate.SerialNumber))
		case key.Err != nil:
			warn("unreadable_key", "error", inFlags(key.Err.Error()))
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
			warn("no_successor", "id", key.ID, "end", when(key.Expires, now))
		}
	}
	switch {
	case protects == "" && closed:
		warn("no_key/closed")
	case protects == "":
		warn("no_key")
	case fallback:
		warn("no_key/fallback", "id", protects)
	}
	if inClear && othersRead(f.keys) {
		warn("readable")
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
