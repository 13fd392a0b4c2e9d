package testvectors_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// This file tests the suite: folders that it must take, and folders that it
// must not. Each runs the test binary once more.

// object is a JSON object that a test takes apart.
type object = map[string]any

// recordedFile returns a recorded file as a tree, and its vectors.
func recordedFile(t *testing.T, name string) (content object, vectors []object) {
	t.Helper()
	data, err := testvectors.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	content = parse(t, data)
	for _, key := range []string{"vectors", "cases"} {
		items, _ := content[key].([]any)
		for _, item := range items {
			vectors = append(vectors, item.(object))
		}
	}
	return content, vectors
}

// parse reads an object and keeps its numbers as they are.
func parse(t *testing.T, data []byte) (v object) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func clone(t *testing.T, v object) object {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

// some returns a recorded file with only the named vectors, or the first n.
func some(t *testing.T, name string, n int, names ...string) object {
	t.Helper()
	content, vectors := recordedFile(t, name)
	var picked []any
	for _, v := range vectors {
		label, _ := v["name"].(string)
		if slices.Contains(names, label) || len(names) == 0 && len(picked) < n {
			picked = append(picked, v)
		}
	}
	if len(picked) != n {
		t.Fatalf("%s: %d vectors found, want %d", name, len(picked), n)
	}
	delete(content, "count")
	for _, key := range []string{"vectors", "cases"} {
		if content[key] != nil {
			content[key] = picked
		}
	}
	return content
}

// folder is a folder of vectors to be: texts as they are, trees as JSON, and
// both compressed where the name ends with .gz.
type folder map[string]any

// write makes the folder.
func (f folder) write(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		text, ok := content.(string)
		data := []byte(text)
		if !ok {
			var err error
			if data, err = json.Marshal(content); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasSuffix(name, ".gz") {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			w.Write(data)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			data = packed.Bytes()
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs the suite on the folder and returns what it says, with -v or
// without, and whether it passed.
func (f folder) run(t *testing.T, flags ...string) (output string, passed bool) {
	t.Helper()
	return runFolder(t, f.write(t), flags...)
}

func runFolder(t *testing.T, dir string, flags ...string) (output string, passed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-test.run=^TestVectors$"}, flags...)...)
	// The race detector would wait for a second at the end.
	cmd.Env = append(os.Environ(), folderVariable+"="+dir, "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		if _, ran := err.(*exec.ExitError); !ran {
			t.Fatal(err)
		}
	}
	return string(out), err == nil
}

// minimal is the least that a captured cookie needs; see the README.
func minimal(t *testing.T) object {
	t.Helper()
	content := some(t, "sessiontoken_45.json", 1)
	v := content["vectors"].([]any)[0].(object)
	expected := v["expected"].(object)
	identity := expected["identities"].([]any)[0].(object)
	return object{
		"machineKeys": object{"A": content["machineKeys"].(object)["A"]},
		"vectors": []any{object{
			"name": "bob signs in", "machineKey": "A", "cookies": v["cookies"],
			"expected": object{"identities": []any{object{"claims": identity["claims"]}}},
		}},
	}
}

// captured returns a file with the first vector that reads a cookie, without
// what a site does not know of its own and with a part of the result only.
func captured(t *testing.T, name string, unknown ...string) object {
	t.Helper()
	content := some(t, name, 1)
	_, vectors := recordedFile(t, name)
	for _, v := range vectors {
		if op := v["op"]; op != nil && op != "formsDecrypt" && v["anonymousId"] == nil ||
			op == "formsDecrypt" && v["valid"] != true {
			continue
		}
		for _, key := range append(unknown, "payload", "random", "expirationUtcTicks",
			"expiration", "provenance") {
			delete(v, key)
		}
		if v["op"] == "cookieEncode" {
			v["op"] = "cookieDecode"
		}
		for _, key := range []string{"ticket", "expected"} {
			if model, ok := v[key].(object); ok {
				v[key] = object{"name": model["name"]}
				if model["name"] == nil {
					v[key] = object{"endpointId": model["endpointId"]}
				}
			}
		}
		content["vectors"] = []any{v}
		for _, list := range []string{"negatives", "state", "handler"} {
			delete(content, list)
		}
		return content
	}
	t.Fatalf("%s: no vector reads a cookie", name)
	return nil
}

// capturedCore is what a site on ASP.NET Core knows: a ring and a cookie.
func capturedCore(t *testing.T) (rings, tickets object) {
	t.Helper()
	file, _ := recordedFile(t, "aspnetcore_tickets.json")
	recorded, _ := recordedFile(t, coreRingFile)
	v := file["tickets"].([]any)[0].(object)
	for _, r := range recorded["rings"].([]any) {
		if r.(object)["name"] == v["ring"] {
			rings = object{"rings": []any{object{"name": "ours",
				"elements": r.(object)["elements"]}}}
		}
	}
	return rings,
		object{"texts": []any{object{"name": "bob signs in", "ring": "ours",
			"applicationName": v["applicationName"], "purposes": v["purposes"], "text": v["text"], "result": "ticket",
			"ticket": object{"scheme": v["ticket"].(object)["scheme"]}}}}
}

func TestFolderPasses(t *testing.T) {
	t.Parallel()
	rename := func(content object) object {
		for _, v := range content["vectors"].([]any) {
			v.(object)["name"] = "seen nowhere: " + v.(object)["name"].(string)
		}
		return content
	}
	xml, err := testvectors.Read("webconfig/forms-site.config")
	if err != nil {
		t.Fatal(err)
	}
	result, err := testvectors.Read("webconfig/forms-site.json")
	if err != nil {
		t.Fatal(err)
	}
	rings, tickets := capturedCore(t)
	output, passed := folder{
		"aspnetcore_tickets.json":     tickets,
		"dataprotection_keyring.json": rings,
		"kdf.json":                    rename(some(t, "kdf.json", 3)),
		"protect45.json.gz":           rename(some(t, "protect45.json", 4)),
		"sessiontoken_45.json":        minimal(t),
		"sessiontoken_nbfx.json":      rename(some(t, "sessiontoken_nbfx.json", 5)),
		"sessiontoken_nrbf.json": rename(some(t, "sessiontoken_nrbf.json", 2,
			"session-one-claim", "alt-ids")),
		"sessiontoken_tokendoc.json": rename(some(t, "sessiontoken_tokendoc.json", 6)),
		"sessiontoken_envelope.json": rename(some(t, "sessiontoken_envelope.json", 7)),
		"sessiontoken_negative.json": rename(some(t, "sessiontoken_negative.json", 1, "deflate-trunc-532")),
		"legacy_encode.json": rename(some(t, "legacy_encode.json", 1,
			"leg-nonhex-digit-counts-as-zero")),
		"formsauth.json":        captured(t, "formsauth.json", "keyName", "reason"),
		"cookieprotection.json": captured(t, "cookieprotection.json"),
		"sessiontoken_rsa.json": captured(t, "sessiontoken_rsa.json", "input", "stages", "validate"),
		"sessiontoken_wif10.json": captured(t, "sessiontoken_wif10.json", "input", "stages",
			"protectedText"),
		"owin.json.gz": captured(t, "owin.json", "input", "serializedHex", "gzipHex",
			"protectedHex", "desc"),
		"owin_chunks.json":            some(t, "owin_chunks.json", 9),
		"webconfig/cases.json":        some(t, "webconfig/cases.json", 9),
		"webconfig/our-site.config":   string(xml),
		"webconfig/our-site.json":     string(result),
		"webconfig/copy-of-it.config": string(xml),
		"webconfig/copy-of-it.json":   string(result),
	}.run(t, "-test.v")
	if !passed {
		t.Fatalf("the suite fails:\n%s", output)
	}
	var lines []string
	for line := range strings.Lines(output) {
		if strings.Contains(line, ".json: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	want := []string{
		"aspnetcore_tickets.json: 1 vectors", "cookieprotection.json: 1 vectors",
		"dataprotection_keyring.json: 1 vectors", "formsauth.json: 1 vectors",
		"kdf.json: 3 vectors", "legacy_encode.json: 1 vectors",
		"owin.json: 1 vectors", "owin_chunks.json: 9 vectors", "protect45.json: 4 vectors",
		"sessiontoken_45.json: 1 vectors",
		"sessiontoken_envelope.json: 7 vectors", "sessiontoken_nbfx.json: 5 vectors",
		"sessiontoken_negative.json: 1 vectors",
		"sessiontoken_nrbf.json: 2 vectors", "sessiontoken_rsa.json: 1 vectors",
		"sessiontoken_tokendoc.json: 6 vectors",
		"sessiontoken_wif10.json: 1 vectors", "webconfig/cases.json: 9 vectors",
		"webconfig/copy-of-it.json: 1 vectors", "webconfig/our-site.json: 1 vectors",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("lines\n%q, want\n%q", lines, want)
	}
	if !strings.Contains(output, "stricter than .NET, as declared: 3 ") {
		t.Errorf("three refusals are not reported:\n%s", output)
	}
}

// TestFolderRefused looks at folders that do not even load.
func TestFolderRefused(t *testing.T) {
	t.Parallel()
	kdf := some(t, "kdf.json", 1)
	for name, test := range map[string]struct {
		folder folder
		want   string
	}{
		"unknown file":            {folder{"kdf.json": kdf, "notes.txt": "x"}, "unknown file"},
		"unknown JSON file":       {folder{"kdf2.json": kdf}, "unknown file"},
		"web.config without JSON": {folder{"webconfig/a.config": "<configuration/>"}, "unknown file"},
		"JSON without web.config": {folder{"webconfig/a.json": "{}"}, "unknown file"},
		"pair in another folder":  {folder{"a.config": "<configuration/>", "a.json": "{}"}, "unknown file"},
		"file of another folder":  {folder{"webconfig/kdf.json": kdf}, "unknown file"},
		"no files":                {folder{}, "holds no files"},
		"twice":                   {folder{"kdf.json": kdf, "kdf.json.gz": kdf}, "twice"},
	} {
		files, err := loadFolder(test.folder.write(t))
		if err == nil || files != nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %d files, error %v, want %q", name, len(files), err, test.want)
		}
	}
	for _, dir := range []string{"relative", filepath.Join(t.TempDir(), "missing")} {
		if _, err := loadFolder(dir); err == nil {
			t.Errorf("%s: loaded", dir)
		}
	}
	if output, passed := (folder{"kdf.json": kdf, "notes.txt": "x"}).run(t); passed ||
		!strings.Contains(output, "unknown file") {
		t.Errorf("passed is %v:\n%s", passed, output)
	}
}

// TestFolderFails looks at folders in which each file must fail, for its own
// reason.
func TestFolderFails(t *testing.T) {
	t.Parallel()
	first := map[string]object{} // files with their first vector
	// with returns one of them with one value set at a path.
	with := func(name string, value any, path ...string) object {
		if first[name] == nil {
			first[name] = some(t, name, 1)
		}
		content := clone(t, first[name])
		at := any(content)
		for _, key := range path[:len(path)-1] {
			at = at.(object)[key]
			if items, ok := at.([]any); ok {
				at = items[0]
			}
		}
		at.(object)[path[len(path)-1]] = value
		return content
	}
	good := some(t, "sessiontoken_tokendoc.json", 1)["vectors"].([]any)[0].(object)
	type failing map[string]struct {
		content any
		want    string
	}
	for _, files := range []failing{
		{
			"kdf.json": {with("kdf.json", 1, "surprise"), `unknown field "surprise"`},
			"protect45.json": {with("protect45.json", 1, "vectors", "surprise"),
				`unknown field "surprise"`},
			"sessiontoken_45.json": {with("sessiontoken_45.json", 1, "vectors", "expected",
				"identities", "surprise"), `unknown field "surprise"`},
			"sessiontoken_tokendoc.json": {with("sessiontoken_tokendoc.json", nil, "vectors",
				"expected"), "not exactly one"},
			"sessiontoken_nbfx.json": {"{}", "no vectors"},
			"sessiontoken_nrbf.json": {"", "EOF"},
			"webconfig/cases.json": {with("webconfig/cases.json", 1, "cases", "expect",
				"httpCookies", "surprise"), `unknown field "surprise"`},
			"formsauth.json": {`{"vectors":[]}`, "no vectors"},
			"owin.json":      {`{"vectors":[`, "unexpected EOF"},
		},
		{
			"kdf.json":       {`{"format":1,"vectors":[]}`, "no vectors"},
			"protect45.json": {some(t, "kdf.json", 1), "unknown field"},
			"sessiontoken_45.json": {with("sessiontoken_45.json", 1, "vectors", "input",
				"surprise"), `unknown field "surprise"`},
			"sessiontoken_tokendoc.json": {object{"vectors": []any{object{
				"name": "a", "error": "e", "nbfxHex": good["nbfxHex"]}}}, ".NET refuses"},
			"sessiontoken_nrbf.json": {with("sessiontoken_nrbf.json", 2, "count"), "the file says 2"},
			"webconfig/cases.json":   {`{"cases":[]}`, "no vectors"},
		},
		{
			"kdf.json":       {`{"vectors":[{"op":"derive"}]} {}`, "something follows"},
			"formsauth.json": {with("formsauth.json", "other", "vectors", "layout"), `layout "other"`},
			"owin_chunks.json": {with("owin_chunks.json", "other", "vectors", "manager"),
				`no test for manager "other"`},
			"protect45.json": {with("protect45.json", 2, "format"), "format 2"},
			"sessiontoken_45.json": {with("sessiontoken_45.json", "B", "vectors", "machineKey"),
				"refused, .NET accepts"},
		},
		{
			"kdf.json":           {with("kdf.json", "guess", "vectors", "op"), "no test for op"},
			"legacy_encode.json": {with("legacy_encode.json", "guess", "vectors", "op"), "no test for op"},
			"formsauth.json": {with("formsauth.json", 1, "vectors", "ticket", "surprise"),
				`unknown field "surprise"`},
			"owin.json": {with("owin.json", 1, "vectors", "ticket", "surprise"),
				`unknown field "surprise"`},
			"sessiontoken_rsa.json": {with("sessiontoken_rsa.json", "C", "vectors", "signingKey"),
				`no RSA key "C"`},
			"protect45.json": {with("protect45.json", "00", "vectors", "plaintext"),
				"protected differs"},
			"sessiontoken_45.json": {with("sessiontoken_45.json", "C", "vectors", "machineKey"),
				`no machine key "C"`},
		},
	} {
		in := folder{}
		for name, file := range files {
			in[name] = file.content
		}
		output, _ := in.run(t)
		for name, file := range files {
			// What a file says stands below its line, up to the next file's.
			_, said, failed := strings.Cut(output,
				"    --- FAIL: TestVectors/"+strings.ReplaceAll(name, "/", ":")+" ")
			said, _, _ = strings.Cut(said, "\n    --- FAIL")
			if !failed || !strings.Contains(said, file.want) {
				t.Errorf("%s: failed is %v, want %q:\n%s", name, failed, file.want, output)
			}
		}
	}
}
