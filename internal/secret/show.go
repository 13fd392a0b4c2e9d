package secret

import "fmt"

// Quote shows a value in an error. A value that might be a key pasted into
// the wrong attribute (long, or mostly hex digits) is described instead.
func Quote(value string) string {
	const longest, mostHex = 40, 15
	if digits, _ := hexDigits(value); len(value) > longest || digits > mostHex {
		return fmt.Sprintf("a value of %d bytes", len(value))
	}
	return fmt.Sprintf("%q", value)
}

// Name shows the name of an element or attribute. A very long one, or one
// that might be a key which lost its quotes, is replaced by an ellipsis.
func Name(name string) string {
	const longest, longestRun = 60, 11
	if _, run := hexDigits(name); len(name) > longest || run > longestRun {
		return "…"
	}
	return name
}

// hexDigits counts the hex digits of s, and those of its longest run.
func hexDigits(s string) (total, longestRun int) {
	run := 0
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' {
			total++
			run++
			longestRun = max(longestRun, run)
		} else {
			run = 0
		}
	}
	return total, longestRun
}
