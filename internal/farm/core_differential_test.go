package farm

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// coreRings is how many rings the test makes, and coreEach how many tickets and
// payloads under each. Near a half of the rings have no key that protects.
const (
	coreRings = 3600
	coreEach  = 3
)

// TestCoreDifferential exchanges random rings, payloads and tickets with .NET.
// Of a ring both sides must know the same keys, and protect with the same. What
// one protects the other opens, and where .NET's random bytes are given to Go
// the results are equal to the last byte. Damaged ones both must refuse. The same
// process first compares the elements that both write into a ring.
//
// The runs follow from a seed, which is printed; WEBFARM_SEED repeats one.
// WEBFARM_CORE_MILLION makes it a million tickets and payloads each way.
func TestCoreDifferential(t *testing.T) {
	t.Parallel()
	core := FindCore(t)
	pipes := []*CorePipe{core.Pipe(t)}
	t.Run("a keeper's elements", func(t *testing.T) { keeperElements(t, pipes[0]) })
	batches, each := coreRings/share.OneIn(t, 60), coreEach
	seed := seed.Fresh(t)
	if os.Getenv("WEBFARM_CORE_MILLION") != "" {
		batches, each = 20_000, 100
	}
	certificates := []certificate{newCertificate(t, "one"), newCertificate(t, "two")}
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for n := range batches {
			numbers <- n + 1
		}
	}()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		total = counts{}
		start = time.Now()
	)
	for len(pipes) < min(runtime.GOMAXPROCS(0), 4, 1+batches/500) {
		pipes = append(pipes, core.Pipe(t))
	}
	for _, pipe := range pipes {
		e := &coreExchange{t: t, pipe: pipe, counts: counts{}, certificates: certificates}
		var err error
		if e.bytes, err = newCoreBytes(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := range numbers {
				e.random = random{rand.New(rand.NewPCG(seed, uint64(n)))}
				if err := e.batch(each); err != nil {
					t.Errorf("batch %d: %v", n, err)
				}
				if t.Failed() {
					for range numbers { // nobody else takes them
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for name, n := range e.counts {
				total[name] += n
			}
		})
	}
	wg.Wait()
	names := []string{
		"rings alike", "rings refused by both", "keys alike", "keys used by Go alone",
		"times with the same key",
		"payloads to .NET", "payloads to Go", "payloads equal", "timed payloads to .NET",
		"timed payloads to Go", "expired for both",
		"dangerous payloads alike", "payloads refused by both", "tickets to .NET", "tickets to Go",
		"texts equal", "serialized tickets equal",
		"texts refused by both", "texts read by both", "tickets refused by both",
		"tickets read by both", "tickets refused by Go alone",
		"no key on either side",
	}
	for _, name := range names {
		t.Logf("%8d %s", total[name], name)
		if total[name] == 0 && batches >= coreRings {
			t.Errorf("no %s", name)
		}
	}
	for name := range total {
		if !slices.Contains(names, name) {
			t.Errorf("%d %s", total[name], name)
		}
	}
	for _, pair := range [][2]string{{"payloads to .NET", "payloads to Go"},
		{"tickets to .NET", "tickets to Go"}} {
		if total[pair[0]] < batches*each/4 || total[pair[0]] != total[pair[1]] {
			t.Errorf("%s and %s: %d and %d of %d", pair[0], pair[1], total[pair[0]],
				total[pair[1]], batches*each)
		}
	}
	t.Logf("%d rings, each with %d payloads and tickets, in %v", batches, each,
		time.Since(start).Round(time.Millisecond))
}

// coreExchange is one worker with its own process.
type coreExchange struct {
	random
	t            *testing.T
	pipe         *CorePipe
	counts       counts
	bytes        coreBytes
	certificates []certificate

	questions []coreQuestion
}

// coreQuestion is a request and what must come of the answer: "" or what is
// wrong with it.
type coreQuestion struct {
	count   string // what one more of is counted if all is well
	request CoreRequest
	check   func(a *CoreAnswer) string
}

// ask adds a question for the end of the batch.
func (e *coreExchange) ask(count string, request CoreRequest, check func(a *CoreAnswer) string) {
	e.questions = append(e.questions, coreQuestion{count, request, check})
}

// batch makes a ring and, under it, payloads and tickets.
func (e *coreExchange) batch(each int) error {
	e.questions = e.questions[:0]
	ring := e.ring(e.certificates)
	if err := e.askRing(ring, each); err != nil {
		return err
	}
	requests := make([]CoreRequest, len(e.questions))
	for i, q := range e.questions {
		requests[i] = q.request
	}
	answers, err := e.pipe.Call(requests...)
	if err != nil {
		return err
	}
	for i, q := range e.questions {
		if wrong := q.check(&answers[i]); wrong != "" {
			e.t.Errorf("%s: %s\nin ring %q", q.count, wrong, ring.elements)
			return nil
		}
		if q.count != "" {
			e.counts[q.count]++
		}
	}
	return nil
}

func (e *coreExchange) askRing(ring *coreRing, each int) error {
	app := pick(e.random, []string{"", "app", e.text()})
	random := &replay{random: e.random}
	opened, err := ring.open(app, random)
	if err != nil {
		var at *dataprotection.RingError
		if !errors.As(err, &at) {
			return err
		}
		e.ask("rings refused by both", ring.request(), func(a *CoreAnswer) string {
			return unless(a.Error != "", ".NET loads it: %v", err)
		})
		return nil
	}
	e.ask("rings alike", ring.request(),
		func(a *CoreAnswer) string { return e.sameKeys(a, opened.Keys(), ring.wider) })
	if ring.wider {
		return nil // .NET here protects with other keys
	}
	// For a key that cannot be used .NET tries ten times and sleeps in between.
	troubled := slices.ContainsFunc(opened.Keys(),
		func(k dataprotection.Key) bool { return k.Err != nil })
	if troubled && e.chance(80) {
		return nil
	}
	times := 3
	if troubled {
		times = 1
	}
	for range times {
		at := pick(e.random, []time.Time{e.past(), e.future()}).Add(pick(e.random,
			[]time.Duration{0, -5 * time.Minute, -5*time.Minute - 1, -5*time.Minute + 100,
				48 * time.Hour, -1, 100, time.Hour})).Truncate(100)
		e.ask("times with the same key",
			CoreRequest{"op": "resolve", "ring": "r", "now": at.Format(time.RFC3339Nano)},
			func(a *CoreAnswer) string {
				id, fallback := opened.Resolve(at)
				want := a.Default
				if want == "" {
					want = a.Fallback
				}
				return unless(a.Error == "" && id == want &&
					fallback == (a.Default == "" && a.Fallback != "") && a.Generate == (id == "" || fallback),
					"at %v: %q, %v; .NET has %+v", at, id, fallback, a)
			})
	}
	x := &coreApp{e, opened, random, app, ring}
	for range each {
		if err := errors.Join(x.askPayload(), x.askTicket()); err != nil {
			return err
		}
		if id, _ := opened.Resolve(time.Now()); id == "" {
			break // .NET reads the ring again for each
		}
	}
	return nil
}

// unless says what is wrong unless all is well.
func unless(well bool, format string, args ...any) string {
	if well {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// sameKeys compares the keys of a ring.
func (e *coreExchange) sameKeys(a *CoreAnswer, keys []dataprotection.Key, wider bool) string {
	keys = slices.DeleteFunc(keys, func(k dataprotection.Key) bool { return k.Created.IsZero() }) // no keys for .NET either
	if a.Error != "" || len(a.Keys) != len(keys) {
		return fmt.Sprintf("%d keys; .NET has %+v", len(keys), a)
	}
	for i, k := range keys {
		tick := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
		got := CoreKey{ID: k.ID, Creation: tick(k.Created), Activation: tick(k.Activated),
			Expiration: tick(k.Expires), Revoked: k.Revoked, Usable: k.Err == nil}
		want := a.Keys[i]
		want.Why = ""
		if wider && got.Usable && !want.Usable {
			want.Usable = true
			e.counts["keys used by Go alone"]++
		}
		if got != want {
			return fmt.Sprintf("key %d: %+v, %v; .NET has %+v", i, got, k.Err, a.Keys[i])
		}
		e.counts["keys alike"]++
	}
	return ""
}

// coreApp is an application on a ring.
type coreApp struct {
	*coreExchange
	opened *dataprotection.Ring
	replay *replay
	app    string
	ring   *coreRing
}

// request begins a request about what is protected.
func (x *coreApp) request(op string, purposes []string, more ...any) CoreRequest {
	r := CoreRequest{"op": op, "ring": "r", "app": x.app, "purposes": purposes}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

// algorithm returns that of the key of a payload.
func (x *coreApp) algorithm(id string) string {
	for _, k := range x.opened.Keys() {
		if k.ID == id {
			return k.Algorithm
		}
	}
	return ""
}

func (x *coreApp) askPayload() error {
	ctx := context.Background()
	purposes := []string{x.text()}
	for range x.IntN(4) {
		purposes = append(purposes, x.text())
	}
	p, err := x.opened.DangerousProtector(purposes...)
	if err != nil {
		return err
	}
	plaintext := x.plaintext()
	same := func(a *CoreAnswer) string {
		return unless(a.Plaintext == hex.EncodeToString(plaintext),
			"%+v, want plaintext %x", a, plaintext)
	}
	protected, err := p.Protect(nil, plaintext)
	if errors.Is(err, dataprotection.ErrNoKey) {
		x.ask("no key on either side",
			x.request("protect", purposes, "plaintext", ""),
			func(a *CoreAnswer) string {
				return unless(strings.Contains(a.Error,
					"does not contain a valid default protection key") ||
					strings.Contains(a.Error, "key ring"), ".NET protects, or says %q", a.Error)
			})
		return nil
	} else if err != nil {
		return err
	}

	x.ask("payloads to .NET", x.request("unprotect", purposes, "protected",
		hex.EncodeToString(protected)), same)
	x.ask("payloads to Go",
		x.request("protect", purposes, "plaintext", hex.EncodeToString(plaintext)),
		func(a *CoreAnswer) string {
			sealed, err1 := hex.DecodeString(a.Protected)
			got, id, err2 := p.Unprotect(ctx, nil, sealed)
			if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, plaintext) {
				return fmt.Sprintf("%v of %+v, want %x", err, a, plaintext)
			}
			x.replay.of(sealed, x.algorithm(id))
			again, err := p.Protect(nil, plaintext)
			x.counts["payloads equal"]++
			return unless(err == nil && bytes.Equal(again, sealed), "%x of .NET, in Go %x, %v",
				sealed, again, err)
		})
	damaged := x.damage(protected)
	if !bytes.Equal(damaged, protected) {
		if _, _, err := p.Unprotect(ctx, nil, damaged); err == nil {
			return fmt.Errorf("a damaged payload opens: %x", damaged)
		}
		x.ask("payloads refused by both",
			x.request("unprotect", purposes, "protected", hex.EncodeToString(damaged)),
			func(a *CoreAnswer) string {
				return unless(a.Error != "", ".NET opens a damaged payload: %x", damaged)
			})
	}
	return errors.Join(x.askTimed(purposes, plaintext), x.askDangerous(purposes, plaintext))
}

// plaintext returns a plaintext of up to 700 bytes, sometimes of 20,000.
func (r random) plaintext() []byte {
	switch r.IntN(20) {
	case 0:
		return nil
	case 1:
		return r.bytes(r.IntN(20_000))
	}
	return r.bytes(r.IntN(700))
}

// askTimed asks about a time-limited payload, mostly one that has not expired.
func (x *coreApp) askTimed(purposes []string, plaintext []byte) error {
	if !x.chance(20) {
		return nil
	}
	ctx := context.Background()
	until, err := x.opened.TimeLimited(purposes...)
	if err != nil {
		return err
	}
	expires := x.future().Add(time.Duration(x.IntN(1e9)) * 100)
	expired := x.chance(20)
	if expired {
		expires = x.past()
	}
	const form = "2006-01-02T15:04:05.0000000Z"
	protected, err := until.Protect(nil, plaintext, expires)
	if err != nil {
		return err
	}
	count := func(name string) string {
		if expired {
			return "expired for both"
		}
		return name
	}
	x.ask(count("timed payloads to .NET"),
		x.request("unprotect-timed", purposes, "protected", hex.EncodeToString(protected)),
		func(a *CoreAnswer) string {
			if expired {
				return unless(strings.Contains(a.Error, "expired"), "%+v", a)
			}
			return unless(a.Plaintext == hex.EncodeToString(plaintext) &&
				a.Expires == expires.Format(form), "%+v, want %x until %v", a, plaintext, expires)
		})
	x.ask(count("timed payloads to Go"),
		x.request("protect-timed", purposes, "plaintext", hex.EncodeToString(plaintext), "expires",
			expires.Format(form)),
		func(a *CoreAnswer) string {
			sealed, err := hex.DecodeString(a.Protected)
			if err != nil {
				return err.Error()
			}
			got, at, err := until.Unprotect(ctx, nil, sealed)
			if expired {
				return unless(errors.Is(err, dataprotection.ErrExpired), "%q, %v", got, err)
			}
			return unless(err == nil && bytes.Equal(got, plaintext) &&
				at.Equal(expires), "%x until %v, %v", got, at, err)
		})
	return nil
}

// askDangerous protects with any key of the ring, and asks what both sides
// think of that key.
func (x *coreApp) askDangerous(purposes []string, plaintext []byte) error {
	ctx := context.Background()
	one := pick(x.random, x.ring.elements)
	alone := &coreRing{elements: elements{one}, certificates: x.ring.certificates}
	opened, err := alone.open(x.app, x.replay)
	if err != nil {
		return nil // not a key
	}
	p, err := opened.Protector(purposes...)
	if err != nil {
		return err
	}
	protected, err := p.Protect(nil, plaintext)
	if err != nil {
		return nil // no key that can be used
	}
	dangerous, err1 := x.opened.DangerousProtector(purposes...)
	safe, err2 := x.opened.Protector(purposes...)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	got, id, err := dangerous.Unprotect(ctx, nil, protected)
	if err != nil || !bytes.Equal(got, plaintext) {
		return fmt.Errorf("by the key alone %x, from the ring %x, %v", plaintext, got, err)
	}
	_, _, refused := safe.Unprotect(ctx, nil, protected)
	known, renew := x.opened.KeyStatus(id)
	x.ask("dangerous payloads alike",
		x.request("dangerous", purposes, "protected", hex.EncodeToString(protected)),
		func(a *CoreAnswer) string {
			same := a.Plaintext == hex.EncodeToString(plaintext) &&
				a.WasRevoked == (refused != nil) && a.WasRevoked != known
			// .NET renews from a younger key too.
			return unless(same && (a.RequiresMigration || !renew),
				"%+v; Go: refused %v, known %v, renew %v", a, refused, known, renew)
		})
	return nil
}

func (x *coreApp) askTicket() error {
	ctx := context.Background()
	ticket := x.core()
	want := newCoreTicket(ticket)
	scheme := pick(x.random, []string{"Cookies", "Identity.Application", x.text()})
	purposes := []string{"Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware", scheme, "v2"}
	codec, err := sessiontoken.NewCoreCodec(x.opened, sessiontoken.Cookie(scheme), noEnd())
	if err != nil {
		return err
	}

	serialized, err := x.bytes.serialize(ticket)
	if err != nil {
		return err
	}
	x.ask("serialized tickets equal",
		CoreRequest{"op": "serialize", "ticket": want},
		func(a *CoreAnswer) string {
			return unless(a.Serialized == hex.EncodeToString(serialized),
				"%+v, in Go %x", a, serialized)
		})
	x.askDamagedTicket(x.damage(serialized))

	text, err := codec.Encode(ctx, ticket)
	if errors.Is(err, dataprotection.ErrNoKey) {
		return nil
	} else if err != nil {
		return err
	}
	x.ask("tickets to .NET",
		x.request("read", purposes, "text", text),
		func(a *CoreAnswer) string { return want.differs(a.Ticket) })
	x.ask("tickets to Go",
		x.request("write", purposes, "ticket", want),
		func(a *CoreAnswer) string {
			got, err := codec.Decode(ctx, a.Text)
			if err != nil {
				return fmt.Sprintf("%v of %+v", err, a)
			}
			payload, err := base64.RawURLEncoding.DecodeString(a.Text)
			if err != nil {
				return err.Error()
			}
			x.replay.of(payload, x.algorithm(got.OpenedBy()))
			again, err := codec.Encode(ctx, ticket)
			if err != nil || again != a.Text {
				return fmt.Sprintf("%q, in Go %q, %v", a.Text, again, err)
			}
			x.counts["texts equal"]++
			return want.same(newCoreTicket(got))
		})
	damaged := string(x.damage([]byte(text)))
	if x.chance(10) { // what is allowed
		at := x.IntN(len(text))
		damaged = text[:at] + pick(x.random, []string{" ", "\t",
			"\r\n"}) + text[at:] + strings.Repeat("=", -len(text)&3)
	}
	if len(damaged) > 16<<10 && strings.ContainsAny(damaged, " \t\r\n") {
		return nil // longer than Go reads with white space in it
	}
	got, err := codec.Decode(ctx, damaged)
	x.ask("",
		x.request("read", purposes, "text", strings.ToValidUTF8(damaged, "\ufffd")),
		func(a *CoreAnswer) string {
			refused := a.Error != "" || string(a.Ticket) == "null"
			switch {
			case refused != (err != nil):
				at := 0
				for at < min(len(text), len(damaged)) && text[at] == damaged[at] {
					at++
				}
				return fmt.Sprintf("a damaged text: Go says %v, .NET %q of %q in place of %q, %d characters before the end",
					err, a.Error, damaged[at:min(at+10, len(damaged))],
					text[at:min(at+10, len(text))], len(text)-at)
			case refused:
				x.counts["texts refused by both"]++
				return ""
			}
			x.counts["texts read by both"]++
			return newCoreTicket(got).differs(a.Ticket)
		})
	return nil
}

// askDamagedTicket asks about the bytes of a ticket with something wrong in
// them, as a holder of the keys can issue them. Go may refuse for one of the
// reasons that it documents.
func (x *coreApp) askDamagedTicket(damaged []byte) {
	got, err := x.bytes.deserialize(damaged)
	x.ask("",
		CoreRequest{"op": "deserialize", "serialized": hex.EncodeToString(damaged)},
		func(a *CoreAnswer) string {
			refused := a.Error != "" || string(a.Ticket) == "null"
			switch {
			case refused && err != nil:
				x.counts["tickets refused by both"]++
			case refused:
				return fmt.Sprintf("Go reads the damaged ticket %x, .NET says %q", damaged, a.Error)
			case errors.Is(err, sessiontoken.ErrUnsupported):
				x.counts["tickets refused by Go alone"]++
			case err != nil:
				return fmt.Sprintf("%v for the damaged ticket %x, which .NET reads: %s", err,
					damaged, a.Ticket)
			default:
				x.counts["tickets read by both"]++
				return newCoreTicket(got).differs(a.Ticket)
			}
			return ""
		})
}
