package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
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
	State     string    `json:"state"` // protecting, next, older, expired, revoked or unreadable
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
	r.Protects, _ = ring.Resolve(now)
	for _, key := range ring.Keys() {
		one := ringKeyReport{ID: key.ID, State: keyState(&key, r.Protects, now),
			Created: key.Created, Activated: key.Activated, Expires: key.Expires, Revoked: key.Revoked,
			Algorithm: key.Algorithm, Decryptor: key.Decryptor}
		if key.Err != nil {
			one.Error = key.Err.Error()
		}
		if c := key.Certificate; c != nil {
			one.Certificate = &ringCertificate{c.Subject.String(),
				fmt.Sprintf("%X", c.SerialNumber), f.has(c)}
		}
		r.Keys = append(r.Keys, one)
	}
	return r
}

func keyState(key *dataprotection.Key, protects string, now time.Time) string {
	switch {
	case key.Revoked:
		return "revoked"
	case key.Err != nil:
		return "unreadable"
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
	case k.Certificate != nil && k.Certificate.AtHand:
		return fmt.Sprintf("encrypted for the certificate %q with serial number %s, which is at hand", k.Certificate.Subject, k.Certificate.Serial)
	case k.Certificate != nil:
		return fmt.Sprintf("encrypted for the certificate %q with serial number %s, which is not at hand", k.Certificate.Subject, k.Certificate.Serial)
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
	rows := [][]string{{"key", "state", "algorithm"}}
	for i, key := range r.Keys {
		if i == maxKeys {
			rows = append(rows, []string{"and " + plural(len(r.Keys)-i, "key") + " more"})
			break
		}
		rows = append(rows, []string{abridgedOr(key.ID, "without an id"), key.State,
			cmp.Or(printable(key.Error), key.Algorithm)})
	}
	writeTable(b, "  ", rows)
}
