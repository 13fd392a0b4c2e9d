package sessiontoken

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"io"
	"testing"

	"github.com/webfarm-go/webfarm/internal/nrbf"
)

// floor holds the bare primitives of the standard library that a session
// token cannot do without, on warm buffers: base64 twice, an HMAC that is
// held and reset, CBC, and compress/flate with Reset. Nothing is parsed,
// nothing is checked, and no random numbers are drawn.
type floor struct {
	mac               hash.Hash
	encrypt, decrypt  cbc
	inflate           io.ReadCloser
	deflate           *flate.Writer
	text, xml, packed []byte
	plain, sum        []byte
	out               bytes.Buffer
	in                bytes.Reader
}

// cbc is what the modes of crypto/cipher can do for crypto/tls.
type cbc interface {
	cipher.BlockMode
	SetIV([]byte)
}

// newFloor uses key A, whose MAC is HMAC-SHA1 and whose cipher is AES-256.
func newFloor(t testing.TB, f *fileJSON) *floor {
	key := f.MachineKeys["A"]
	block, err := aes.NewCipher(derive(unhex(t, key.DecryptionKey)))
	if err != nil {
		t.Fatal(err)
	}
	level6, err := flate.NewWriter(nil, 6)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, 16)
	return &floor{
		mac:     hmac.New(sha1.New, derive(unhex(t, key.ValidationKey))),
		encrypt: cipher.NewCBCEncrypter(block, iv).(cbc),
		decrypt: cipher.NewCBCDecrypter(block, iv).(cbc),
		inflate: flate.NewReader(nil),
		deflate: level6,
	}
}

// derive is the key derivation for session tokens, keys of up to 64 bytes.
func derive(master []byte) []byte {
	h := hmac.New(sha512.New, master)
	h.Write([]byte("\x00\x00\x00\x01User.MachineKey.Protect\x00\x31" + purposeTransform))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(master)*8)))
	return h.Sum(nil)[:len(master)]
}

// read turns the text of a cookie into the NRBF stream.
func (f *floor) read(text string) []byte {
	f.text = append(f.text[:0], text...)
	f.xml, _ = base64.StdEncoding.AppendDecode(f.xml[:0], f.text)
	start := bytes.Index(f.xml, []byte(envelopeCookie)) + len(envelopeCookie)
	f.packed, _ = base64.StdEncoding.AppendDecode(f.packed[:0], f.xml[start:len(f.xml)-len(envelopeTail)])
	end := len(f.packed) - 20
	f.mac.Reset()
	f.mac.Write(f.packed[:end])
	f.sum = f.mac.Sum(f.sum[:0])
	f.plain = append(f.plain[:0], f.packed[16:end]...)
	f.decrypt.SetIV(f.packed[:16])
	f.decrypt.CryptBlocks(f.plain, f.plain)
	f.in.Reset(f.plain[:len(f.plain)-int(f.plain[len(f.plain)-1])])
	if err := f.inflate.(flate.Resetter).Reset(&f.in, nil); err != nil {
		panic(err)
	}
	f.out.Reset()
	if _, err := f.out.ReadFrom(f.inflate); err != nil {
		panic(err)
	}
	return f.out.Bytes()
}

// write turns an NRBF stream into text of the size that deflate level 6
// gives, and returns that size. The envelope's other parts are taken from a
// finished text.
func (f *floor) write(text string, stream []byte) int {
	f.out.Reset()
	f.deflate.Reset(&f.out)
	f.deflate.Write(stream)
	f.deflate.Close()
	pad := 16 - f.out.Len()%16
	f.packed = append(append(f.packed[:0], make([]byte, 16)...), f.out.Bytes()...)
	for range pad {
		f.packed = append(f.packed, byte(pad))
	}
	f.encrypt.SetIV(f.packed[:16])
	f.encrypt.CryptBlocks(f.packed[16:], f.packed[16:])
	f.mac.Reset()
	f.mac.Write(f.packed)
	f.packed = f.mac.Sum(f.packed)
	if len(f.xml) == 0 {
		xml, _ := base64.StdEncoding.DecodeString(text)
		f.xml = append(f.xml, xml[:bytes.Index(xml, []byte(envelopeCookie))+len(envelopeCookie)]...)
	}
	head := len(f.xml)
	f.xml = base64.StdEncoding.AppendEncode(f.xml, f.packed)
	f.xml = append(f.xml, envelopeTail...)
	f.text = base64.StdEncoding.AppendEncode(f.text[:0], f.xml)
	f.xml = f.xml[:head]
	return len(f.text)
}

// tokenStream returns the NRBF stream of a token.
func tokenStream(t testing.TB, tok *Token) []byte {
	doc, err := tok.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return nrbf.AppendSession(nil, doc)
}

// TestFloor shows that the floor does the work it is meant to.
func TestFloor(t *testing.T) {
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	tok, text := benchToken(t, f, c, "one-claim")
	if !bytes.Equal(newFloor(t, f).read(text), tokenStream(t, tok)) {
		t.Fatal("the floor reads something else")
	}
}
