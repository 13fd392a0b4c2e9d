package nbfx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/webfarm-go/webfarm/internal/seed"
)

// plainWriter is the writer once more, as plain as its description reads and
// as slow: it has a buffer of 512 bytes, and a code byte that can be changed
// as long as it is in there. It knows no namespaces.
type plainWriter struct {
	out     []byte
	buf     []byte
	pending int // index in buf, or -1
	tail    []byte
}

func (p *plainWriter) need(n int) {
	if len(p.buf)+n > 512 {
		p.flush()
	}
}

func (p *plainWriter) flush() {
	p.out = append(p.out, p.buf...)
	p.buf = p.buf[:0]
	p.pending = -1
}

// value writes the beginning of a value record.
func (p *plainWriter) value(b ...byte) {
	p.pending = len(p.buf)
	p.buf = append(p.buf, b...)
}

// code writes any other record's code.
func (p *plainWriter) code(b byte) {
	p.need(1)
	p.pending = -1
	p.buf = append(p.buf, b)
}

func (p *plainWriter) mb32(n int) {
	p.need(5)
	p.buf = binary.AppendUvarint(p.buf, uint64(n))
}

func (p *plainWriter) long(code byte, n int) {
	p.need(5)
	switch {
	case n < 256:
		p.value(code, byte(n))
	case n < 65536:
		p.value(binary.LittleEndian.AppendUint16([]byte{code + 2}, uint16(n))...)
	default:
		p.value(binary.LittleEndian.AppendUint32([]byte{code + 4}, uint32(n))...)
	}
}

// pieces writes code units in pieces of at most size.
func (p *plainWriter) pieces(u []uint16, size int, wide bool) {
	for len(u) > 0 {
		n := min(size, len(u))
		if n < len(u) && u[n-1]&0xfc00 == 0xd800 {
			n--
		}
		if wide {
			p.need(2 * n)
			for _, c := range u[:n] {
				p.buf = binary.LittleEndian.AppendUint16(p.buf, c)
			}
		} else {
			p.need(3 * n)
			p.buf = append(p.buf, string(utf16.Decode(u[:n]))...)
		}
		u = u[n:]
	}
}

func (p *plainWriter) name(s string) {
	if u := utf16.Encode([]rune(s)); len(u) >= 42 {
		p.mb32(len(s))
		p.pieces(u, 170, false)
	} else {
		p.need(1 + 3*len(u))
		p.buf = append(append(p.buf, byte(len(s))), s...)
	}
}

func (p *plainWriter) text(s string) {
	u := utf16.Encode([]rune(s))
	wide := len(s)/2 > len(u)
	switch {
	case s == "0":
		p.need(1)
		p.value(0x80)
	case s == "1":
		p.need(1)
		p.value(0x82)
	case len(u) <= 85 && wide:
		p.need(2 + 3*len(u))
		p.value(0xb6, byte(2*len(u)))
		p.pieces(u, 512, true)
	case len(u) <= 85:
		p.need(2 + 3*len(u))
		p.value(0x98, byte(len(s)))
		p.buf = append(p.buf, s...)
	case wide:
		p.long(0xb6, 2*len(u))
		p.pieces(u, 256, true)
	default:
		p.long(0x98, len(s))
		p.pieces(u, 170, false)
	}
}

func (p *plainWriter) raw(b []byte) {
	if len(b) >= 512 {
		p.flush()
		p.out = append(p.out, b...)
		return
	}
	p.need(len(b))
	p.buf = append(p.buf, b...)
}

func (p *plainWriter) flushTail() {
	if n := len(p.tail); n > 0 {
		p.long(0x9e, n)
		p.raw(p.tail)
		p.tail = nil
	}
}

func (p *plainWriter) bytes(b []byte) {
	whole := (len(p.tail) + len(b)) / 3 * 3
	if whole > 0 {
		p.long(0x9e, whole)
		n := whole - len(p.tail)
		p.raw(p.tail)
		p.raw(b[:n])
		p.tail, b = nil, b[n:]
	}
	p.tail = append(p.tail, b...)
}

func (p *plainWriter) end() {
	if p.pending >= 0 {
		p.buf[p.pending]++
		p.pending = -1
		return
	}
	p.code(0x01)
}

// alphabets cover each length in UTF-8, mixed and alone.
var alphabets = []string{"a", "x1", "é", "日本", "日a", "😀", "a😀", "0", "1"}

// writeBoth makes the same random calls on both writers and returns what they
// wrote. Most elements hold one value, and most values leave the buffer's
// fill to chance.
func writeBoth(w *Writer, calls int, random func(n int) int) (got, want []byte, err error) {
	p := plainWriter{pending: -1}
	w.Reset(nil, WIF10)
	length := func() int { return random([]int{2, 4, 8, 90, 170, 210, 600}[random(7)]) }
	text := func(n int) string {
		a := []rune(alphabets[random(len(alphabets))])
		var b strings.Builder
		for i := range n {
			b.WriteRune(a[i%len(a)])
		}
		return b.String()
	}
	nameLength := func() int { return random(4) + []int{0, 20, 39, 100}[random(4)] }
	depth, tag, attrs := 0, false, 0
	start := func() {
		depth++
		tag, attrs = true, 0
		p.flushTail()
		if random(4) == 0 {
			s := text(nameLength()) + "n"
			w.Start("", s, "")
			p.code(0x40)
			p.name(s)
			return
		}
		name := random(len(WIF10))
		w.StartDict(name)
		p.code(0x42)
		p.mb32(2 * name)
	}
	attr := func() {
		attrs++ // no name twice
		s := text(length())
		if random(3) > 0 {
			name := len(WIF10) - attrs
			w.AttrDict(name, s)
			p.code(0x06)
			p.mb32(2 * name)
		} else {
			name := text(nameLength()) + strconv.Itoa(1000+attrs)
			w.Attr("", name, "", s)
			p.code(0x04)
			p.name(name)
		}
		if s == "" {
			p.code(0xa8)
		} else {
			p.text(s)
			p.pending = -1
		}
	}
	value := func() {
		switch random(4) {
		case 0, 1:
			if s := text(length()); s != "" {
				w.Text(s)
				p.flushTail()
				p.text(s)
			}
		case 2:
			v := int64(random(1<<30)-1<<29) << random(34) >> random(64)
			w.Int64(v)
			p.flushTail()
			r := intRecord(v)
			p.need(1 + len(r.payload))
			p.value(append([]byte{r.code}, r.payload...)...)
		case 3:
			b := bytes.Repeat([]byte{byte(random(256))}, length())
			w.Bytes(b)
			p.bytes(b)
		}
		tag = false
	}
	end := func() {
		depth--
		tag = false
		w.End()
		p.flushTail()
		p.end()
	}
	start()
	for range calls {
		switch what := random(10); {
		case what < 5:
			start()
			value()
			end()
		case what == 5 && depth < 40: // the Reader has a limit
			start()
		case what == 6 && tag && attrs < 60: // likewise
			attr()
		case what == 7:
			value()
		case what == 8:
			tag = false
			s := text(length())
			w.Comment(s)
			p.flushTail()
			p.code(0x02)
			p.name(s)
		case depth > 1:
			end()
		}
		// A difference here may take long to show in the bytes.
		if w.fill != len(p.buf) || (w.code >= 0) != (p.pending >= 0) {
			return nil, nil, fmt.Errorf("%d bytes in the buffer, want %d", w.fill, len(p.buf))
		}
	}
	for depth > 0 {
		end()
	}
	p.flush()
	got, err = w.Done()
	return got, p.out, err
}

// checkBoth compares the two writers, and has the Reader read the document.
func checkBoth(t *testing.T, w *Writer, calls int, random func(n int) int) {
	t.Helper()
	got, want, err := writeBoth(w, calls, random)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("wrote\n%x, want\n%x", got, want)
	}
	var r Reader
	r.Reset(got, WIF10)
	for kind := r.Next(); kind != EndDocument; kind = r.Next() {
		if kind == Invalid {
			t.Fatalf("the Reader refuses it: %v\n%x", r.Err(), want)
		}
	}
}

// TestWriterBuffer has short documents and long ones, in which a reservation
// that is wrong by one meets the end of the buffer.
func TestWriterBuffer(t *testing.T) {
	random := seed.Of(t)
	var w Writer
	for range 500 {
		checkBoth(t, &w, random.IntN(40), random.IntN)
	}
	for range 30 {
		checkBoth(t, &w, 2000, random.IntN)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x09\x10\x20\x03\x04\xff\x05\x05\x06\x06"))
	f.Add(bytes.Repeat([]byte("\x04\x03\x01\x00\xf0\x06\x02\x01\x10"), 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		var w Writer
		checkBoth(t, &w, len(data)/8, func(n int) int {
			if len(data) < 4 {
				return 0
			}
			v := int(binary.LittleEndian.Uint16(data)) % n
			data = data[2:]
			return v
		})
	})
}
