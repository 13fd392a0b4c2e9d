package testkit

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// expression is what the queries of our dashboards are made of. Anything else
// is a slip, or a reason to teach Dashboard.
var (
	sampleLine = regexp.MustCompile(`(?m)^([a-z]\w*)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"[^"]*"`)
	selector   = regexp.MustCompile(`\{[^}]*\}`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	identifier = regexp.MustCompile(`[a-zA-Z_]\w*`)
	span       = regexp.MustCompile(`\[[^]]*\]`)
	legend     = regexp.MustCompile(`\{\{(\w+)\}\}`)
	functions  = []string{"sum", "max", "rate", "increase", "time", "histogram_quantile"}
)

// Dashboard wants the queries of a dashboard of Grafana to ask for metrics and
// labels that stand in text, which is in the format of Prometheus, and every
// metric of text whose name begins with prefix to be asked for.
func Dashboard(tb testing.TB, path, text, prefix string) {
	tb.Helper()
	labels := map[string][]string{} // by metric
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			labels[m[1]] = append(labels[m[1]], l[1])
		}
		labels[m[1]] = append(labels[m[1]], "instance") // of the scrape
	}
	var board struct {
		Title      string
		Templating struct {
			List []struct{ Name, Query string }
		}
		Panels []struct {
			Title       string
			Datasource  struct{ UID string }
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &board)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if board.Title == "" || len(board.Panels) == 0 || len(labels) == 0 {
		tb.Fatalf("%q: %d panels, %d metrics", board.Title, len(board.Panels), len(labels))
	}
	asked := map[string]bool{}
	ask := func(where, metric string, of []string) {
		if _, ok := labels[metric]; !ok {
			tb.Errorf("%s: no metric %s", where, metric)
		}
		for _, l := range of {
			if !slices.Contains(labels[metric], l) {
				tb.Errorf("%s: %s has no label %s", where, metric, l)
			}
		}
		asked[metric] = true
	}
	variables := []string{"__rate_interval"}
	for _, v := range board.Templating.List {
		variables = append(variables, v.Name)
		if inside, ok := strings.CutPrefix(v.Query, "label_values("); ok {
			metric, label, _ := strings.Cut(strings.TrimSuffix(inside, ")"), ", ")
			ask(v.Name, metric, []string{label})
		}
	}
	for _, p := range board.Panels {
		if p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" ||
			len(p.Targets) == 0 {
			tb.Errorf("%s: source %q, unit %q, %d queries", p.Title, p.Datasource.UID,
				p.FieldConfig.Defaults.Unit, len(p.Targets))
		}
		for _, target := range p.Targets {
			expr := target.Expr
			if strings.Count(expr, "(") != strings.Count(expr, ")") {
				tb.Errorf("%s: parentheses in %s", p.Title, expr)
			}
			for _, v := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(expr, -1) {
				if !slices.Contains(variables, v[1]) {
					tb.Errorf("%s: no variable %s", p.Title, v[1])
				}
			}
			var used, groups []string
			for _, m := range labelName.FindAllStringSubmatch(expr, -1) {
				used = append(used, m[1])
			}
			for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
				groups = append(groups, identifier.FindAllString(m[1], -1)...)
			}
			for _, m := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(groups, m[1]) {
					tb.Errorf("%s: the legend has %s, the query does not", p.Title, m[1])
				}
			}
			for _, part := range []*regexp.Regexp{selector, grouping, span} {
				expr = part.ReplaceAllString(expr, "")
			}
			for _, name := range identifier.FindAllString(expr, -1) {
				if !slices.Contains(functions, name) {
					ask(p.Title, name, append(used, groups...))
				}
			}
		}
	}
	for metric := range labels {
		base := metric
		for _, part := range []string{"_bucket", "_count", "_sum"} {
			base = strings.TrimSuffix(base, part)
		}
		if strings.HasPrefix(metric, prefix) && !asked[metric] && !asked[base+"_bucket"] {
			tb.Errorf("no query asks for %s", metric)
		}
	}
}
