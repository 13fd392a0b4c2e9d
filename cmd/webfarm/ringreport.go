package main

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"
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
	Created   time.Time `json:"created"`
	Activated time.Time `json:"activated"`
	Expires   time.Time `json:"expires"`
	Revoked   bool      `json:"revoked,omitempty"`
	Algorithm string    `json:"algorithm,omitempty"`
	Error     string    `json:"error,omitempty"` // why it cannot be used
}

// newRingReport describes the ring of the flags, nil if there is none.
func newRingReport(k *keyFlags, now time.Time) *ringReport {
	if k.ring == nil {
		return nil
	}
	r := &ringReport{Source: withoutSecrets(k.keys), Application: k.app, Keys: []ringKeyReport{}}
	r.Protects, _ = k.ring.Resolve(now)
	for _, key := range k.ring.Keys() {
		one := ringKeyReport{ID: key.ID, Created: key.Created, Activated: key.Activated,
			Expires: key.Expires, Revoked: key.Revoked, Algorithm: key.Algorithm}
		if key.Err != nil {
			one.Error = key.Err.Error()
		}
		r.Keys = append(r.Keys, one)
	}
	return r
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
	fmt.Fprintf(b, "Key ring of %s\n", printable(r.Source))
	rows := [][]string{{"application", abridgedOr(r.Application, "without a name")}}
	for i, key := range r.Keys {
		if i == maxKeys {
			more := plural(len(r.Keys)-i, "key")
			rows = append(rows, []string{"", "and " + more + " more"})
			break
		}
		text := abridgedOr(key.ID, "without an id") + "  " + key.Algorithm
		switch {
		case key.Revoked:
			text += ", revoked"
		case key.Error != "":
			text += "cannot be used: " + abridged(key.Error)
		case key.ID == r.Protects:
			text += ", protects now"
		}
		rows = append(rows, []string{"key", text})
	}
	writeTable(b, "  ", rows)
}
