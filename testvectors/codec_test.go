package testvectors_test

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/nrbf"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// join returns the text that the cookies of a request carry.
func join(cookies []cookieJSON, name string) (string, error) {
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	r := &http.Request{Header: http.Header{"Cookie": {strings.Join(pairs, "; ")}}}
	return chunks.WIF.Join(r, cmp.Or(name, "FedAuth"))
}

func newCodec(t *testing.T, ring *machinekey.Ring, opts *sessiontoken.SessionOptions) *sessiontoken.SessionCodec {
	t.Helper()
	codec, err := sessiontoken.NewSessionCodec(ring, opts)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// mapStore is the simplest store, for one goroutine and without expiry.
type mapStore map[string][]byte

func (m mapStore) Get(_ context.Context, key string) ([]byte, time.Time, error) {
	if data, ok := m[key]; ok {
		return data, time.Time{}, nil
	}
	return nil, time.Time{}, sessiontoken.ErrNotInStore
}

func (m mapStore) Put(_ context.Context, key string, data []byte, _ time.Time) error {
	m[key] = data
	return nil
}

func (m mapStore) Delete(_ context.Context, key string) error {
	delete(m, key)
	return nil
}

// putDocument stores a token as a .NET node with a shared cache does: its
// stream, protected, under endpoint;contextId;keyGeneration.
func (m mapStore) putDocument(t *testing.T, cfg machinekey.Config, tok *sessiontoken.Token, doc []byte) {
	t.Helper()
	p, err := protectorOf(cfg, purposesOf("", cachePurpose), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.Protect(nil, nrbf.AppendSession(nil, doc))
	if err != nil {
		t.Fatal(err)
	}
	m[tok.EndpointID+";"+string(tok.ContextID.Reveal())+";"+tok.KeyGeneration] = data
}

// alias makes the tokens of one endpoint also those of another.
func (m mapStore) alias(from, to string) {
	found := mapStore{}
	for key, data := range m {
		if rest, ok := strings.CutPrefix(key, from+";"); ok {
			found[to+";"+rest] = data
		}
	}
	for key, data := range found {
		m[key] = data
	}
}
