package doctor_test

import (
	"crypto/tls"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/seed"
	resolved "github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/xmlenc"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
	"github.com/webfarm-go/webfarm/sessiontoken/sqlstore"
)

// half is a node on ASP.NET Core: the elements of its key ring, and what its code says.
type half struct {
	elements            []string
	certificates        []tls.Certificate
	app, scheme, cookie string
}

// algorithm is what the descriptor of a key says.
type algorithm struct{ name, class, inside string }

// algorithms are all that a ring can have, under each class that reads them.
func algorithms() (list []algorithm) {
	add := func(class, format string, words ...any) {
		inside := fmt.Sprintf(format, words...)
		list = append(list, algorithm{strings.NewReplacer("/", "", "<", "", ">", " ", `"`,
			"").Replace(class + " " + inside),
			class + "AuthenticatedEncryptorDescriptorDeserializer", inside})
	}
	for _, bits := range []int{128, 192, 256} {
		for _, hash := range []int{256, 512} {
			add("", `<encryption algorithm="AES_%d_CBC"/><validation algorithm="HMACSHA%d"/>`, bits,
				hash)
			add("Managed",
				`<encryption algorithm="AES" keyLength="%d"/><validation algorithm="HMACSHA%d"/>`,
				bits, hash)
			add("CngCbc", `<encryption algorithm="AES" keyLength="%d"/><hash algorithm="SHA%d"/>`,
				bits, hash)
		}
		add("", `<encryption algorithm="AES_%d_GCM"/>`, bits)
		add("CngGcm", `<encryption algorithm="AES" keyLength="%d"/>`, bits)
	}
	return list
}

// newID returns the id of a key.
func newID(random *seed.Stream) string {
	b := random.Bytes(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// keyXML returns the element of a key made some days ago. Rest protects the master key at rest.
func keyXML(random *seed.Stream, id string, days int, a algorithm, rest func(element string) string) string {
	master := "<masterKey><value>" + base64.StdEncoding.EncodeToString(random.Bytes(64)) +
		"</value></masterKey>"
	if rest != nil {
		master = rest(master)
	}
	made := now.AddDate(0, 0, -days)
	return fmt.Sprintf(`<key id="%s" version="1"><creationDate>%s</creationDate><activationDate>%[2]s</activationDate>`+
		`<expirationDate>%[3]s</expirationDate><descriptor deserializerType="Microsoft.AspNetCore.DataProtection.`+
		`AuthenticatedEncryption.ConfigurationModel.%[4]s, Microsoft.AspNetCore.DataProtection"><descriptor>%[5]s%[6]s`+
		`</descriptor></descriptor></key>`, id, made.Format(time.RFC3339),
		made.AddDate(1, 0, 0).Format(time.RFC3339), a.class, a.inside, master)
}

func secretXML(class, inside string) string {
	return `<encryptedSecret decryptorType="Microsoft.AspNetCore.DataProtection.XmlEncryption.` +
		class + `, ` +
		`Microsoft.AspNetCore.DataProtection" xmlns="http://schemas.asp.net/2015/03/dataProtection">` + inside + `</encryptedSecret>`
}

// underDPAPI is a master key that only one machine opens.
func underDPAPI(string) string {
	return secretXML("DpapiXmlDecryptor",
		`<encryptedKey xmlns=""><value>AQAAANCMnd8BFdERjHoAwE/Cl+s=</value></encryptedKey>`)
}

// under returns a function that encrypts a master key for a certificate.
func under(t testing.TB, c tls.Certificate) func(string) string {
	return func(element string) string {
		return secretXML("EncryptedXmlDecryptor",
			must[string](t)(xmlenc.Encrypt(element, c.Certificate[0])))
	}
}

// burntCertificate is a certificate of the vectors. Its key is public.
func burntCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	var file struct {
		Rings []struct {
			Certificates []struct{ CertificatePEM, PrivateKeyPEM string }
		}
	}
	testkit.JSON(t, "dataprotection_keyring.json", &file)
	for _, r := range file.Rings {
		for _, c := range r.Certificates {
			return must[tls.Certificate](t)(tls.X509KeyPair([]byte(c.CertificatePEM),
				[]byte(c.PrivateKeyPEM)))
		}
	}
	t.Fatal("no certificate")
	return tls.Certificate{}
}

// store makes repositories of one kind.
type store struct {
	name string
	open func(t testing.TB, elements []string) dataprotection.Repository
}

// stores are the kinds of repositories that farms have. Each starts its server, or skips the test.
var stores = []struct {
	name  string
	start func(t *testing.T) store
}{
	{"folder", func(*testing.T) store {
		return store{"folder", func(t testing.TB, elements []string) dataprotection.Repository {
			return fill(t, dataprotection.Path(t.TempDir()), elements)
		}}
	}},
	{"file", func(*testing.T) store {
		return store{"file", func(t testing.TB, elements []string) dataprotection.Repository {
			path := filepath.Join(t.TempDir(), "ring.xml")
			if err := os.WriteFile(path, []byte("<repository>"+strings.Join(elements, "")+
				"</repository>"), 0o600); err != nil {
				t.Fatal(err)
			}
			return dataprotection.Path(path)
		}}
	}},
	{"redis", func(t *testing.T) store {
		client := redis.NewClient(&redis.Options{Addr: farmtest.StartRedis(t).Addr})
		t.Cleanup(func() { client.Close() })
		n := 0
		return store{"redis", func(t testing.TB, elements []string) dataprotection.Repository {
			n++
			return fill(t, must[dataprotection.Repository](t)(redisstore.NewKeyRing(client,
				fmt.Sprint("keys-", n))), elements)
		}}
	}},
	{"sqlite", func(t *testing.T) store {
		return database(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "keys.db"), sqlstore.SQLite,
			"INTEGER PRIMARY KEY AUTOINCREMENT")
	}},
	{"postgres", func(t *testing.T) store {
		return database(t, "pgx", farmtest.StartPostgres(t).URL(), sqlstore.PostgreSQL,
			"integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
	}},
}

// database keeps each ring in a table of its own.
func database(t *testing.T, driver, source string, dialect sqlstore.Dialect, id string) store {
	db := must[*sql.DB](t)(sql.Open(driver, source))
	t.Cleanup(func() { db.Close() })
	if err := farmtest.Eventually(func() error { return db.PingContext(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	n := 0
	return store{driver, func(t testing.TB, elements []string) dataprotection.Repository {
		n++
		table := fmt.Sprint("Keys", n)
		if _, err := db.Exec(`CREATE TABLE "` + table + `" ("Id" ` + id +
			`, "FriendlyName" TEXT, "Xml" TEXT)`); err != nil {
			t.Fatal(err)
		}
		return fill(t, must[dataprotection.Repository](t)(sqlstore.NewKeyRing(db, dialect, table)),
			elements)
	}}
}

// fill stores the elements of a ring.
func fill(t testing.TB, r dataprotection.Repository, elements []string) dataprotection.Repository {
	for i, xml := range elements {
		if err := r.Store(ctx, fmt.Sprintf("key-%d", i), []byte(xml)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// memory keeps a ring without a store.
var memory = store{"memory", func(_ testing.TB, elements []string) dataprotection.Repository {
	return dataprotection.Document([]byte("<repository>" + strings.Join(elements, "") +
		"</repository>"))
}}

// ring opens the key ring of the node.
func (h half) ring(t testing.TB, s store, random *seed.Stream) *dataprotection.Ring {
	t.Helper()
	return must[*dataprotection.Ring](t)(dataprotection.Open(ctx, s.open(t, h.elements),
		&dataprotection.RingOptions{
			Interval: -1, Now: at(now), Rand: random, Certificates: h.certificates}))
}

// keys are those of the ring under the application name.
func (h half) keys(t testing.TB, s store, random *seed.Stream) sessiontoken.Keys {
	t.Helper()
	return h.ring(t, s, random).Traits().Application(h.app)
}

// node is the node as doctor knows it.
func (h half) node(t testing.TB, s store, source string) *doctor.Node {
	t.Helper()
	about := &resolved.Ring{ApplicationName: h.app}
	own := must[*resolved.Site](t)(resolved.New(resolved.RingAlone(about),
		&resolved.Options{Ring: about, Credentials: []resolved.Settings{{Kind: resolved.Core,
			AuthenticationType: h.scheme, Name: h.cookie}}}))
	return doctor.New(own).WithRing(doctor.Ring{Keys: h.ring(t, s, nil),
		Source: source, App: h.app})
}

// name is the name of the cookie.
func (h half) name() string {
	if h.cookie != "" {
		return h.cookie
	}
	return resolved.CoreName(h.scheme)
}

// ticket issues the text of a cookie for a user.
func (h half) ticket(t testing.TB, keys sessiontoken.Keys, p sessiontoken.Principal, at0 time.Time) string {
	t.Helper()
	codec := must[*sessiontoken.CoreCodec](t)(sessiontoken.NewCoreCodec(keys,
		sessiontoken.Cookie(h.scheme), &sessiontoken.CoreOptions{Now: at(at0)}))
	return must[string](t)(codec.Encode(ctx, codec.NewTicket(&p, nil)))
}

// protect issues a payload for purposes.
func protect(t testing.TB, keys sessiontoken.Keys, plain string, purposes ...string) string {
	t.Helper()
	p := must[sessiontoken.Protector](t)(keys.Protector(purposes...))
	return base64.RawURLEncoding.EncodeToString(must[[]byte](t)(p.Protect(nil, []byte(plain))))
}

// storedTicket is the text of a ticket that names the entry of a SessionStore.
func (h half) storedTicket(t testing.TB, keys sessiontoken.Keys) string {
	t.Helper()
	scheme := string(rune(len(h.scheme))) + h.scheme
	claim := "\x35Microsoft.AspNetCore.Authentication.Cookies-SessionId"
	one, standard := "\x01\x00\x00\x00", "\x01\x00"
	plain := "\x05\x00\x00\x00" + scheme + one + "\x00" +
		standard + standard + one + claim + "\x0412ab" +
		strings.Repeat(standard, 3) + "\x00\x00\x00\x00" + "\x00\x00" + one + "\x00\x00\x00\x00"
	return protect(t, keys, plain,
		"Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", h.scheme,
		"v2")
}
