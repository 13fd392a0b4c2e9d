package testvectors_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/testvectors"
)

// explanations are keys that no test can check: words for people, and the
// names that .NET has for what went wrong.
var explanations = []string{
	"name", "id", "desc", "note", "provenance", "mutation", "reason", "keyName", "detail",
	"error", "message", "inner", "referenceError", "advice", "dotnetType",
	"dotnetDeserializedType", "loadError",
}

// withoutEffect are places whose value cannot matter.
var withoutEffect = []place{
	{"protect45.json", "environment.targetFramework45"}, // decides the mode, which Protect ignores
	{"protect45.json", "predictableIV"},                 // only adds a check
	{"legacy_encode.json", "environment.appPath"},       // its hash stands for it
	{"owin.json", "cookieName"},                         // a site may choose another
	{"owin.json", "keyInline.validationKey"},            // never the one at fault
	{"owin.json", "keyInline.decryptionKey"},            // as wrong as before
	{"owin.json", "input.label"},                        // not in the bytes
	{"owin.json handler", "options.sessionStore"},       // a name like any other

	{"dataprotection.json refused", "applicationName"}, // refused all the same, as are the next two
	{"dataprotection.json refused", "purposes[]"},
	{"dataprotection.json refused", "protected"},
	{"dataprotection_keyring.json rings", "keys[].why"},                 // words
	{"dataprotection_keyring.json rings", "resolve[].now"},              // a second seldom matters
	{"dataprotection_keyring.json rings", "certificates[].pfxBase64"},   // as the PEM
	{"dataprotection_keyring.json rings", "certificates[].pfxPassword"}, // of the PFX
}

// place is where vectors of one kind have a value. For those that are not in
// the file's main list, file is "NAME.json list".
type place struct{ file, path string } // path without the indices of lists

// lists are the keys of a file that hold vectors.
var lists = []string{"vectors", "cases", "negatives", "state", "handler",
	"rings", "several_keys", "time_limited", "refused", "tickets", "serialized", "texts"}

// TestEveryValueIsChecked changes every value of the recorded vectors, one at
// a time, and wants the suite to notice. Not every value matters in every
// vector: a place that goes unnoticed in one is tried in more.
func TestEveryValueIsChecked(t *testing.T) {
	t.Parallel()
	if race.Enabled {
		return // nothing here runs at the same time, and it takes long
	}
	kinds := map[string]*kind{}
	places := map[place][]int{} // the vectors that have a value there
	for _, fam := range families {
		content, _ := recordedFile(t, fam.name)
		for _, list := range lists {
			if items, ok := content[list].([]any); ok {
				k := &kind{file: fam.name, list: list, content: content}
				for _, item := range items {
					k.vectors = append(k.vectors, item.(object))
				}
				kinds[k.name()] = k
			}
		}
	}
	kinds[pair.name] = recordedPairsKind(t)
	for file, k := range kinds {
		for i, v := range k.vectors {
			seen := map[string]bool{}
			leaves(v, "", func(path string, _ func(any), _ any) {
				if !seen[path] && !explained(place{file, path}) {
					seen[path] = true
					places[place{file, path}] = append(places[place{file, path}], i)
				}
			})
		}
	}
	if len(places) < 400 {
		t.Errorf("%d places, want more", len(places))
	}
	step := share.OneIn(t, 36)
	order := slices.SortedFunc(maps.Keys(places), func(a, b place) int {
		return cmp.Or(strings.Compare(a.file, b.file), strings.Compare(a.path, b.path))
	})
	for i, p := range order {
		if i%step != 0 {
			delete(places, p)
		}
	}
	for _, tries := range []int{1, 8, 31} {
		for p := range noticed(t, kinds, places, tries) {
			delete(places, p)
		}
	}
	for p := range places {
		t.Errorf("no test notices a change of %s in %s", p.path, p.file)
	}
}

// kind is one list of vectors of a file, or those of all pairs.
type kind struct {
	file, list string
	content    object
	vectors    []object
	configs    []string // of pairs
}

func (k *kind) name() string {
	if k.list == "vectors" || k.list == "cases" {
		return k.file
	}
	return k.file + " " + k.list
}

func recordedPairsKind(t *testing.T) *kind {
	t.Helper()
	k := &kind{}
	for _, name := range testvectors.Names() {
		base, ok := strings.CutSuffix(name, ".config")
		if !ok {
			continue
		}
		config, err := testvectors.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := testvectors.Read(base + ".json")
		if err != nil {
			t.Fatal(err)
		}
		k.vectors = append(k.vectors, parse(t, data))
		k.configs = append(k.configs, string(config))
	}
	return k
}

// noticed changes the value at each place in some of the vectors that have
// one, and returns the places where a subtest failed.
func noticed(t *testing.T, kinds map[string]*kind, places map[place][]int, tries int) map[place]bool {
	t.Helper()
	made := map[string]place{} // by subtest
	changed := map[string][]any{}
	in := folder{}
	for p, at := range places {
		k := kinds[p.file]
		for n := range min(tries, len(at)) {
			i := at[n*len(at)/min(tries, len(at))]
			v := change(t, k.vectors[i], p.path)
			label := fmt.Sprintf("m%d", len(made))
			if p.file == pair.name {
				in["webconfig/"+label+".json"], in["webconfig/"+label+".config"] = v, k.configs[i]
				made["webconfig:"+label+".json/config"] = p
				continue
			}
			for _, key := range []string{"name", "id"} {
				if v[key] != nil {
					v[key] = label
				}
			}
			made[strings.ReplaceAll(k.file, "/", ":")+"/"+label] = p
			changed[p.file] = append(changed[p.file], v)
		}
	}
	for name, vectors := range changed {
		k := kinds[name]
		content, ok := in[k.file].(object)
		if !ok {
			content = maps.Clone(k.content)
			delete(content, "count")
			for _, list := range lists {
				if content[list] != nil {
					content[list] = []any{}
				}
			}
			in[k.file] = content
		}
		for _, v := range k.vectors { // a store is filled by other vectors
			if options, ok := v["options"].(object); ok && options["nextSessionKey"] != nil {
				vectors = append(vectors, v)
			}
		}
		content[k.list] = vectors
	}
	output, _ := in.run(t)
	found := map[place]bool{}
	for line := range strings.Lines(output) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: TestVectors/"); ok {
			name, _, _ := strings.Cut(rest, " ")
			if p, ok := made[name]; ok {
				found[p] = true
			}
		}
	}
	return found
}

// change returns a copy of v with the first value at path changed.
func change(t *testing.T, v object, path string) object {
	t.Helper()
	v = clone(t, v)
	done := false
	leaves(v, "", func(p string, set func(any), value any) {
		if p == path && !done {
			set(other(value))
			done = true
		}
	})
	return v
}

// other returns a different value of the same kind.
func other(value any) any {
	switch value := value.(type) {
	case bool:
		return !value
	case json.Number:
		n, _ := value.Int64()
		return n + 1
	case string:
		if value == "" {
			return "00" // may have to be hex
		}
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at.Add(time.Second).Format(time.RFC3339Nano)
		}
		if _, err := hex.DecodeString(value); err == nil {
			if value[0] == '0' {
				return "1" + value[1:]
			}
			return "0" + value[1:]
		}
		return value + "x"
	}
	return value
}

// leaves calls f with every value that is not null, its path and a way to
// change it, in the order of keys.
func leaves(v any, path string, f func(path string, set func(any), value any)) {
	visit := func(child any, path string, set func(any)) {
		switch child.(type) {
		case nil:
		case object, []any:
			leaves(child, path, f)
		default:
			f(path, set, child)
		}
	}
	switch v := v.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			visit(v[key], strings.TrimPrefix(path+"."+key, "."), func(to any) { v[key] = to })
		}
	case []any:
		for i := range v {
			visit(v[i], path+"[]", func(to any) { v[i] = to })
		}
	}
}

// explained reports whether a change at a place cannot be noticed.
func explained(p place) bool {
	if slices.Contains(withoutEffect, p) || p.file == "owin.json" &&
		strings.HasPrefix(p.path, "input.actor.") { // not in the bytes either
		return true
	}
	if strings.ContainsRune(p.path, utf8.RuneError) {
		return true // a name that .NET has changed, of a ticket that is refused
	}
	path := p.path
	last := path[strings.LastIndexByte(path, '.')+1:]
	// Ids of tokens, names of cookies and the like are no words for people.
	top := !strings.ContainsAny(path, ".") || strings.Contains(path, ".error.") ||
		strings.HasPrefix(path, "validate.") ||
		strings.HasPrefix(path, "readWithoutCache.") || last == "note" || last == "detail"
	return top && slices.Contains(explanations, last)
}
