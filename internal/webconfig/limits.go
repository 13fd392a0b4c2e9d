package webconfig

// All bounds of this package, chosen here: System.Configuration knows none.
// A large real web.config has a few thousand elements, 10 levels and some 100
// kilobytes; each bound leaves room for at least ten times that.
const (
	// MaxFileBytes bounds one file as stored. One byte more is read, to tell.
	MaxFileBytes = 8 << 20
	// maxDepth bounds how deep elements nest.
	maxDepth = 128
	// maxElements bounds the elements of one file: the memory of the tree.
	maxElements = 100_000
	// maxEntries bounds the children of a list whose <remove> searches it.
	maxEntries = 1000
)
