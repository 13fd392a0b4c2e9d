package dataprotection

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// key is one key element. It never changes once it is in a state.
type key struct {
	Key    // without Revoked
	id     guid
	digest [sha256.Size]byte // of the element
	retry  bool              // a service may open it the next time
	suite  suite
	header []byte // the context header of the suite
	master secret.Bytes
}

func isKey(e *xmltree.Element) bool { return e.Is("", "key") }

// parseKey reads id and dates of a key element. Without one of them .NET
// leaves the key out (XmlKeyManager.ProcessKeyElement).
func parseKey(e *xmltree.Element) (*key, error) {
	k := &key{}
	text, ok := e.Attr("id")
	if !ok {
		return nil, errors.New("no id")
	}
	if k.id, ok = parseGUID(text); !ok {
		return nil, errors.New("the id is no GUID")
	}
	k.ID = k.id.String()
	for _, d := range []struct {
		name string
		date *time.Time
	}{{"creationDate", &k.Created}, {"activationDate", &k.Activated}, {"expirationDate", &k.Expires}} {
		c := e.Child("", d.name)
		if c == nil {
			return nil, fmt.Errorf("no %s", d.name)
		}
		if *d.date, ok = parseDate(c.Text); !ok {
			return nil, fmt.Errorf("the %s is no date", d.name)
		}
	}
	return k, nil
}

// prepare reads the descriptor of a key, or says in Err why it cannot be
// used.
func (r *Ring) prepare(ctx context.Context, k *key, e *xmltree.Element, file string) {
	err := r.readDescriptor(ctx, k, e)
	if err != nil {
		k.Err = &RingError{File: file, Element: "key " + k.ID, Err: err}
	}
	var service *serviceError
	k.retry = errors.As(err, &service)
}

func (r *Ring) readDescriptor(ctx context.Context, k *key, e *xmltree.Element) error {
	outer := e.Child("", "descriptor")
	if outer == nil || len(outer.Children) != 1 {
		return errors.New("no descriptor")
	}
	deserializer, _ := outer.Attr("deserializerType")
	k.Decryptor, k.Certificate = atRest(outer)
	inner, err := r.decrypt(ctx, outer.Children[0], new(int))
	if err != nil {
		return err
	}
	if k.suite, err = parseSuite(deserializer, inner); err != nil {
		return err
	}
	master, ok := only(inner, "masterKey")
	if !ok {
		return errors.New("not exactly one masterKey")
	}
	text := master.Child("", "value")
	if text == nil {
		return errors.New("the masterKey has no value")
	}
	value, ok := decodeBase64(text.Text)
	if !ok {
		return errors.New("the masterKey is no base64")
	}
	if len(value) < minMasterKey {
		return fmt.Errorf("a masterKey of %d bytes, at least %d are wanted: "+
			"who guesses it forges every cookie", len(value), minMasterKey)
	}
	if k.header, err = k.suite.contextHeader(); err != nil {
		return err
	}
	k.master, k.Algorithm = secret.Own(value), k.suite.String()
	return nil
}

// only returns the child of this name, of which there must be one.
func only(e *xmltree.Element, local string) (child *xmltree.Element, ok bool) {
	for _, c := range e.Children {
		if c.Is("", local) {
			if child != nil {
				return nil, false
			}
			child = c
		}
	}
	return child, child != nil
}
