package chunks_test

import (
	"fmt"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"net/http"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/floor"
)

func BenchmarkJoinKatana(b *testing.B) {
	const name = ".AspNet.ApplicationCookie"
	for _, n := range []int{0, 2, 6} {
		cookies := katanaChunks(name, n, long(4000))
		if n == 0 {
			cookies[0].Value = long(2000)
		}
		line := "ASP.NET_SessionId=0123456789abcdefghijklmn; theme=dark; " + testkit.Header(cookies)
		b.Run(fmt.Sprintf("chunks=%d", n), func(b *testing.B) {
			r := request(line)
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if _, err := chunks.Katana.Join(r, name); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("chunks=%dFloor", n), func(b *testing.B) {
			var f floor.Chunks
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				f.Read(line, name)
			}
		})
	}
}

func BenchmarkSplitKatana(b *testing.B) {
	c := &http.Cookie{Name: ".AspNet.ApplicationCookie", Value: long(12_000), Path: "/",
		Secure: true, HttpOnly: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chunks.Katana.Split(c, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJoinKatanaHostile(b *testing.B) {
	r := request("n=chunks:60;" + strings.Repeat("nC1=bbb;", (1<<20)/8))
	b.ReportAllocs()
	b.SetBytes(1 << 20)
	for b.Loop() {
		_, _ = chunks.Katana.Join(r, "n")
	}
}
