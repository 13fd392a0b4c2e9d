package chunks_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/hostile"
)

// joinKatanaReference is Join, plainly: all pairs into a list, one search per
// name, and net/url to decode.
func joinKatanaReference(k chunks.Scheme, lines, name string) (string, error) {
	if isTooMuch(lines) {
		return "", chunks.ErrTooLong
	}
	var all []pair
	for p := range strings.SplitSeq(strings.ReplaceAll(lines, "\n", ";"), ";") {
		p = strings.TrimLeft(p, " \t")
		if k == chunks.KatanaSystemWeb {
			p = strings.Trim(p, " \t")
		} else if !strings.Contains(p, "=") {
			continue
		}
		key, value, _ := strings.Cut(p, "=")
		all = append(all, pair{Name: key, Value: value})
	}
	find := func(name string) (string, bool) {
		for _, p := range all {
			if p.Name == name || k == chunks.KatanaSystemWeb &&
				asciiLower(p.Name) == asciiLower(name) {
				if k == chunks.Katana {
					return unescapeReference(p.Value), true
				}
				return p.Value, true
			}
		}
		return "", false
	}
	text, ok := find(name)
	if !ok {
		return "", chunks.ErrNoCookie
	}
	if digits, ok := strings.CutPrefix(text, "chunks:"); ok && digits != "" &&
		strings.Trim(digits, "0123456789") == "" {
		n, err := strconv.ParseInt(digits, 10, 32)
		if err == nil && n > chunks.MaxChunks {
			return "", chunks.ErrTooManyChunks
		}
		if err == nil && n > 0 {
			text = ""
			quoted := false
			for i := 1; i <= int(n); i++ {
				chunk, ok := find(name + "C" + strconv.Itoa(i))
				if !ok {
					return "", chunks.ErrMissingChunk
				}
				if len(chunk) > 1 && strings.HasPrefix(chunk, `"`) &&
					strings.HasSuffix(chunk, `"`) {
					chunk, quoted = chunk[1:len(chunk)-1], true
				}
				text += chunk
			}
			if quoted {
				text = `"` + text + `"`
			}
		}
	}
	if k == chunks.KatanaSystemWeb {
		text = unescapeReference(text)
	}
	return text, nil
}

// unescapeReference decodes the escapes of one character at a time.
func unescapeReference(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		found := false
		for n := 4; n >= 1 && !found; n-- {
			if i+3*n > len(s) {
				continue
			}
			var raw string
			for j := range n {
				c, err := strconv.ParseUint(s[i+3*j+1:i+3*j+3], 16, 8)
				if err != nil || s[i+3*j] != '%' || strings.ContainsAny(s[i+3*j+1:i+3*j+3], "+-_") {
					break
				}
				raw += string([]byte{byte(c)})
			}
			if len(raw) == n && len([]rune(raw)) == 1 && string([]rune(raw)) == raw {
				b.WriteString(raw)
				i += 3 * n
				found = true
			}
		}
		if !found {
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

func FuzzJoinKatana(f *testing.F) {
	seeds := 0
	for _, v := range chunkVectors(f) {
		if v.Op != "append" {
			f.Add(v.CookieHeader, v.Name)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	c := hostile.Credential{Cookie: "n", Chunk: "nC%d", Marked: true, Text: "QUFBQQ"}
	for _, r := range c.Requests(1200) {
		f.Add(strings.Join(r.Cookies, "\n"), "n")
	}
	f.Add("n; n=chunks:2 ; nC1; n = x; nC1=a ;nC2= b", "n")
	f.Add("n=chunks:2; nC1=\"%e2%82\"; NC2=%ac; nc2", "n")
	f.Add("n=chunks:0000000061\nnC1=%C3%A9%c3%28%f0%9f%98%80", "n")
	f.Fuzz(func(t *testing.T, lines, name string) {
		if len(lines) > 1<<14 {
			return // the reference takes quadratic time
		}
		r := request(strings.Split(lines, "\n")...)
		for _, k := range bothKatana {
			got, err := k.Join(r, name)
			if set := k.Inspect(r, name); (set.Err == nil) != (err == nil) {
				t.Errorf("%v: Inspect: %v, Join: %v", k, set.Err, err)
			} else {
				set.Problems()
			}
			if err != nil && got != "" {
				t.Error("a text beside the error")
			}
			if strings.Trim(asciiLower(name), ".-_~abcdefghijklmnopqrstuvwxyz0123456789") != "" ||
				name == "" {
				continue // the reference does not escape
			}
			want, wantErr := joinKatanaReference(k, lines, name)
			if got != want || !errors.Is(err, wantErr) {
				t.Errorf("%v: %q, %v; want %q, %v", k, got, err, want, wantErr)
			}
			for _, c := range k.Expire(r, &http.Cookie{Name: name}) {
				if !strings.EqualFold(c.Name[:len(name)], name) {
					t.Errorf("deletion of %q", c.Name)
				}
			}
		}
	})
}

func FuzzSplitKatana(f *testing.F) {
	seeds := 0
	for _, v := range chunkVectors(f) {
		if v.Op == "append" && v.ChunkSize != nil {
			f.Add(v.Name, *v.Value, *v.ChunkSize)
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Add("__Host-é", `""a""`, 40)
	f.Fuzz(func(t *testing.T, name, value string, size int) {
		for _, k := range bothKatana {
			set, err := k.Split(&http.Cookie{Name: name, Value: value, Path: "/", Secure: true},
				size)
			if err != nil {
				if set != nil {
					t.Error("cookies beside an error")
				}
				continue
			}
			// Through a response and back, as a browser does it.
			w := httptest.NewRecorder()
			if err := chunks.WIF.Write(w, set); err != nil {
				t.Fatalf("Write: %v", err)
			}
			got, err := k.Join(request(w.Header()["Set-Cookie"]...), name)
			escaped := strings.Trim(asciiLower(value),
				".-_~abcdefghijklmnopqrstuvwxyz0123456789") != ""
			if k == chunks.Katana && len(set) > 1 && escaped {
				continue // escapes that are cut are lost, as in .NET
			}
			if got != value || err != nil {
				t.Errorf("%v: %q, %v; want %q", k, got, err, value)
			}
		}
	})
}
