package testvectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestMain(m *testing.M) { farm.Main(m) }

// TestRecordedHere walks the path of docs/capture.md: the program in C#
// records, and the suite runs the folder. By default it does so in one mode.
func TestRecordedHere(t *testing.T) {
	dotnet := farm.BuildDotnet(t)
	modes := []machinekey.Mode{machinekey.Framework45, machinekey.Framework20SP2}
	for _, mode := range modes[:len(modes)/share.OneIn(t, 2)] {
		t.Run(string(mode), func(t *testing.T) {
			cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Mode = mode
			config, dir := filepath.Join(t.TempDir(), "web.config"), t.TempDir()
			text := "<configuration><system.web>" + cfg.WebConfig() +
				`<httpRuntime targetFramework="4.8" />` +
				"</system.web></configuration>"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := dotnet.Command("record", config, dir).CombinedOutput(); err != nil {
				t.Fatalf("record: %v\n%s", err, out)
			}
			output, passed := runFolder(t, dir, "-test.v")
			if !passed {
				t.Fatal(output)
			}
			for _, file := range []string{"sessiontoken_45.json", "formsauth.json", "owin.json"} {
				if !strings.Contains(output, file+": 7 vectors\n") {
					t.Errorf("not all of %s:\n%s", file, output)
				}
			}
		})
	}
}
