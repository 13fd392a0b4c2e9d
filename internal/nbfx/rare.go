package nbfx

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// appendRare appends the text that .NET's XmlConvert gives for the typed records that no session
// token has. Where that text depends on the machine (local times) or on details of number
// formatting, the answer is ErrUnsupported.
func appendRare(dst []byte, code byte, b []byte) ([]byte, error) {
	switch code {
	case Float:
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
	case Double:
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
	case Decimal:
		return appendDecimal(dst, b)
	case DateTime:
		return appendDateTime(dst, binary.LittleEndian.Uint64(b))
	case TimeSpan:
		return appendTimeSpan(dst, int64(binary.LittleEndian.Uint64(b))), nil
	}
	return dst, ErrUnsupported
}

// appendFloat writes what the format "R" gives, as long as that is plain decimal notation.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...), nil
	case math.IsInf(f, 1):
		return append(dst, "INF"...), nil
	case math.IsInf(f, -1):
		return append(dst, "-INF"...), nil
	case f == 0 && math.Signbit(f):
		return append(dst, "-0"...), nil
	}
	text := strconv.FormatFloat(f, 'f', -1, bits)
	digits := 15 // beyond these "R" switches to 17 digits
	if bits == 32 {
		digits = 7
	}
	if len(strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(text), "0")) > digits ||
		f != 0 && math.Abs(f) < 1e-4 {
		return dst, ErrUnsupported
	}
	return append(dst, text...), nil
}

// appendDecimal writes a System.Decimal:
//
//	00 00 | scale | sign | high int32 | low int64
//
// Zero has no sign in .NET's text, but all its digits.
func appendDecimal(dst []byte, b []byte) ([]byte, error) {
	scale, sign := int(b[2]), b[3]
	if b[0] != 0 || b[1] != 0 || scale > 28 || sign&^0x80 != 0 {
		return dst, ErrValue
	}
	n := new(big.Int).SetUint64(uint64(binary.LittleEndian.Uint32(b[4:])))
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(binary.LittleEndian.Uint64(b[8:])))
	digits := n.String()
	if sign != 0 && n.Sign() != 0 {
		dst = append(dst, '-')
	}
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, digits[len(digits)-scale:]...)
	}
	return dst, nil
}

// appendDateTime writes a DateTime, ticks with the kind in the two high bits:
// 0 unspecified, 1 UTC, 2 local.
func appendDateTime(dst []byte, bits uint64) ([]byte, error) {
	t, ok := dotnet.Time(int64(bits &^ (3 << 62)))
	if !ok {
		return dst, ErrValue
	}
	switch bits >> 62 {
	case 0:
		return t.AppendFormat(dst, "2006-01-02T15:04:05.9999999"), nil
	case 1:
		return t.AppendFormat(dst, "2006-01-02T15:04:05.9999999Z"), nil
	}
	return dst, ErrUnsupported
}

// appendTimeSpan writes ticks as an XML Schema duration.
func appendTimeSpan(dst []byte, ticks int64) []byte {
	u := uint64(ticks)
	if ticks < 0 {
		dst = append(dst, '-')
		u = -u
	}
	const second = 10_000_000
	days, hours := u/(86400*second), u/(3600*second)%24
	minutes, seconds, fraction := u/(60*second)%60, u/second%60, u%second
	dst = append(dst, 'P')
	if days > 0 {
		dst = append(strconv.AppendUint(dst, days, 10), 'D')
	}
	if hours+minutes+seconds+fraction == 0 && days > 0 {
		return dst
	}
	dst = append(dst, 'T')
	if hours > 0 {
		dst = append(strconv.AppendUint(dst, hours, 10), 'H')
	}
	if minutes > 0 {
		dst = append(strconv.AppendUint(dst, minutes, 10), 'M')
	}
	if seconds+fraction > 0 || hours+minutes == 0 {
		dst = strconv.AppendUint(dst, seconds, 10)
		if fraction > 0 {
			f := strconv.FormatUint(second+fraction, 10)[1:]
			dst = append(append(dst, '.'), strings.TrimRight(f, "0")...)
		}
		dst = append(dst, 'S')
	}
	return dst
}
