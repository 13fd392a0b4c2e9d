package doctor_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/testvectors"
)

// formsVector is a vector of formsauth.json, as far as it is needed here.
type formsVector struct {
	Name, Cookie string
	MachineKey   machineKeyJSON
}

type machineKeyJSON struct{ ValidationKey, DecryptionKey, Validation, Decryption, CompatibilityMode string }

func readVectors(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(must[[]byte](t)(testvectors.Read(name)), v); err != nil {
		t.Fatal(err)
	}
}

// under returns s with a key of the vectors.
func (s site) under(m machineKeyJSON) site {
	s.validationKey, s.decryptionKey, s.mode = m.ValidationKey, m.DecryptionKey, m.CompatibilityMode
	if m.Validation != "" {
		s.validation = m.Validation
	}
	if m.Decryption != "" {
		s.decryption = m.Decryption
	}
	return s
}

// vector is a vector of formsauth.json and its site.
func vector(t testing.TB, name string) (site, string) {
	t.Helper()
	var file struct{ Vectors []formsVector }
	readVectors(t, "formsauth.json", &file)
	for _, v := range file.Vectors {
		if v.Name == name {
			return fresh(t).under(v.MachineKey), v.Cookie
		}
	}
	t.Fatalf("no vector %q", name)
	return site{}, ""
}

// sessionVectors is a vector file of sessions, as far as it is needed here.
type sessionVectors struct {
	MachineKeys map[string]machineKeyJSON
	Vectors     []struct {
		Name, MachineKey, CompatibilityMode string
		Cookies                             []struct{ Name, Value string }
		Expected                            struct {
			ValidFromTicks int64 `json:",string"`
		}
	}
}

// sessionVector is a vector of sessiontoken_wif10.json: its site, its Cookie
// header, and when the session begins.
func sessionVector(t testing.TB, name string) (s site, header string, from time.Time) {
	t.Helper()
	var file sessionVectors
	readVectors(t, "sessiontoken_wif10.json", &file)
	for _, v := range file.Vectors {
		if v.Name == name {
			s := fresh(t).under(file.MachineKeys[v.MachineKey])
			s.mode, s.wif10 = v.CompatibilityMode, true
			for _, c := range v.Cookies {
				header += c.Name + "=" + c.Value + "; "
			}
			return s, header, time.Unix(v.Expected.ValidFromTicks/10_000_000-62135596800, 0)
		}
	}
	t.Fatalf("no vector %q", name)
	return site{}, "", time.Time{}
}
