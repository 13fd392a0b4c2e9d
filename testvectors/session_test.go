package testvectors_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// recordingTime is when the vectors were recorded; messages in
// sessiontoken_negative.json show it.
var recordingTime = time.Date(2026, 11, 21, 8, 35, 41, 0, time.UTC)

const (
	transformPurpose = "System.IdentityModel.Services.MachineKeyTransform"
	cachePurpose     = "PassiveSessionTokenCache"
)

// keyedFile is what all files of protected session tokens have.
type keyedFile struct {
	header
	MachineKeys      machineKeys
	ClockSkewSeconds *int
}

// cookieJSON is one cookie of a request or a response.
type cookieJSON struct{ Name, Value string }

// refusalJSON is an exception.
type refusalJSON struct{ Error, Message string }

// validationJSON is what ValidateToken did with a token that was read.
type validationJSON struct {
	Path           string
	Valid          *bool // nil: was not asked
	Error, Message string
	At             *time.Time // nil: recordingTime
}

// sessionVector is one token on its whole way from the fields to the cookies
// and back.
type sessionVector struct {
	Name, Desc, Provenance string
	MachineKey             string
	CookieName             string
	ChunkSize              int
	Input                  *tokenJSON
	Stages                 stages
	XMLText                *string
	Cookies                []cookieJSON
	CacheKey               *string
	Expected               *model
	Validate               *validationJSON
	ReadWithoutCache       *refusalJSON
}

// stages are the layers of a token, from the inside.
type stages struct {
	NBFXHex, NRBFHex, DeflatedHex, ProtectedHex hexBytes
	NBFXSHA256, NRBFSHA256                      hexBytes // of large ones
}

type sessionFile struct {
	keyedFile
	PrimaryPurpose   string
	SpecificPurposes []string
	Vectors          []sessionVector
}

func runSession(t *testing.T, f *file) {
	var content sessionFile
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	if content.PrimaryPurpose == "" && content.SpecificPurposes == nil {
		content.SpecificPurposes = []string{transformPurpose}
	}
	purposes := purposesOf(content.PrimaryPurpose, content.SpecificPurposes...)
	each(t, f, content.Vectors, func(v *sessionVector) string { return v.Name },
		func(t *testing.T, v *sessionVector) {
			if !f.own && (v.Input == nil || v.Expected == nil || v.Validate == nil ||
				v.CacheKey == nil || v.ChunkSize == 0) {
				t.Fatal("a key is missing that every recorded vector has")
			}
			text, err := join(v.Cookies, v.CookieName)
			if err != nil {
				f.refused(t, v.Name, err, declaredClass(err))
				return
			}
			s := session{f: f, keyedFile: &content.keyedFile, sessionVector: v, text: text}
			s.codec = func(t *testing.T, opts *sessiontoken.SessionOptions) *sessiontoken.SessionCodec {
				t.Helper()
				return newCodec(t, s.MachineKeys.ring(t, s.MachineKey), opts)
			}
			s.chunks(t)
			tok := s.read(t)
			if tok == nil {
				return // refused, as declared
			}
			s.layers(t, purposes, tok)
			s.issue(t, tok)
			s.cacheKey(t, tok)
		})
}

// session is one vector at work.
type session struct {
	f *file
	*keyedFile
	*sessionVector
	text   string // the cookies joined
	format wif.Version
	codec  func(*testing.T, *sessiontoken.SessionOptions) *sessiontoken.SessionCodec
}

// chunks wants the recorded cookies when the text is cut anew.
func (s *session) chunks(t *testing.T) {
	if s.ChunkSize == 0 {
		return
	}
	name := cmp.Or(s.CookieName, "FedAuth")
	set, err := chunks.WIF.Split(&http.Cookie{Name: name, Value: s.text}, s.ChunkSize)
	if err != nil {
		t.Fatal(err)
	}
	var got []cookieJSON
	for _, c := range set {
		got = append(got, cookieJSON{c.Name, c.Value})
	}
	if !slices.Equal(got, s.Cookies) {
		t.Errorf("the text is cut into %d cookies and not into the %d recorded ones",
			len(got), len(s.Cookies))
	}
}

// read opens the cookie, without its judgement on time and endpoint and then
// with it. It returns nil for a token that is refused on purpose.
func (s *session) read(t *testing.T) *sessiontoken.Token {
	store := mapStore{}
	if s.reference() {
		if s.Stages.NBFXHex == nil {
			t.Fatal("a token in reference mode needs stages.nbfxHex, which is what the cache holds")
		}
		tok, err := tokentest.Unmarshal(s.format, s.Stages.NBFXHex)
		if err != nil {
			t.Fatal(err)
		}
		s.cache(t, store, tok)
		_, err = s.open(t, reading(nil))
		if !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("without a store: %v, want ErrNotInStore", err)
		}
		store.alias(tok.EndpointID, "")
		if s.Validate != nil {
			store.alias(tok.EndpointID, s.Validate.Path)
		}
	} else if s.ReadWithoutCache != nil {
		t.Error("readWithoutCache of a token that is not in reference mode")
	}
	tok, err := s.open(t, reading(store))
	if err != nil {
		s.f.refused(t, s.Name, err, declaredClass(err))
		return nil
	}
	if s.Expected != nil {
		s.Expected.compareFormat(t, s.f, s.format, tok)
	}
	if s.Validate != nil {
		_, err := s.open(t, s.judging(s.Validate, s.Validate.Path, store))
		s.Validate.compare(t, err)
	}
	return tok
}

// cache puts the token into the store.
func (s *session) cache(t *testing.T, store mapStore, tok *sessiontoken.Token) {
	t.Helper()
	if s.format == wif.V45 {
		store.putDocument(t, s.MachineKeys.config(t, s.MachineKey), tok, s.Stages.NBFXHex)
		return
	}
	// Nothing is known of a shared cache of WIF 1.0.
	codec := s.codec(t, &sessiontoken.SessionOptions{Endpoint: tok.EndpointID, Store: store})
	if _, err := codec.Encode(context.Background(), tok); err != nil {
		t.Fatal(err)
	}
}

func (s *session) reference() bool {
	if s.Input != nil {
		return s.Input.IsReferenceMode
	}
	return s.ReadWithoutCache != nil
}

func (s *session) open(t *testing.T, opts *sessiontoken.SessionOptions) (*sessiontoken.Token, error) {
	t.Helper()
	return s.codec(t, opts).Decode(context.Background(), s.text)
}

// compare fails unless err is the outcome that .NET had.
func (v *validationJSON) compare(t *testing.T, err error) {
	t.Helper()
	var want error
	switch {
	case v.Valid == nil:
		return
	case *v.Valid:
		if err != nil {
			t.Errorf("refused: %v; .NET finds it valid", err)
		}
		return
	case strings.HasSuffix(v.Error, ".SecurityTokenExpiredException"):
		want = sessiontoken.ErrExpired
	case strings.HasSuffix(v.Error, ".SecurityTokenNotYetValidException"):
		want = sessiontoken.ErrNotYetValid
	case strings.HasPrefix(v.Message, "ID4291"):
		want = sessiontoken.ErrEndpoint
	}
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("error %v, want %v (%s %s)", err, want, v.Error, v.Message)
	}
}

// reading are options for a codec that accepts every time and endpoint.
func reading(store sessiontoken.Store) *sessiontoken.SessionOptions {
	return &sessiontoken.SessionOptions{Store: store, ClockSkew: math.MaxInt64,
		Now: func() time.Time { return recordingTime }}
}

// judging are options for a codec that validates as the recording did.
func (k *keyedFile) judging(v *validationJSON, path string, store sessiontoken.Store) *sessiontoken.SessionOptions {
	opts := &sessiontoken.SessionOptions{Store: store, Endpoint: path, Now: func() time.Time {
		if v.At != nil {
			return *v.At
		}
		return recordingTime
	}}
	if k.ClockSkewSeconds != nil {
		opts.ClockSkew = time.Duration(*k.ClockSkewSeconds) * time.Second
		if opts.ClockSkew == 0 {
			opts.ClockSkew = -1 // zero would mean the default
		}
	}
	return opts
}
