package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/seed"
)

// TestDotNet wants what .NET shows to be the text of that kind of credential and of that fault. The
// classes of System.Web, Katana and WIF that say it are named in docs/errors.md.
func TestDotNet(t *testing.T) {
	const (
		refused = "Error occurred during a cryptographic operation"
		event   = "Event code 4005: Forms authentication failed for the request. Reason: "
		nobody  = "nothing: the user is anonymous"
		denied  = "401, Authorization has been denied for this request"
		roles   = "nothing: the roles come from the role provider"
		visitor = "nothing: the visitor gets a new id"
		grant   = "invalid_grant from the token endpoint"
	)
	tests := []struct {
		kind    doctor.Kind
		mode    string
		setting string
		want    string
	}{
		{doctor.FedAuth, "Framework45", "validationKey", refused},
		{doctor.FedAuth, "Framework45", "decryptionKey", refused},
		{doctor.FedAuth, "Framework45", "validation SHA1", refused},
		{doctor.FedAuth, "Framework45", "session handler", refused},
		{doctor.FedAuth, "Framework45", "path", "ID4291"},
		{doctor.FedAuth, "Framework45", "clock ahead", "ID4255"},
		{doctor.FedAuth, "Framework45", "clock behind", "ID4255"},
		{doctor.FedAuth, "Framework45", "name", ""},
		{doctor.WIF10, "Framework20SP1", "validationKey", "Unable to validate data"},
		{doctor.WIF10, "Framework20SP1", "decryptionKey", "Padding is invalid and cannot be removed"},
		{doctor.WIF10, "Framework20SP1", "generation", "a serialization error"},
		{doctor.WIF10, "Framework20SP1", "clock behind", "ID4255"},
		{doctor.Forms, "Framework45", "validationKey", event + "The ticket supplied was invalid"},
		{doctor.Forms, "Framework45", "decryptionKey", event + "The ticket supplied was invalid"},
		{doctor.Forms, "Framework45", "compatibilityMode Framework20SP1",
			event + "The ticket supplied was invalid"},
		{doctor.Forms, "Framework20SP2", "protection Encryption", event + "The ticket supplied was invalid"},
		{doctor.Forms, "Framework45", "clock behind", event + "The ticket supplied has expired"},
		{doctor.Forms, "Framework45", "name", ""},
		{doctor.Roles, "Framework45", "validationKey", roles},
		{doctor.Anonymous, "Framework45", "decryptionKey", visitor},
		{doctor.Anonymous, "Framework45", "clock behind", visitor},
		{doctor.Katana, "Framework45", "validationKey", nobody},
		{doctor.Katana, "Framework45", "AuthenticationType, a common one", nobody},
		{doctor.Katana, "Framework45", "clock behind", nobody},
		{doctor.Bearer, "Framework45", "decryptionKey", denied},
		{doctor.Bearer, "Framework45", "clock behind", denied},
		{doctor.Refresh, "Framework45", "validationKey", grant},
		{doctor.AuthCode, "Framework45", "validationKey", grant},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind)+" "+tt.setting, func(t *testing.T) {
			c := oneCell(t, tt.kind, tt.mode, tt.setting)
			if c.text == "" {
				c.text = c.issuer.issue(t)
			}
			nodes := []*doctor.Node{c.reader.node(t, "a.config")}
			r := doctor.Examine(ctx, nodes, c.issuer.input(c.text), c.options())
			if r.OK || r.Finding.DotNet != tt.want {
				t.Errorf("%s: %q, want %q", r.Code, r.Finding.DotNet, tt.want)
			}
		})
	}
}

// oneCell is the cell of the matrix for HMACSHA256 and AES-256.
func oneCell(t *testing.T, k doctor.Kind, mode, setting string) (c cell) {
	t.Helper()
	each(t, func(name string, i issuer) {
		if i.kind == k && i.mode == mode && i.validation == "HMACSHA256" && i.decryption == "AES" &&
			len(i.decryptionKey) == 64 && *i.cookieProtection() == "All" &&
			(i.handler == "machineKey" || i.wif10) {
			for _, one := range i.cells(t, seed.Of(t)) {
				if one.setting == setting {
					c = one
				}
			}
		}
	})
	if c.setting == "" {
		t.Fatalf("no cell %q", setting)
	}
	return c
}

// TestDotNetOfComparison wants nothing for the name, path or domain of a cookie, which browsers then
// do not send, and the text of each kind for a key.
func TestDotNetOfComparison(t *testing.T) {
	a := fresh(t).with(func(s *site) { s.formsPath = "/" })
	forms := "Event code 4005: Forms authentication failed for the request. Reason: The ticket supplied was invalid"
	for _, tt := range []struct {
		name   string
		change func(s *site)
		want   []string
	}{
		{"name", func(s *site) { s.formsName = ".SITE" }, nil},
		{"path", func(s *site) { s.formsPath = "/shop" }, nil},
		{"domain", func(s *site) { s.formsMore = ` domain="example.test"` }, nil},
		{"name of the session", func(s *site) { s.sessionName = "Other" }, nil},
		{"mode", func(s *site) { s.mode = "Framework20SP2" }, []string{"forms tickets: " + forms}},
		{"key", func(s *site) { s.validationKey = fresh(t).validationKey }, []string{
			"sessions of WIF: Error occurred during a cryptographic operation",
			"Katana cookies: nothing: the user is anonymous", "forms tickets: " + forms}},
	} {
		b := a.with(tt.change)
		r := doctor.Compare(ctx, a.node(t, "a.config"), b.node(t, "b.config"),
			doctor.Options{Now: now})
		got := strings.Split(r.Finding.DotNet, "\n")
		if r.OK || len(tt.want) == 0 && r.Finding.DotNet != "" ||
			len(tt.want) > 0 && (len(got) < len(tt.want) ||
				!slices.Equal(got[:len(tt.want)], tt.want)) {
			t.Errorf("%s: %s: %q, want %q", tt.name, r.Code, r.Finding.DotNet, tt.want)
		}
	}
}

// TestFixOfMode wants every way that fits the farm: a node on .NET 4.0 cannot take Framework45,
// unless its file shows that it is on a later one.
func TestFixOfMode(t *testing.T) {
	const other = "Framework20SP2 to all"
	modern := fresh(t)
	old := modern.with(func(s *site) { s.mode = "" })
	known := modern.with(func(s *site) { s.mode, s.target = "Framework20SP1", "4.8" })
	for _, tt := range []struct {
		name     string
		a, b     site
		file     string // to change
		oldIsWay bool
	}{
		{"the reader may be on .NET 4.0", old, modern, "a.config", true},
		{"the issuer may be on .NET 4.0", modern, old, "b.config", true},
		{"the reader is on .NET 4.8", known, modern, "a.config", false},
		{"the issuer is on .NET 4.8", modern, known, "b.config", false},
	} {
		issuer := tt.b
		if issuer.mode == "" {
			issuer.mode = "Framework20SP1" // the default
		}
		in := header(".ASPXAUTH=" + issuer.forms(t))
		nodes := []*doctor.Node{tt.a.node(t, "a.config"), tt.b.node(t, "b.config")}
		fix := doctor.Examine(ctx, nodes, in, doctor.Options{Now: now}).Finding.Fix
		if fix.File != tt.file || len(fix.Settings) != 1 ||
			fix.Settings[0].Value != "Framework45" ||
			strings.Contains(fix.Text, other) != tt.oldIsWay {
			t.Errorf("%s: %+v", tt.name, fix)
		}
	}
}

// TestClockAhead wants a warning for a ticket that is valid and begins hours from now.
func TestClockAhead(t *testing.T) {
	for _, k := range []doctor.Kind{doctor.Forms, doctor.Katana} {
		for setting, want := range map[string]bool{"clock ahead": true,
			"compatibilityMode Framework20SP1": false} {
			c := oneCell(t, k, "Framework45", setting)
			c.reader.mode = c.issuer.mode
			r := doctor.Examine(ctx, []*doctor.Node{c.reader.node(t, "a.config")},
				c.issuer.input(c.issuer.issue(t)), c.options())
			problems := strings.Join(r.Credentials[0].Problems, "; ")
			if !r.OK || strings.Contains(problems,
				"it begins at 2026-03-01 14:00:00 UTC, 2h00m after") != want {
				t.Errorf("%s, %s: ok %v, %q", k, setting, r.OK, problems)
			}
		}
	}
}

// TestCoreChunks wants the parts of a cookie of ASP.NET Core to be joined, and a missing one to be
// named, under the names of either framework.
func TestCoreChunks(t *testing.T) {
	const one, two = "CfDJ8AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH", "IIIIJJJJKKKKLLLLMMMM"
	for _, name := range []string{".AspNetCore.Cookies", ".AspNet.Shared"} {
		head := name + "=chunks-2; " + name + "C1=" + one
		whole := doctor.Examine(ctx, []*doctor.Node{fresh(t).node(t, "a.config")},
			header(head+"; "+name+"C2="+two), doctor.Options{Now: now})
		c := whole.Credentials[0]
		if whole.Code != "aspnet_core" || len(whole.Credentials) != 1 || c.Length != len(one+two) ||
			len(c.Chunks) != 3 {
			t.Errorf("%s: %s, %d credentials, %d characters, %+v", name, whole.Code,
				len(whole.Credentials), c.Length, c.Chunks)
		}
		cut := doctor.Examine(ctx, []*doctor.Node{fresh(t).node(t, "a.config")}, header(head),
			doctor.Options{Now: now})
		if cut.Code != "missing_chunk" || !strings.Contains(cut.Finding.Sentence,
			name+"C2 is not in the request") ||
			cut.Finding.DotNet != "nothing: the user is anonymous" {
			t.Errorf("%s: %s: %s (%s)", name, cut.Code, cut.Finding.Sentence, cut.Finding.DotNet)
		}
	}
}
