package main

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/site"
)

// TestLayerTexts wants each section of layers.txt to be complete, and to be
// about a layer or an error that exists.
func TestLayerTexts(t *testing.T) {
	families := map[string]kind{"fedauth": site.FedAuth, "wif10": site.WIF10, "forms": site.Forms,
		"urltoken": site.Roles, "katana": site.Katana, "state": site.State, "core": site.Core,
		"payload": site.Protected}
	named := layerNames(t)
	titles := layerFile["titles"]
	seen := map[string]bool{"configuration": true}
	for id, section := range layerFile {
		family, name, _ := strings.Cut(id, "/")
		switch {
		case slices.Contains([]string{"titles", "looks", "properties", "ring"}, id):
			continue
		case family == "error":
			if section.Text("refused") == "" || !named[name] && !named[id] {
				t.Errorf("[%s] explains nothing", id)
			}
			continue
		}
		k, ok := families[family]
		if !ok || !named[name] {
			t.Errorf("[%s] is about no layer", id)
			continue
		}
		text := textOf(k, name)
		seen[text.Text("code")] = true
		if text.Text("code") != section.Text("code") || text.Text("code") == "" ||
			titles.Text(text.Text("code")) == "" {
			t.Errorf("[%s] has the code %q and the title %q", id, text.Text("code"),
				titles.Text(text.Text("code")))
		}
		if name != layerCookie && text.Text("what") == "" ||
			name != layerRoles && text.Text("refused") == "" {
			t.Errorf("[%s] says nothing", id)
		}
		if strings.ContainsAny(strings.Join(slices.Concat(slices.Collect(maps.Values(section))...),
			""), "{}") {
			t.Errorf("[%s] has a place for a word, which nothing fills", id)
		}
		for field := range section {
			if !slices.Contains([]string{"code", "what", "refused", "reason"}, field) {
				t.Errorf("[%s] has a field %s", id, field)
			}
		}
	}
	for code := range titles {
		if !seen[code] {
			t.Errorf("the title of %s, which is no layer", code)
		}
	}
	for look := range layerFile["looks"] {
		if !named[look] {
			t.Errorf("the look %s, which nothing recognises", look)
		}
	}
	r := explain(textOf(site.Forms, "new layer"), errors.New("webfarm: new"),
		credential{kind: site.Forms})
	if r.Layer != "new layer" || r.Meaning == "" {
		t.Errorf("a layer without a text: %+v", r)
	}
}

// layerNames returns every string in the sources that name layers and errors.
func layerNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, dir := range []string{".", "../../sessiontoken"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file.Name(), ".go") ||
				strings.HasSuffix(file.Name(), "_test.go") {
				continue
			}
			source, err := os.ReadFile(dir + "/" + file.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"([^"\n]*)"`).FindAllSubmatch(source, -1) {
				names[string(m[1])] = true
			}
		}
	}
	return names
}

// TestSceneTexts wants each section of story.txt to be a scene of the demo.
func TestSceneTexts(t *testing.T) {
	source, err := os.ReadFile("story.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`{"(\w+)", func\(`).FindAllSubmatch(source, -1) {
		used[string(m[1])] = true
		if scenes[string(m[1])].Text("title") == "" {
			t.Errorf("%s has no title", m[1])
		}
	}
	for id := range scenes {
		if !used[id] {
			t.Errorf("[%s] is not used", id)
		}
	}
	if len(used) != 7 {
		t.Errorf("%d scenes", len(used))
	}
}
