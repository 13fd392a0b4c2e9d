package katana_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// wire builds bytes of Katana: numbers as int32, texts with their length, and
// bytes as they are.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.LittleEndian.AppendUint32(b, uint32(p))
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func TestReadState(t *testing.T) {
	for _, tc := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, katana.ErrEnd},
		{"good", wire(1, 1, "a", "b"), nil},
		{"none", wire(1, 0), nil},
		{"many", wire(1, math.MaxInt32), katana.ErrPairs},
		{"twice", wire(1, 2, "a", "b", "a", "c"), katana.ErrDuplicate},
		{"version", wire(2, 0), katana.ErrProperties},
		{"trailing", wire(1, 0, []byte{0}), katana.ErrTrailing},
	} {
		_, err := katana.ReadState(tc.data)
		var at *layer.Error
		if !errors.Is(err, tc.want) || err != nil &&
			(!errors.As(err, &at) || at.Layer != "katana properties") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestAppendStateRefuses(t *testing.T) {
	for _, p := range [][][2]string{
		{{"a", "b"}, {"a", "b"}}, {{"\xff", ""}}, {{"a", strings.Repeat("x", limits.Token)}},
		make([][2]string, limits.Properties+1),
	} {
		if out, err := katana.AppendState([]byte("x"), p); err == nil || string(out) != "x" {
			t.Errorf("%d properties: %.10q, %v", len(p), out, err)
		}
	}
}

// seeds are the bytes of the recorded tickets and state strings.
func seeds(t testing.TB) (tickets, states [][]byte) {
	t.Helper()
	type vector struct{ SerializedHex *string }
	var file struct{ Vectors, State []vector }
	testkit.JSON(t, "owin.json", &file)
	collect := func(vectors []vector) (all [][]byte) {
		for _, v := range vectors {
			if v.SerializedHex == nil || len(*v.SerializedHex) > 6000 {
				continue
			}
			b, err := hex.DecodeString(*v.SerializedHex)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		return all
	}
	tickets, states = collect(file.Vectors), collect(file.State)
	if len(tickets) < 70 || len(states) == 0 {
		t.Fatalf("%d tickets, %d states", len(tickets), len(states))
	}
	return tickets, states
}

func FuzzReadState(f *testing.F) {
	_, states := seeds(f)
	for _, s := range states {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := katana.ReadState(data)
		if err != nil {
			return
		}
		written, err := katana.AppendState(nil, p)
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		if again, err := katana.ReadState(written); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("changed in a round trip: %v, %v, %v", err, p, again)
		}
	})
}

// FuzzRead reads with a Reader that has read another ticket before, and
// without.
func FuzzRead(f *testing.F) {
	tickets, _ := seeds(f)
	for _, s := range tickets {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var used, fresh katana.Reader
		if _, err := used.Read(tickets[0]); err != nil {
			t.Fatal(err)
		}
		got, err := used.Read(data)
		want, wantErr := fresh.Read(data)
		if !reflect.DeepEqual(err, wantErr) {
			t.Fatalf("%v, %v", err, wantErr)
		}
		if err != nil {
			var at *layer.Error
			if !errors.As(err, &at) || at.Layer != "katana" || at.Offset < 0 ||
				at.Offset > len(data) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(got.Claims) != len(want.Claims) || string(got.Texts) != string(want.Texts) ||
			got.Version != want.Version {
			t.Fatalf("%+v\n%+v", got, want)
		}
	})
}
