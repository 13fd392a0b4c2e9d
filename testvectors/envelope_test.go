package testvectors_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// envelopeVector is an XML envelope and what the token handler of .NET makes
// of it.
type envelopeVector struct {
	Name, Desc, Provenance string
	MachineKey             string
	XMLHex                 hexBytes
	CachedNBFXHex          hexBytes // the token that the cache holds
	FromCache              bool     // .NET took the token from there
	Expected               *model
	Error, Message         string
}

func runEnvelope(t *testing.T, f *file) {
	var content struct {
		keyedFile
		Vectors []envelopeVector
	}
	f.read(t, &content)
	content.check(t, f, len(content.Vectors))
	each(t, f, content.Vectors, func(v *envelopeVector) string { return v.Name },
		func(t *testing.T, v *envelopeVector) {
			if (v.Expected == nil) == (v.Error == "") {
				t.Fatal("not exactly one of expected and error")
			}
			if v.FromCache != (v.CachedNBFXHex != nil) {
				t.Fatal("fromCache and cachedNbfxHex go together")
			}
			store := mapStore{}
			cached := new(sessiontoken.Token)
			if v.FromCache {
				var err error
				if cached, err = tokentest.Unmarshal(wif.V45, v.CachedNBFXHex); err != nil {
					t.Fatal(err)
				}
				store.putDocument(t, content.MachineKeys.config(t, v.MachineKey), cached,
					v.CachedNBFXHex)
				store.alias(cached.EndpointID, "")
			}
			codec := newCodec(t, content.MachineKeys.ring(t, v.MachineKey), reading(store))
			got, err := codec.Decode(context.Background(),
				base64.StdEncoding.EncodeToString(v.XMLHex))
			switch {
			case v.Error != "" && err == nil:
				t.Errorf("read as %v; .NET refuses: %s %s", got, v.Error, v.Message)
			case v.Error != "":
				if !errors.Is(err, sessiontoken.ErrInvalid) &&
					!errors.Is(err, sessiontoken.ErrNotInStore) &&
					!errors.Is(err, sessiontoken.ErrUnsupported) {
					t.Errorf("undocumented error %v", err)
				}
			case err != nil:
				// On a hit .NET looks neither at the Cookie nor at the Id.
				unread := v.FromCache && (bytes.Contains(v.XMLHex, []byte("Cookie")) ||
					!bytes.Contains(v.XMLHex, []byte(cached.ID)))
				f.refused(t, v.Name, err, unread || declaredClass(err))
			default:
				v.Expected.compare(t, f, got)
			}
		})
}
