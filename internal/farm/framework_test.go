package farm

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// frameworkArguments are what peer.csproj says of net48, for the compiler.
func frameworkArguments(t *testing.T) (arguments []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root(t), "testvectors", "dotnet", "peer.csproj"))
	if err != nil {
		t.Fatal(err)
	}
	var project struct {
		PropertyGroup []struct {
			Condition                    string `xml:",attr"`
			LangVersion, DefineConstants string
		}
		ItemGroup []struct {
			Condition string `xml:",attr"`
			Reference []struct {
				Include string `xml:",attr"`
			}
		}
	}
	if err := xml.Unmarshal(data, &project); err != nil {
		t.Fatal(err)
	}
	const net48 = "'$(TargetFramework)' == 'net48'"
	for _, group := range project.PropertyGroup {
		if names, ok := strings.CutPrefix(group.DefineConstants, "$(DefineConstants);"); ok &&
			group.Condition == net48 {
			arguments = append(arguments, "-define:"+names)
		}
		if group.LangVersion != "" && group.Condition == "" {
			arguments = append(arguments, "-langversion:"+group.LangVersion)
		}
	}
	for _, group := range project.ItemGroup {
		for _, reference := range group.Reference {
			if group.Condition == net48 {
				arguments = append(arguments, "-r:"+reference.Include+".dll")
			}
		}
	}
	if !slices.Contains(arguments, "-define:NETFX") {
		t.Fatalf("the project says %q of net48", arguments)
	}
	return arguments
}

// TestFrameworkPart compiles the program as on Windows, against Mono's
// assemblies, and runs what Mono can run of it. docs/capture.md says what that
// leaves open. It does so in the whole run only.
func TestFrameworkPart(t *testing.T) {
	t.Parallel()
	if share.OneIn(t, 2) > 1 {
		return
	}
	Need(t, InstallMono, "mcs", "mono")
	exe := filepath.Join(t.TempDir(), program)
	if err := compile(Root(t), exe, frameworkArguments(t)...); err != nil {
		if strings.Contains(err.Error(), "CS0006") { // an assembly is missing
			t.Skip("System.Web or System.IdentityModel is not installed; apt-get install libmono-system-web4.0-cil libmono-system-identitymodel4.0-cil")
		}
		t.Fatal(err)
	}
	a := &asker{t: t, pipe: (&Dotnet{exe}).Pipe(t)}
	a.setUp(testKey(t).message("one"))
	a.setUp(testKey(t).message("two"))
	var ticket sessiontoken.KatanaTicket
	ticket.Identity.AuthenticationType = "Cookies"
	ticket.Identity.Claims = []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}
	write, want := NewMessage("write", "kind", "owin", "key", "one", "format", "3", "purpose",
		"test"), NewMessage("")
	addKatana(write, &ticket)
	addKatana(want, &ticket)
	addKatanaTimes(want, nil)
	text := a.ask(write).Get("text")
	a.wants("the same key", NewMessage("read", "kind", "owin", "key", "one", "format", "3",
		"purpose", "test", "text", text), want.Fields)
	a.wants("another domain, another key", NewMessage("read", "kind", "owin", "key", "two",
		"format", "3", "purpose", "test", "text", text), nil)
	a.wants("another purpose", NewMessage("read", "kind", "owin", "key", "one", "format", "3",
		"purpose", "Test", "text", text), nil)
}

// testKey returns a fresh key as the program's requests have it.
func testKey(t *testing.T) vectorKey {
	cfg := writeConfig(t, filepath.Join(t.TempDir(), "web.config"))
	return vectorKey{
		ValidationKey: upperHex(cfg.ValidationKey.Reveal()), DecryptionKey: upperHex(cfg.DecryptionKey.Reveal()),
		Validation: string(cfg.Validation), Decryption: string(cfg.Decryption), CompatibilityMode: "Framework45",
	}
}
