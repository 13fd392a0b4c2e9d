package sessiontoken_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/storetest"
)

func TestMemoryStoreConforms(t *testing.T) {
	t.Run("real time", func(t *testing.T) {
		storetest.Run(t,
			func(*testing.T) sessiontoken.Store { return sessiontoken.NewMemoryStore(nil) }, nil)
	})
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	open := func(*testing.T) sessiontoken.Store {
		return sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: clock.Now})
	}
	t.Run("clock",
		func(t *testing.T) { storetest.Run(t, open, &storetest.Options{Now: clock.Now, Advance: clock.Move}) })
	t.Run("small", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) sessiontoken.Store { return small(clock) },
			&storetest.Options{Now: clock.Now, Advance: clock.Move, NoteRoom: noteRoom})
	})
}

// noteRoom is how many notes of 500 bytes a small store has room for.
const noteRoom = 20

// small returns a store whose bounds for entries leave those of the suite, and
// would leave no note.
func small(clock *testkit.Clock) *sessiontoken.MemoryStore {
	return sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{
		MaxEntries: 300, MaxNoteBytes: noteRoom * 500, Now: clock.Now})
}

func twoLevel(t *testing.T, now func() time.Time, back sessiontoken.Store) sessiontoken.Store {
	t.Helper()
	s, err := sessiontoken.NewTwoLevelStore(sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: now}), back, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTwoLevelStoreConforms(t *testing.T) {
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	back := func() sessiontoken.Store {
		return sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: clock.Now})
	}
	storetest.Run(t,
		func(t *testing.T) sessiontoken.Store { return twoLevel(t, clock.Now, back()) }, &storetest.Options{
			Now: clock.Now, Advance: clock.Move,
			Staleness: 5 * time.Second,
			Pair: func(t *testing.T) (a, b sessiontoken.Store) {
				shared := back()
				return twoLevel(t, clock.Now, shared), twoLevel(t, clock.Now, shared)
			},
		})
	t.Run("over a small store", func(t *testing.T) {
		// The front has room for fewer notes still.
		storetest.Run(t, func(t *testing.T) sessiontoken.Store {
			front := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxNoteBytes: 3 * 500,
				Now: clock.Now})
			s, err := sessiontoken.NewTwoLevelStore(front, small(clock), 0)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}, &storetest.Options{Now: clock.Now, Advance: clock.Move, NoteRoom: noteRoom})
	})
	t.Run("real time", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sessiontoken.Store {
			return twoLevel(t, nil, sessiontoken.NewMemoryStore(nil))
		}, nil)
	})
}

// TestReferencesOnEveryStore has the two credentials that live in a store.
func TestReferencesOnEveryStore(t *testing.T) {
	ring, ctx := newRing(), context.Background()
	for name, store := range map[string]sessiontoken.Store{
		"memory":    sessiontoken.NewMemoryStore(nil),
		"two-level": twoLevel(t, nil, sessiontoken.NewMemoryStore(nil)),
	} {
		session, err := sessiontoken.NewSessionCodec(ring,
			&sessiontoken.SessionOptions{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		id := sessiontoken.Identity{AuthenticationType: "Federation",
			Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}}
		token, err := session.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{id}})
		if err != nil {
			t.Fatal(err)
		}
		token.ReferenceMode = true
		katana, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"),
			&sessiontoken.KatanaOptions{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		a, err := session.Encode(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		b, err := katana.Encode(ctx, katana.NewTicket(id, nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, c := range []struct {
				reader sessiontoken.Reader
				text   string
			}{{session, a}, {katana, b}} {
				if p, err := c.reader.ReadPrincipal(ctx, c.text); err != nil || p.Name() != "bob" {
					t.Errorf("%s: %v, %v", name, p, err)
				}
			}
		}
		ticket, err := katana.Decode(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := katana.Delete(ctx, ticket); err != nil {
			t.Fatal(err)
		}
		if _, err := katana.Decode(ctx, b); !errors.Is(err, sessiontoken.ErrNotInStore) {
			t.Errorf("%s: after sign-out: %v", name, err)
		}
	}
}

func ExampleNewMemoryStore() {
	store := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: 100_000})
	codec, err := sessiontoken.NewSessionCodec(newRing(),
		&sessiontoken.SessionOptions{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	token, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	token.ReferenceMode = true // the cookie holds a name, the store the token

	ctx := context.Background()
	text, err := codec.Encode(ctx, token)
	if err != nil {
		log.Fatal(err)
	}
	user, err := codec.ReadPrincipal(ctx, text)
	entries, _, _ := store.Usage()
	fmt.Println(user.Name(), err, entries)
	// Output: bob <nil> 1
}

func ExampleNewTwoLevelStore() {
	// In a farm: redisstore.New or sqlstore.New.
	shared := sessiontoken.NewMemoryStore(nil)

	store, err := sessiontoken.NewTwoLevelStore(nil, shared, 2*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := store.Put(ctx, "key", []byte("data"), time.Now().Add(time.Hour)); err != nil {
		log.Fatal(err)
	}
	data, _, err := store.Get(ctx, "key")
	fmt.Printf("%s %v\n", data, err)
	// Output: data <nil>
}
