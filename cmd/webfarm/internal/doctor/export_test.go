package doctor

// Fixes returns the texts of all fixes by their sections.
func Fixes() map[string]string {
	fixes := map[string]string{}
	for id, section := range findings {
		fixes[id] = section.Text("fix")
	}
	return fixes
}
