package dotnet

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestReader(t *testing.T) {
	r := Reader("\x01\x02\x00\x00\x80\xff\xff\xff\xff\xff\xff\xff\xff\x80\x01abc")
	var (
		b   uint8
		i32 int32
		i64 int64
		n   int
		s   []byte
	)
	if !r.ReadUint8(&b) || b != 1 {
		t.Errorf("ReadUint8 = %d", b)
	}
	if !r.ReadInt32(&i32) || i32 != -0x80000000+2 {
		t.Errorf("ReadInt32 = %d", i32)
	}
	if !r.ReadInt64(&i64) || i64 != -1 {
		t.Errorf("ReadInt64 = %d", i64)
	}
	if !r.ReadUint7(&n) || n != 128 {
		t.Errorf("ReadUint7 = %d", n)
	}
	if !r.ReadBytes(&s, 2) || string(s) != "ab" || cap(s) != 2 {
		t.Errorf("ReadBytes = %q, cap %d", s, cap(s))
	}
	if r.Empty() || !r.ReadBytes(&s, 0) || len(s) != 0 || !r.ReadBytes(&s, 1) || !r.Empty() {
		t.Errorf("the end: %q is left", r)
	}
}

func TestReaderShort(t *testing.T) {
	for n := range 8 {
		data := make([]byte, n)
		b, i32, i64, s := uint8(7), int32(7), int64(7), []byte("7")
		r := Reader(data)
		if n < 1 && r.ReadUint8(&b) || n < 4 && r.ReadInt32(&i32) || r.ReadInt64(&i64) ||
			r.ReadBytes(&s, n+1) || r.ReadBytes(&s, -1) {
			t.Errorf("%d bytes: a read past the end succeeded", n)
		}
		if len(r) != n || b != 7 || i32 != 7 || i64 != 7 || string(s) != "7" {
			t.Errorf("%d bytes: a failed read changed something", n)
		}
	}
}

func TestUint7(t *testing.T) {
	for _, test := range []struct {
		n   int
		hex string
	}{
		{0, "00"},
		{1, "01"},
		{127, "7f"},
		{128, "8001"},
		{300, "ac02"},
		{16383, "ff7f"},
		{16384, "808001"},
		{1<<21 - 1, "ffff7f"},
		{1 << 21, "80808001"},
		{1<<28 - 1, "ffffff7f"},
		{1 << 28, "8080808001"},
		{maxUint7, "ffffffff07"},
	} {
		got := AppendUint7([]byte("x"), test.n)
		if hex.EncodeToString(got[1:]) != test.hex {
			t.Errorf("AppendUint7(%d) = %x, want %s", test.n, got[1:], test.hex)
		}
		if size := Uint7Size(test.n); size != len(test.hex)/2 {
			t.Errorf("Uint7Size(%d) = %d", test.n, size)
		}
		r := Reader(got[1:])
		var n int
		if !r.ReadUint7(&n) || n != test.n || !r.Empty() {
			t.Errorf("ReadUint7(%s) = %d, %x left", test.hex, n, []byte(r))
		}
	}
}

func TestReadUint7Forms(t *testing.T) {
	for _, test := range []struct {
		name, hex string
		want      int // -1: refused
	}{
		{"nothing", "", -1},
		{"ends too soon", "80", -1},
		{"ends after four", "80808080", -1},
		{"padded to two", "8000", 0},
		{"padded to five", "8180808000", 1},
		{"32nd bit", "ffffffff08", -1},
		{"negative in .NET", "ffffffff0f", -1},
		{"beyond 32 bits", "8080808010", -1},
		{"six bytes", "808080808000", -1},
		{"six bytes, fifth small", "808080808100", -1},
	} {
		data, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatal(err)
		}
		r, n := Reader(data), -1
		if ok := r.ReadUint7(&n); ok != (test.want >= 0) || n != test.want {
			t.Errorf("%s: %d, %v, want %d", test.name, n, ok, test.want)
		}
		if test.want < 0 && len(r) != len(data) {
			t.Errorf("%s: a failed read took bytes", test.name)
		}
	}
}

// FuzzReader runs a list of reads over data: whatever was read, written
// again, must give the bytes that were taken.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 3, 4, 1, 2},
		[]byte("\x05\xac\x02abcd\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte{3, 3, 3}, []byte("\x80\x80\x00\xff\xff\xff\xff\x0f"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, ops, data []byte) {
		r := Reader(data)
		for _, op := range ops {
			before := r
			var again []byte
			ok, exact := false, true
			switch op % 5 {
			case 0:
				var v uint8
				if ok = r.ReadUint8(&v); ok {
					again = []byte{v}
				}
			case 1:
				var v int32
				if ok = r.ReadInt32(&v); ok {
					again = AppendInt32(nil, v)
				}
			case 2:
				var v int64
				if ok = r.ReadInt64(&v); ok {
					again = AppendInt64(nil, v)
				}
			case 3:
				var v int
				if ok = r.ReadUint7(&v); ok {
					if v < 0 || v > maxUint7 {
						t.Fatalf("ReadUint7 = %d", v)
					}
					again = AppendUint7(nil, v)
					exact = len(before)-len(r) == Uint7Size(v) // otherwise padded
				}
			case 4:
				ok = r.ReadBytes(&again, int(op)/5)
			}
			taken := before[:len(before)-len(r)]
			if !ok && len(taken) != 0 {
				t.Fatalf("failed read %d took %x", op, taken)
			}
			if ok && exact && !bytes.Equal(again, taken) {
				t.Fatalf("read %d took %x, writes %x", op, taken, again)
			}
		}
	})
}

// maxUint7 is the largest number that AppendUint7 writes.
const maxUint7 = 1<<31 - 1
