package testvectors_test

import "fmt"

// stricterRings are the rings whose keys .NET uses and this module does not.
var stricterRings = map[string]string{
	"master-0":  "a master key of no bytes, with which everybody forges cookies",
	"master-1":  "a master key shorter than 32 bytes",
	"master-16": "a master key shorter than 32 bytes",
}

// stricterTickets returns the tickets that .NET reads and this module does
// not. Most are good ones with one bit flipped: "flip-OFFSET-BIT".
func stricterTickets() map[string]string {
	list := map[string]string{
		"utf8-bad":             "text that is not UTF-8",
		"properties-version-0": "another version of the properties, which .NET drops and the end with them",
		"properties-version-2": "another version of the properties",
		"actors-50":            "more than 16 actors, one of the other",
		"actors-500":           "more than 16 actors, one of the other",
	}
	for _, offset := range []int{90, 95, 103, 104, 105, 106} {
		list[fmt.Sprintf("flip-%d-1", offset)] = "another version of the properties"
	}
	for _, offset := range []int{103, 104, 105, 106} {
		list[fmt.Sprintf("flip-%d-128", offset)] = "another version of the properties"
	}
	// The texts of that ticket, without the bytes that stand for defaults.
	for _, texts := range [][2]int{{5, 11}, {17, 23}, {25, 28}, {30, 33}, {39, 39}, {41, 43},
		{45, 45}, {47, 47}, {49, 49},
		{55, 58}, {60, 64}, {66, 66}, {68, 70}, {72, 75}, {81, 81}, {83, 83}, {86, 89}, {92, 92},
		{94, 94}, {96, 96},
		{112, 118}, {120, 148}, {150, 157}, {159, 187}} {
		for offset := texts[0]; offset <= texts[1]; offset++ {
			list[fmt.Sprintf("flip-%d-128", offset)] = "text that is not UTF-8"
		}
	}
	return list
}
