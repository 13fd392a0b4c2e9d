package doctor_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/testvectors"
)

// formsVector is a vector of formsauth.json, as far as it is needed here.
type formsVector struct {
	Name, Cookie string
	MachineKey   machineKeyJSON
}

type machineKeyJSON struct {
	ValidationKey, DecryptionKey, Validation, Decryption,
	CompatibilityMode string
}

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

// TestSessionVectors examines every session that .NET wrote: on its own node,
// where it reads unless it is one of the few that say otherwise, and on a node
// with another signature, where the doctor says so.
func TestSessionVectors(t *testing.T) {
	tests := []struct {
		file  string
		wif10 bool
		want  map[string]int // codes, and how often
	}{
		{"sessiontoken_45.json", false, map[string]int{doctor.CodeOK: 114, "reference_mode": 2,
			"not_authenticated": 5}},
		{"sessiontoken_wif10.json", true, map[string]int{doctor.CodeOK: 27, "reference_mode": 1,
			"unsigned": 2, "certificate": 1}},
	}
	for _, test := range tests {
		var file sessionVectors
		readVectors(t, test.file, &file)
		got := map[string]int{}
		base := fresh(t)
		for i, v := range file.Vectors {
			s := base.under(file.MachineKeys[v.MachineKey])
			s.wif10, s.sessionName = test.wif10, v.Cookies[0].Name
			line := ""
			for _, c := range v.Cookies {
				line += c.Name + "=" + c.Value + "; "
			}
			o := doctor.Options{AllowKnownKey: true, AllowWeakKey: true,
				Now: time.Unix(v.Expected.ValidFromTicks/10_000_000-62135596800+1, 0)}
			r := doctor.Examine(ctx, []*doctor.Node{s.node(t, "web.config")}, header(line), o)
			got[r.Code]++
			if r.Code != doctor.CodeOK || race.Enabled && i%8 != 0 {
				continue
			}
			other := s.with(func(s *site) {
				s.validation = map[bool]string{true: "HMACSHA256",
					false: "HMACSHA512"}[s.validation != "HMACSHA256"]
			})
			r = doctor.Examine(ctx, []*doctor.Node{other.node(t, "web.config")}, header(line), o)
			if r.Code != "validation_algorithm" {
				t.Errorf("%s: %s: %s", v.Name, r.Code, r.Finding.Sentence)
			}
		}
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.file, got, test.want)
		}
	}
}

// TestFormsVectors is the same for the forms tickets of all modes, on a node
// of another mode.
func TestFormsVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			formsVector
			Op, Layout  string
			AppSettings map[string]bool
			Ticket      struct{ ExpirationUTCTicks json.Number }
		}
	}
	readVectors(t, "formsauth.json", &file)
	got := map[string]int{}
	base := fresh(t)
	for _, v := range file.Vectors {
		ticks, err := v.Ticket.ExpirationUTCTicks.Int64()
		if err != nil || v.Op != "formsEncrypt" || v.Cookie == "" || v.Layout != "serializer" ||
			v.AppSettings != nil {
			continue
		}
		s := base.under(v.MachineKey)
		o := doctor.Options{AllowKnownKey: true, AllowWeakKey: true,
			Now: time.Unix(ticks/10_000_000-62135596800-1, 0)}
		r := doctor.Examine(ctx, []*doctor.Node{s.node(t, "web.config")},
			header(".ASPXAUTH="+v.Cookie), o)
		got[r.Code]++
		if r.Code != doctor.CodeOK {
			continue
		}
		other := s.with(func(s *site) {
			s.mode = map[bool]string{true: "Framework20SP1",
				false: "Framework45"}[s.mode == "Framework45"]
		})
		r = doctor.Examine(ctx, []*doctor.Node{other.node(t, "web.config")},
			header(".ASPXAUTH="+v.Cookie), o)
		codes := []string{r.Code}
		for _, f := range r.Credentials[0].Verdicts[0].Findings {
			codes = append(codes, f.Code)
		}
		if r.OK || !slices.Contains(codes, "compatibility_mode") {
			t.Errorf("%s: %s: %s", v.Name, r.Code, r.Finding.Sentence)
		}
	}
	want := map[string]int{doctor.CodeOK: 70, "forms_protection": 6, "too_long": 2,
		"payload": 4, "decryption_key": 2} // those that are not tickets: with and without a MAC inside
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestKatanaVectors puts what Katana wrote under a name that says another
// AuthenticationType, and wants the doctor to find the purposes it was written
// with.
func TestKatanaVectors(t *testing.T) {
	var file struct {
		Keys    map[string]machineKeyJSON
		Vectors []struct {
			ID, Key, Expect string
			Purposes        []string
			Text            *string
		}
	}
	readVectors(t, "owin.json", &file)
	kinds := map[string]doctor.Kind{"Access_Token": doctor.Bearer, "Refresh_Token": doctor.Refresh,
		"Authentication_Code": doctor.AuthCode}
	custom := map[string]bool{"mbaqblrs": true, "wjorwyuulh": true, "jvkqi vjssqzhc": true}
	found := 0
	for _, v := range file.Vectors {
		m, known := file.Keys[v.Key]
		if v.Expect != "ok" || !known || v.Text == nil || len(v.Purposes) != 3 ||
			custom[v.Purposes[0]] || custom[v.Purposes[1]] {
			continue
		}
		m.CompatibilityMode = "Framework45"
		s := fresh(t).under(m)
		r := doctor.Examine(ctx, []*doctor.Node{s.node(t, "web.config")},
			header(".AspNet.Acme="+*v.Text), doctor.Options{AllowKnownKey: true,
				AllowWeakKey: true, Now: now})
		code, kind, authType := "authentication_type", doctor.Katana, v.Purposes[1]
		if k, token := kinds[authType]; token {
			code, kind, authType = "other_credential", k, ""
		}
		by := r.Credentials[0].OpenedBy
		if r.Code != code || by == nil || by.Kind != kind || by.AuthType != authType {
			t.Errorf("%s: %s: %s (%+v)", v.ID, r.Code, r.Finding.Sentence, by)
		}
		found++
	}
	if found < 60 {
		t.Errorf("%d vectors", found)
	}
}
