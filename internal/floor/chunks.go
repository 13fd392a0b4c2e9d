package floor

import "strings"

// Chunks is the floor of a text in several cookies: each byte of the header
// looked at once for the end of its pair, each value of interest copied once.
type Chunks struct{ text []byte }

// Read returns the values of the pairs whose names begin with name.
func (f *Chunks) Read(header, name string) []byte {
	f.text = f.text[:0]
	for header != "" {
		pair := header
		if i := strings.IndexByte(header, ';'); i >= 0 {
			pair, header = header[:i], header[i+1:]
		} else {
			header = ""
		}
		if pair[0] == ' ' {
			pair = pair[1:]
		}
		if strings.HasPrefix(pair, name) {
			f.text = append(f.text, pair[strings.IndexByte(pair, '=')+1:]...)
		}
	}
	return f.text
}
