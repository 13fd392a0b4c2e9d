package chunks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Set describes the chunks of one cookie in a request. It holds names and
// sizes and no values, so it may be shown to an operator.
type Set struct {
	// Name is the name of the cookie that was looked for.
	Name string
	// Chunks are the chunks in the request, by ascending number.
	Chunks []Chunk
	// Joined is the number of chunks before the first gap, those that Join
	// reads. Chunks[Joined:] lie behind it or, for Katana, beyond the number
	// that Chunks[0] announces.
	Joined int
	// Length is the number of bytes in the chunks before the gap together,
	// without Katana's announcement.
	Length int
	// Announced is the number of chunks that Katana's cookie announces, 0 for
	// one that is no announcement and for other schemes.
	Announced int
	// Err is the error that Join returns, or nil.
	Err error

	scheme Scheme
	first  string // the name that was looked for, as in headers
}

// Chunk is one chunk of a [Set].
type Chunk struct {
	// Index is 0 for the cookie itself, be it data or Katana's announcement,
	// and the number in its name otherwise.
	Index int
	// Name is spelled as in the request.
	Name string
	// Size is the number of bytes in the value that counts, the first.
	Size int
	// Copies is how often the name is in the request, normally 1.
	Copies int
	// Differ says that not all copies have the same value. Browsers send such
	// a name once for each path or domain it was set on.
	Differ bool
}

// Inspect describes the chunks of the cookie called name, for an operator who
// wants to know why a cookie does not read. Handlers need [Scheme.Join] only.
// Of a header with more than 200 cookies it lists the first 200, and Err says
// that Join reads none of it.
func (k Scheme) Inspect(r *http.Request, name string) Set {
	set := Set{Name: name, scheme: k}
	if set.first, set.Err = k.wireName(name); set.Err != nil {
		return set
	}
	_, set.Err = k.Join(r, name)
	first := make(map[int]string) // values by index
	at := make(map[int]int)       // positions in set.Chunks by index
	if k.readsRaw(name, set.first) {
		set.list(r, name, first, at)
	}
	set.list(r, set.first, first, at)
	slices.SortFunc(set.Chunks, func(a, b Chunk) int { return a.Index - b.Index })
	last := maxInspectIndex
	if k.counts() {
		marker := first[0]
		if k != KatanaSystemWeb {
			marker = unescape(marker)
		}
		set.Announced = k.parseMarker(marker)
		last = set.Announced
	}
	for set.Joined < len(set.Chunks) && set.Chunks[set.Joined].Index == set.Joined &&
		set.Joined <= last {
		if set.Joined > 0 || set.Announced == 0 {
			set.Length += set.Chunks[set.Joined].Size
		}
		set.Joined++
	}
	return set
}

// list adds the chunks of name, unless they were found under another name.
func (s *Set) list(r *http.Request, name string, first map[int]string, at map[int]int) {
	start := len(s.Chunks)
	for n, pair := range s.scheme.Pairs(r) {
		if n == maxCookies {
			break
		}
		i, spelled, value, ok := s.scheme.cutChunk(pair, name, s.scheme.lastIndex(maxInspectIndex))
		if !ok {
			continue
		}
		if pos, twice := at[i]; twice {
			if c := &s.Chunks[pos]; pos >= start {
				c.Copies++
				c.Differ = c.Differ || value != first[i]
			}
			continue
		}
		first[i], at[i] = value, len(s.Chunks)
		s.Chunks = append(s.Chunks, Chunk{Index: i, Name: spelled, Size: len(value), Copies: 1})
	}
}

// Problems says in sentences what is unusual about the set; it returns none
// for a set as .NET writes it. None of it need be an error: [Set.Err] is.
func (s Set) Problems() []string {
	var list []string
	if s.Err != nil {
		list = append(list, s.Err.Error())
	}
	for _, c := range s.Chunks {
		if c.Copies < 2 {
			continue
		}
		kind := "the same value"
		if c.Differ {
			kind = "different values, as from two paths or domains; the first counts"
			if s.scheme.isCore() {
				kind = strings.Replace(kind, "first", "last", 1)
			}
		}
		list = append(list, fmt.Sprintf("%s is there %d times with %s", c.Name, c.Copies, kind))
	}
	orphans := s.Chunks[s.Joined:]
	switch {
	case s.Joined > 0 && s.Joined <= s.Announced:
		list = append(list, fmt.Sprintf("%s is missing, of %d announced chunks",
			s.scheme.chunkName(s.first, s.Joined), s.Announced))
	case len(orphans) == 0:
	case s.Joined > 0 && s.scheme.counts():
		list = append(list,
			fmt.Sprintf("%s not announced, and not read: left over from a longer session",
				listNames(orphans)))
	default:
		list = append(list, fmt.Sprintf("%s is missing, so %s not read",
			s.scheme.chunkName(s.first, s.Joined), listNames(orphans)))
	}
	if s.scheme.counts() {
		return list
	}
	// .NET fills every chunk but the last. A short one in the middle is where
	// a new session ends and the rest of an older, longer one begins.
	for i := 0; i+1 < s.Joined; i++ {
		if s.Chunks[i].Size < s.Chunks[0].Size && s.Chunks[i+1].Size > 0 {
			list = append(list,
				fmt.Sprintf("%s is shorter than %s but not the last: chunks behind it may be left over from a longer session",
					s.Chunks[i].Name, s.Chunks[0].Name))
			break
		}
	}
	return list
}

// listNames returns the first few names and how many more there are, with the
// verb that fits.
func listNames(chunks []Chunk) string {
	const show = 5
	var names []string
	for _, c := range chunks[:min(show, len(chunks))] {
		names = append(names, c.Name)
	}
	text := strings.Join(names, ", ")
	if more := len(chunks) - show; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(chunks) == 1 {
		return text + " is"
	}
	return text + " are"
}
