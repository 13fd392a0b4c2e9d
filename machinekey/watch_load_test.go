package machinekey_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestWatchUnderLoad rotates the key of a web.config up to 100 times while users come
// with the session they got last. None may be refused, and a session opened
// with an older key is issued again with the first. After each rotation every
// user comes at least once, as in a farm whose keys are kept as long as its
// sessions.
func TestWatchUnderLoad(t *testing.T) {
	const users, older = 4, 3
	rotations := 100 / share.OneIn(t, 5)
	file := newKeyFile(t)
	ring := ringOf(t, file.put(freshConfig(t)))
	codec, err := sessiontoken.NewSessionCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan *machinekey.Key)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		machinekey.Watch(ctx, ring, file.path, &machinekey.WatchOptions{
			Interval: time.Millisecond, KeepFor: time.Hour, KeepOlder: older,
			OnChange: func(_, now *machinekey.Key) {
				changed <- now
			},
			OnError: func(err error) { t.Error(err) },
		})
	})

	var visits [users]atomic.Int64
	var reissued, failed atomic.Int64
	var traffic sync.WaitGroup
	for n := range users {
		name := fmt.Sprintf("user%d", n)
		text, err := issue(ctx, codec, name)
		if err != nil {
			t.Fatal(err)
		}
		traffic.Go(func() {
			for ctx.Err() == nil {
				token, err := codec.Decode(context.Background(), text)
				if err != nil || token.Principal.Name() != name {
					t.Errorf("%s was refused: %v", name, err)
					failed.Add(1)
					return
				}
				again, err := reissue(context.Background(), ring, codec, token)
				if err != nil {
					t.Error(err)
					failed.Add(1)
					return
				}
				if again != "" {
					text = again
					reissued.Add(1)
				}
				visits[n].Add(1)
				runtime.Gosched() // let the watcher in
			}
		})
	}

	for range rotations {
		want := file.put(freshConfig(t))
		if got := <-changed; got.ID() != want.ID() {
			t.Errorf("changed to %v, want %v", got, want)
		}
		var before [users]int64
		for n := range users {
			before[n] = visits[n].Load()
		}
		for n := range users {
			// The second visit from now began after the change.
			for visits[n].Load() < before[n]+2 && failed.Load() == 0 {
				runtime.Gosched()
			}
		}
		if failed.Load() > 0 {
			break
		}
	}
	cancel()
	traffic.Wait()
	watcher.Wait()

	if n := reissued.Load(); n < int64(rotations*users) {
		t.Errorf("%d sessions were issued again, want at least %d", n, rotations*users)
	}
	if n := len(ring.Keys()); n != older+2 {
		t.Errorf("the ring ends with %d keys, want %d: the program's own, %d older, the primary",
			n, older+2, older)
	}
}

// reissue returns a new cookie text for a session opened by a key that wrote
// before, or nothing. A key that is known for reading ahead of its turn is not
// such a key. The session ends when it would have ended.
func reissue(ctx context.Context, ring *machinekey.Ring, codec *sessiontoken.SessionCodec, token *sessiontoken.Token) (string, error) {
	if _, renew := ring.KeyStatus(token.OpenedBy()); !renew {
		return "", nil
	}
	return codec.Encode(ctx, token)
}

// issue signs name in.
func issue(ctx context.Context, codec *sessiontoken.SessionCodec, name string) (string, error) {
	token, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation",
		Claims:             []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: name}},
	}}})
	if err != nil {
		return "", err
	}
	return codec.Encode(ctx, token)
}
