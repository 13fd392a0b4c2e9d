package webconfig

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"testing"
)

func FuzzParse(f *testing.F) {
	seeds := vectors(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range seeds {
		f.Add(v.xml)
	}
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"))
	f.Add([]byte("\xFE\xFF\x00<\x00a\x00/\x00>"))
	f.Add([]byte("<?xml version='1.0' encoding='windows-1252'?><configuration a='\x80\xE4'/>"))
	f.Add([]byte("<?xml version='1.0' encoding='iso-8859-1'?><configuration><system.webServer><modules><clear/></modules></system.webServer></configuration>"))
	f.Add([]byte(bomb))
	f.Add([]byte(`<?xml version="1.0" standalone='no'?><a:b xmlns:a="u" a:c='&#x41;'><![CDATA[]]></a:b><!----><?p q?>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(bytes.NewReader(data), func(string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		if err != nil {
			if file != nil {
				t.Error("a file beside the error")
			}
			checkError(t, data, err)
			return
		}
		if line := file.ModuleRemoved(FormsModule); line < 0 ||
			line > 1+bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r")) {
			t.Errorf("a module removed on line %d", line)
		}
		if _, err := file.HTTPRuntime(); err != nil {
			checkError(t, data, err)
		}
		m, err := file.MachineKey(false)
		if err != nil {
			checkError(t, data, err)
			if m.ValidationKey.Len() > 0 || m.DecryptionKey.Len() > 0 {
				t.Error("keys beside the error")
			}
		} else if m.ValidationKey.Len() == 0 || m.DecryptionKey.Len() < 8 ||
			m.Mode == "" || m.DecryptionEffective == "Auto" {
			t.Errorf("incomplete: %v", m)
		}
		r := &reader{f: file}
		if r.sectionsIn("system.web", "httpCookies"); r.err != nil {
			checkError(t, data, r.err)
		}
	})
}

// FuzzSettings reads all sections, with the data itself for every other file.
func FuzzSettings(f *testing.F) {
	seeds := vectors(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, v := range seeds {
		f.Add(v.xml)
	}
	f.Add(site("<authentication mode='Forms'><forms timeout='1'/></authentication>",
		"<appSettings file='a'><add key='aspnet:UseLegacyEncryption' value='true'/></appSettings>"))
	f.Add([]byte("<appSettings><add key='aspnet:MaxHttpCollectionKeys' value='5'/><remove key='a'/><clear/></appSettings>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(bytes.NewReader(data), func(string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		if err != nil {
			return
		}
		s, err := file.Settings()
		if err != nil {
			checkError(t, data, err)
			if s != nil {
				t.Error("settings beside the error")
			}
			return
		}
		if f := s.Authentication.Forms; (f != nil) != (s.Authentication.Mode == "Forms") ||
			f != nil && (f.Name == "" || f.Path == "" || f.TimeoutMinutes < 1) {
			t.Errorf("forms: %+v", f)
		}
		if (s.Identity == nil) != (s.Federation == nil) {
			t.Error("one half of WIF")
		}
		if s.Identity != nil {
			h, c := s.Identity.Session, s.Federation.CookieHandler
			if (h.Type == "") != (h.Protection == "") || h.Lifetime < 0 ||
				s.Identity.MaximumClockSkew < 0 || c.Name == "" || c.ChunkSize < 1000 {
				t.Errorf("WIF: %+v %+v", s.Identity, c)
			}
		}
		for _, w := range s.Warnings {
			if w.Code == "" || w.Line < 1 || likeAKey.MatchString(w.Text) {
				t.Errorf("warning %+v", w)
			}
		}
	})
}

// checkError fails unless err has the documented type and shows no long run of
// hex digits, which is what keys look like.
func checkError(t *testing.T, data []byte, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code == "" {
		t.Fatalf("%T: %v", err, err)
	}
	if likeAKey.MatchString(err.Error()) {
		t.Errorf("shows a key? %v", err)
	}
	if len(err.Error()) > 2000 {
		t.Errorf("error text of %d bytes", len(err.Error()))
	}
}

var likeAKey = regexp.MustCompile("[0-9A-Fa-f]{17}")
