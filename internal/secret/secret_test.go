package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/secret"
)

func TestBytes(t *testing.T) {
	text := []byte("burnt test key")
	b, own := secret.New(text), secret.Own([]byte("burnt test key"))
	text[0] = 'x'
	b.Reveal()[0] = 'x'
	if got := string(secret.View(b)); got != "burnt test key" || b.Len() != 14 {
		t.Errorf("%q, %d bytes: changed from outside", got, b.Len())
	}
	if !b.Equal(own) || !reflect.DeepEqual(b, own) || b.Equal(secret.New(text)) ||
		b.Equal(secret.Bytes{}) {
		t.Error("equality is not that of the bytes")
	}
	for _, empty := range []secret.Bytes{{}, secret.New(nil), secret.New([]byte{})} {
		if empty.Len() != 0 || empty.Reveal() != nil || secret.View(empty) != nil ||
			!empty.Equal(secret.Bytes{}) {
			t.Errorf("%v is not empty", empty)
		}
	}
}

// What is shown is the length. What is not shown is the subject of
// TestSecretsStaySecret, for all packages.
func TestShown(t *testing.T) {
	b := secret.New([]byte("burnt test key"))
	if got := fmt.Sprintf("%v %x %s", b, &b,
		[]secret.Bytes{secret.New([]byte("x"))}); got != "14 secret bytes 14 secret bytes [1 secret byte]" {
		t.Error(got)
	}
	if text, err := json.Marshal(map[string]any{"key": b}); err != nil ||
		string(text) != `{"key":"14 secret bytes"}` {
		t.Errorf("%s, %v", text, err)
	}
	//lint:ignore SA9005 that it is not read is the point
	if err := json.Unmarshal([]byte(`"14 secret bytes"`), &b); err == nil {
		t.Error("JSON was read back")
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(struct {
		Name string
		Key  secret.Bytes
	}{"a", b}); err == nil {
		t.Error("gob took a secret, which it cannot give back")
	}
}
