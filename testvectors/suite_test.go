package testvectors_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// family is one kind of vector file.
type family struct {
	name  string
	count int // vectors in the recorded file
	run   func(*testing.T, *file)
}

// families are the files, by name.
var families = []family{
	{"aspnetcore_chunks.json", 315, runCoreChunks},
	{"aspnetcore_cookies.json", 466, runCoreCookies},
	{"aspnetcore_tickets.json", 678, runCoreTicket},
	{"cookieprotection.json", 39, runCookieProtection},
	{"dataprotection.json", 1002, runCorePayload},
	{"dataprotection_keyring.json", 86, runCoreRing},
	{"dataprotection_systemweb.json", 86, runSystemWeb},
	{"formsauth.json", 226, runForms},
	{"kdf.json", 68, runKDF},
	{"legacy_encode.json", 220, runLegacy},
	{"owin.json", 165, runKatana},
	{"owin_chunks.json", 80, runKatanaChunks},
	{"protect45.json", 259, runProtect},
	{"sessiontoken_45.json", 121, runSession},
	{"sessiontoken_nbfx.json", 312, runNBFX},
	{"sessiontoken_nrbf.json", 77, runNRBF},
	{"sessiontoken_rsa.json", 22, runRSA},
	{"sessiontoken_tokendoc.json", 117, runDocument},
	{"sessiontoken_envelope.json", 80, runEnvelope},
	{"sessiontoken_negative.json", 81, runNegative},
	{"sessiontoken_wif10.json", 45, runWIF10},
	{"webconfig/cases.json", 70, runWebConfigCases},
}

// A pair is a whole web.config and, beside it, the JSON that says what is in
// it: webconfig/NAME.config and webconfig/NAME.json.
const recordedPairs = 6

var pair = family{"webconfig/*.json", 1, runWebConfigPair}

// TestVectors runs every vector of the recorded files, or of the folder that
// the environment variable WEBFARM_VECTORS names.
func TestVectors(t *testing.T) {
	dir := os.Getenv(folderVariable)
	files, err := loadRecorded()
	if dir != "" {
		files, err = loadFolder(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		checkComplete(t, files)
	}
	var stricter []string
	unissued := 0
	for _, f := range files {
		// A slash would split the name for -run.
		t.Run(strings.ReplaceAll(f.name, "/", ":"), func(t *testing.T) {
			f.run(t, f)
			f.finish(t)
			unissued += f.unissued
			say("%s: %d vectors", f.name, f.ran)
		})
		for _, name := range f.stricter {
			stricter = append(stricter, strings.TrimSuffix(f.name, ".json")+":"+name)
		}
	}
	say("read and never issued, as declared: %d", unissued)
	say("stricter than .NET, as declared: %d %s", len(stricter), strings.Join(stricter, " "))
}

// checkComplete fails if a file of the table is not in the recorded set.
func checkComplete(t *testing.T, files []*file) {
	count := map[string]int{}
	for _, f := range files {
		count[cmp.Or(f.family, f.name)]++
	}
	for _, fam := range families {
		if count[fam.name] != 1 {
			t.Errorf("%s: not in the recorded set", fam.name)
		}
	}
	if count[pair.name] != recordedPairs {
		t.Errorf("%d files beside a web.config, want %d", count[pair.name], recordedPairs)
	}
}

// each runs one subtest for every vector and counts those that ran.
func each[V any](t *testing.T, f *file, list []V, name func(*V) string, run func(*testing.T, *V)) {
	t.Helper()
	f.total += len(list)
	for i := range list {
		v := &list[i]
		t.Run(name(v), func(t *testing.T) {
			run(t, v)
			f.ran++
		})
	}
}

// finish fails unless every vector ran.
func (f *file) finish(t *testing.T) {
	switch {
	case f.total == 0:
		t.Error("no vectors")
	case !f.own && f.total != f.count:
		t.Errorf("%d vectors, want %d", f.total, f.count)
	case t.Failed() || selected():
	case f.ran != f.total:
		t.Errorf("%d vectors of %d ran", f.ran, f.total)
	case !f.own && f.unissued != neverIssued[f.name]:
		t.Errorf("%d values are not issued, want %d", f.unissued, neverIssued[f.name])
	case !f.own && !slices.Equal(slices.Sorted(slices.Values(f.stricter)), f.stricterWanted()):
		t.Errorf("stricter than .NET for %v, the list in declared_test.go says %v", f.stricter,
			f.stricterWanted())
	}
}

// selected reports whether the command line picks single vectors, so that the
// others do not run.
func selected() bool {
	value := func(name string) string { return flag.Lookup("test." + name).Value.String() }
	return strings.Count(value("run"), "/") > 1 || value("skip") != ""
}

// say prints a line that -v shows without a prefix.
func say(format string, args ...any) {
	if testing.Verbose() {
		fmt.Printf(format+"\n", args...)
	}
}
