package dotnet

// guidOrder is the order in which System.Guid prints its bytes: the first
// three fields are little-endian integers, the last eight bytes are in order.
var guidOrder = [16]byte{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

// FormatGUID appends the 36 characters of Guid.ToString("D") in lower case:
//
//	bytes  c6 eb e0 06  d9 f3  8f 4d  9f c4  a1 d8 57 06 f7 b9
//	text      06e0ebc6 - f3d9 - 4d8f - 9fc4 - a1d85706f7b9
func FormatGUID(dst []byte, g [16]byte) []byte {
	const digits = "0123456789abcdef"
	for i, j := range guidOrder {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[g[j]>>4], digits[g[j]&0x0f])
	}
	return dst
}
