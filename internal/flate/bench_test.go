package flate

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"
)

// The "std" benchmarks beside ours use one reader or writer of compress/flate
// over and over, which is the best it can do. Inputs differ from turn to turn,
// so that the branch predictor cannot learn one of them by heart.

func BenchmarkInflate(b *testing.B) {
	for _, class := range payloadClasses(b) {
		var streams [][]byte
		var size int
		for _, p := range class.payloads {
			streams = append(streams, stdDeflate(b, p))
			size += len(p)
		}
		dst := make([]byte, 0, 64<<10)
		b.Run(class.name+"/webfarm", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(streams)))
			for i := 0; b.Loop(); i++ {
				if _, err := Inflate(dst, streams[i%len(streams)], 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(class.name+"/std", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(streams)))
			var src bytes.Reader
			r := flate.NewReader(&src)
			room := dst[:cap(dst)]
			for i := 0; b.Loop(); i++ {
				src.Reset(streams[i%len(streams)])
				if err := r.(flate.Resetter).Reset(&src, nil); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(r, room); err != io.ErrUnexpectedEOF {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDeflate(b *testing.B) {
	for _, class := range payloadClasses(b) {
		var size int
		for _, p := range class.payloads {
			size += len(p)
		}
		dst := make([]byte, 0, 64<<10)
		b.Run(class.name+"/webfarm", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(class.payloads)))
			for i := 0; b.Loop(); i++ {
				Deflate(dst, class.payloads[i%len(class.payloads)])
			}
		})
		b.Run(class.name+"/std", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(class.payloads)))
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, 6)
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				out.Reset()
				w.Reset(&out)
				if _, err := w.Write(class.payloads[i%len(class.payloads)]); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
