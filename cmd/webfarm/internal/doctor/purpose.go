package doctor

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
)

// purpose is one use of a key by .NET or a widespread library.
type purpose struct {
	kind     Kind   // empty for formats that nothing here reads
	authType string // for Katana
	primary  string
	specific []string
	what     string // for an empty kind
}

//go:embed purposes.txt
var purposesFile string

var (
	purposeFile = texts.Parse(purposesFile)
	// knownPurposes are the purposes of each section.
	knownPurposes   = parsePurposes()
	commonAuthTypes = strings.Fields(purposeFile["katana"].Text("types"))
	externalSchemes = strings.Fields(purposeFile["scheme"].Text("external"))
)

func parsePurposes() map[string][]purpose {
	known := map[string][]purpose{}
	for name, section := range purposeFile {
		for _, line := range section["purpose"] {
			kind, list, _ := strings.Cut(line, ": ")
			list, what, _ := strings.Cut(list, " = ")
			words := strings.Split(list, ", ")
			known[name] = append(known[name], purpose{kind: Kind(strings.Trim(kind, "-")),
				primary: words[0], specific: words[1:], what: what})
		}
	}
	return known
}

// oldSignature stands for data in a legacy format, without purposes, that is no credential.
var oldSignature = purpose{what: "data that the same key signs in the legacy way, as MachineKey.Encode and view state do"}

// purposes returns the purposes of machine keys to try, each once. The given AuthenticationTypes come
// before common ones.
func purposes(authTypes ...string) []purpose {
	return append(slices.Clone(knownPurposes["machine_key"]), ofTypes("katana", authTypes)...)
}

// ofTypes returns the purposes of a section for each of the given AuthenticationTypes and the common
// ones.
func ofTypes(section string, types []string) (list []purpose) {
	seen := map[string]bool{}
	for _, t := range append(types, commonAuthTypes...) {
		if seen[t] || strings.TrimSpace(t) == "" || len(seen) == maxAuthTypes {
			continue
		}
		seen[t] = true
		for _, p := range knownPurposes[section] {
			p.authType, p.specific = t, slices.Clone(p.specific)
			p.specific[slices.Index(p.specific, "{type}")] = t
			list = append(list, p)
		}
	}
	return list
}
