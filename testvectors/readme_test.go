package testvectors_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/testvectors"
)

// freeKeys are objects whose keys are names that somebody chose.
var freeKeys = []string{"machineKeys", "keys", "rsaKeys", "appSettings", "responseHeaders",
	"locations", "properties"}

// TestReadme checks that the README describes every key of every file, and
// that its example is in the format.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	words := map[string]bool{}
	for _, word := range regexp.MustCompile(`[\w-]+`).FindAllString(readme, -1) {
		words[word] = true
	}
	keys := map[string]string{} // and the file that has it
	for _, name := range testvectors.Names() {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		data, err := testvectors.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := json.Unmarshal(data, &content); err != nil {
			t.Fatal(err)
		}
		collect(content, func(key string) { keys[key] = name })
	}
	if len(keys) < 100 {
		t.Errorf("%d keys, want more", len(keys))
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !words[key] {
			t.Errorf("the README has no word about the key %s of %s", key, keys[key])
		}
	}

	_, example, _ := strings.Cut(readme, "```json")
	example, _, _ = strings.Cut(example, "```")
	var file sessionFile
	if err := decode([]byte(example), &file); err != nil {
		t.Errorf("the example: %v", err)
	}
	if len(file.Vectors) != 1 || file.MachineKeys[file.Vectors[0].MachineKey] == nil ||
		len(file.Vectors[0].Cookies) == 0 {
		t.Error("the example is not complete")
	}
}

// collect calls f with every key that has a fixed meaning.
func collect(v any, f func(key string)) {
	switch v := v.(type) {
	case object:
		for key, child := range v {
			f(key)
			if object, ok := child.(object); ok && slices.Contains(freeKeys, key) {
				for _, child := range object {
					collect(child, f)
				}
				continue
			}
			collect(child, f)
		}
	case []any:
		for _, child := range v {
			collect(child, f)
		}
	}
}
