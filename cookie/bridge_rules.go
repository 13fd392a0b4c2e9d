package cookie

// The rules of the bridge, as one function of what is known about a request.

// standing is what one half of a farm says about a request. The last four are
// valid sessions.
type standing uint8

const (
	absent  standing = iota // no cookie
	expired                 // past its end, a copy whose key is being replaced, or of a user who never signed in
	ended                   // signed out, revoked, or now of a user who is not authenticated
	unknown                 // this node cannot tell: an unknown key, a store that is away
	same                    // the text that the marker names
	renewed                 // the session that the marker names, with another text
	again                   // the user of the marker, renewed sooner than .NET does: a new sign-in
	other                   // not what the marker names, or there is no marker
)

func (s standing) valid() bool { return s >= same }

// goesOn reports whether it is the session of the marker.
func (s standing) goesOn() bool { return s == same || s == renewed }

// action is what the bridge does with a request.
type action uint8

const (
	leave  action = iota // nothing
	begin                // copy a session that begins here; what the marker named has ended
	extend               // copy the original of the marker once more
	link                 // write the marker anew, as both sides are valid
	unlink               // delete the marker
	end                  // delete both sides and the marker, as one has ended
)

// question is all that the rules depend on.
type question struct {
	marked   bool        // there is a marker
	original int         // the half that it calls the original
	is       [2]standing // by half
	oneUser  bool        // both are valid, and of one user
	elder    int         // the half whose session began first
	past     bool        // the absolute end of the bridged session has come
	from     [2]bool     // the halves that are carried across
}

// decide returns what to do, and the half that is the original from now on or
// -1 if they are not linked. What a node cannot tell changes nothing.
func decide(q question) (action, int) {
	if q.is[0] == unknown || q.is[1] == unknown {
		return leave, -1
	}
	if !q.marked {
		return unmarked(q, leave)
	}
	o, c := q.original, 1-q.original
	original, copied := q.is[o], q.is[c]
	if q.past && original.goesOn() {
		original = expired
	}
	begins := func(half int) (action, int) {
		if !q.from[half] {
			return unlink, -1
		}
		return begin, half
	}
	switch {
	case original == other && copied == other:
		return unmarked(q, unlink)
	case original == other:
		return begins(o)
	case copied == other:
		return begins(c)
	case !original.valid() && copied == again:
		return begins(c)
	case !original.valid():
		return end, -1
	case !copied.valid() && copied != expired && original == again:
		return begins(o)
	case !copied.valid() && copied != expired:
		return end, -1
	case copied == expired, copied == same && original != same:
		return extend, o
	case copied != same:
		return link, o
	}
	return leave, o
}

// unmarked decides on sessions that began each by itself: two of one user are
// linked, and two of different users stay apart. without is for those. A cookie
// that was ended, stolen perhaps, goes: .NET nodes do not know that it was.
func unmarked(q question, without action) (action, int) {
	for half := range 2 {
		switch {
		case !q.is[half].valid():
		case q.is[1-half].valid():
			if !q.oneUser {
				return without, -1
			}
			if q.from[q.elder] {
				return link, q.elder
			}
			return link, 1 - q.elder
		case q.from[half]:
			return begin, half
		}
	}
	if (q.is[0] == ended || q.is[1] == ended) && !q.is[0].valid() && !q.is[1].valid() {
		return end, -1
	}
	return without, -1
}
