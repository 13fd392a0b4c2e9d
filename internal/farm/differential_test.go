package farm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// How many tokens the differential test exchanges, and how many of them are
// under way at once. Each batch has a seed of its own, so that the tokens do
// not depend on which worker takes it.
const (
	differentialBatches = 120
	differentialBatch   = 100
)

// share says how often each kind comes up, in percent; forms have the rest.
const (
	shareSession = 45
	shareKatana  = 27
)

// TestPipe asks one process in C# about values.
func TestPipe(t *testing.T) {
	dotnet := BuildDotnet(t)
	pipe := dotnet.Pipe(t)
	t.Run("recorded", func(t *testing.T) { readsRecorded(t, pipe) })
	t.Run("differential", func(t *testing.T) { differential(t, dotnet, pipe) })
	t.Run("damaged", func(t *testing.T) { damagedAlike(t, pipe) })
	t.Run("insertions", func(t *testing.T) { insertionsAlike(t, pipe) })
}

// differential exchanges random tokens with the C# program: what Go writes
// it reads, what it writes Go reads, and all fields must be the same, times to
// 100 ns. The inner bytes must be the same, too, and so must chunks.
//
// The tokens of a run follow from its seed, which it prints; WEBFARM_SEED
// repeats a run.
func differential(t *testing.T, dotnet *Dotnet, pipe *Pipe) {
	seed := seed.Fresh(t)
	batches := differentialBatches / share.OneIn(t, 40)
	sites := random{rand.New(rand.NewPCG(seed, 0))}.sites()
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
	pipes := []*Pipe{pipe}
	for len(pipes) < min(runtime.GOMAXPROCS(0), 4, 1+batches/20) {
		pipes = append(pipes, dotnet.Pipe(t))
	}
	for _, pipe := range pipes {
		e := &exchange{t: t, pipe: pipe, counts: counts{}}
		for i := range sites {
			e.open(&sites[i])
		}
		wg.Go(func() {
			for n := range numbers {
				e.random = random{rand.New(rand.NewPCG(seed, uint64(n)))}
				if err := e.batch(fmt.Sprintf("batch %d", n)); err != nil {
					t.Error(err)
					for range numbers { // nobody else takes them
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			most := max(total["most chunks"], e.counts["most chunks"])
			for name, n := range e.counts {
				total[name] += n
			}
			total["most chunks"] = most
		})
	}
	wg.Wait()
	took := time.Since(start)
	for _, kind := range []string{"fedauth", "forms", "katana"} {
		t.Logf("%-7s %5d tokens from Go read in C#, %5d from C# read in Go, %5d inner bytes equal",
			kind, total[kind+" to C#"], total[kind+" to Go"], total[kind+" bytes"])
		if total[kind+" to C#"] == 0 || total[kind+" to C#"] != total[kind+" to Go"] {
			t.Errorf("%s: not in both directions alike", kind)
		}
	}
	if batches == differentialBatches { // a share may lack what is rare
		total.wantAllFields(t)
	}
	t.Logf("forms   %5d tickets too long for .NET to read, on both sides", total["forms too long"])
	t.Logf("chunks  %5d cookies cut alike, of up to %d chunks; %d of more than %d or of more than %d characters left out",
		total["cut"], total["most chunks"], total["too large"], chunks.MaxChunks, chunks.MaxLength)
	tokens := batches * differentialBatch
	t.Logf("%d tokens, %d differences, %d machine keys, %v, %.0f tokens a second, each both ways",
		tokens, total["differences"], len(sites), took.Round(time.Millisecond),
		float64(tokens)/took.Seconds())
}

type counts map[string]int

// wantAllFields fails unless every field came up with something in it, and
// every one that can be empty came up empty.
func (c counts) wantAllFields(t *testing.T) {
	for _, name := range strings.Fields(`id contextId keyGeneration endpointId context key validFrom validTo keyEffective keyExpires persistent
		secureConversation identity label nameType roleType bootstrapText bootstrapBytes bootstrapToken claim value valueType issuer
		originalIssuer property propertyValue actor version name issued expires userData path ticketProperty ticketValue`) {
		if c["field "+name] == 0 {
			t.Errorf("no token with %s", name)
		}
	}
	for _, name := range strings.Fields("keyGeneration endpointId context key persistent identity label claim value actor name userData path ticketValue") {
		if c["no "+name] == 0 {
			t.Errorf("no token without %s", name)
		}
	}
}

// exchange is one worker with its own C# process.
type exchange struct {
	random
	t      *testing.T
	pipe   *Pipe
	opened []*openSite
	counts counts
}

// openSite is a site with its codecs, which both sides know.
type openSite struct {
	*site
	session  *sessiontoken.SessionCodec
	forms    *sessiontoken.FormsCodec
	katana   *sessiontoken.KatanaCodec
	purposes []string
	now      time.Time // of the codecs' clock
}

func (e *exchange) open(s *site) {
	e.t.Helper()
	key, err := machinekey.New(s.config)
	if err != nil {
		e.t.Fatalf("%v: %v", s.key, err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		e.t.Fatal(err)
	}
	o := &openSite{site: s,
		purposes: []string{"Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware",
			"ApplicationCookie", "v1"}}
	clock := func() time.Time { return o.now }
	if o.forms, err = sessiontoken.NewFormsCodec(ring,
		&sessiontoken.FormsOptions{Protection: s.protection, Now: clock}); err != nil {
		e.t.Fatal(err)
	}
	if !s.formsOnly {
		if o.session, err = sessiontoken.NewSessionCodec(ring,
			&sessiontoken.SessionOptions{Now: clock}); err != nil {
			e.t.Fatal(err)
		}
		if o.katana, err = sessiontoken.NewKatanaCodec(ring, sessiontoken.Purposes(o.purposes...),
			&sessiontoken.KatanaOptions{InsecureNoExpiry: true, Now: clock}); err != nil {
			e.t.Fatal(err)
		}
	}
	known := s.key.message(s.name, "protection", string(s.protection))
	if answers, err := e.pipe.Call(known); err != nil || answers[0].Verb != "ok" {
		e.t.Fatalf("the key %v: %v, %v", s.key, answers, err)
	}
	e.opened = append(e.opened, o)
}

// katanaRequest begins a request about a ticket of Katana.
func (s *openSite) katanaRequest(verb string, more ...string) *Message {
	m := NewMessage(verb, "kind", "owin", "key", s.name, "format", "3")
	for _, p := range s.purposes {
		m.Add("purpose", p)
	}
	m.Fields = append(m.Fields, NewMessage("", more...).Fields...)
	return m
}

// question is a request to the C# program and what must come of the answer:
// "" or what is wrong with it.
type question struct {
	count   string // what one more of is counted if all is well
	request *Message
	check   func(answer *Message) string
}

// batch makes tokens, asks about all of them at once and checks the answers.
func (e *exchange) batch(name string) error {
	var questions []question
	for i := range differentialBatch {
		site := pick(e.random, e.opened)
		kind := e.IntN(100)
		var more []question
		var err error
		switch {
		case kind < shareSession && site.session != nil:
			more, err = e.askSession(site, e.session())
		case kind < shareSession+shareKatana && site.katana != nil:
			more, err = e.askKatana(site, e.katana())
		default:
			more, err = e.askForms(site, e.forms())
		}
		if err != nil {
			return fmt.Errorf("%s, token %d under %s, %s, %v: in Go: %w", name, i,
				site.key.Validation, site.key.Decryption, site.config.Mode, err)
		}
		questions = append(questions, more...)
	}
	requests := make([]*Message, len(questions))
	for i, q := range questions {
		requests[i] = q.request
	}
	answers, err := e.pipe.Call(requests...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i, q := range questions {
		if strings.HasSuffix(q.count, " to Go") {
			for _, f := range q.request.Fields {
				if f.Value != "" && f.Value != "0" {
					e.counts["field "+f.Name]++
				} else {
					e.counts["no "+f.Name]++
				}
			}
		}
		wrong := ""
		if answers[i].Verb != "ok" {
			wrong = answers[i].Get("type") + " " + answers[i].Get("message")
		} else {
			wrong = q.check(answers[i])
		}
		if wrong == "" {
			e.counts[q.count]++
		} else if e.counts["differences"]++; e.counts["differences"] < 5 {
			e.t.Errorf("%s, question %d (%s): %s", name, i, q.count, wrong)
		}
	}
	return nil
}

// sameFields checks an answer against the fields that add makes.
func sameFields(add func(*Message)) func(*Message) string {
	want := NewMessage("")
	add(want)
	return func(answer *Message) string { return difference(answer.Fields, want.Fields) }
}

// sameText checks an answer of one field.
func sameText(name, want string) func(*Message) string {
	return sameFields(func(m *Message) { m.Add(name, want) })
}

// readBy checks an answer that is the text of a cookie: what read makes of it
// must have the fields of want.
func readBy(want func(*Message), read func(text string) (func(*Message), error)) func(*Message) string {
	same := sameFields(want)
	return func(answer *Message) string {
		add, err := read(answer.Get("text"))
		if err != nil {
			return "in Go: " + err.Error()
		}
		got := NewMessage("")
		add(got)
		return same(got)
	}
}

func (e *exchange) askSession(s *openSite, token *sessiontoken.Token) ([]question, error) {
	ctx := context.Background()
	text, err := s.session.Encode(ctx, token)
	if err != nil {
		return nil, err
	}
	document, err := tokentest.Marshal(wif.V45, token)
	if err != nil {
		return nil, err
	}
	fields := func(m *Message) { addSession(m, token) }
	write, inner := NewMessage("write", "kind", "fedauth", "key", s.name), NewMessage("bytes",
		"kind", "fedauth")
	fields(write)
	fields(inner)
	questions := []question{
		{"fedauth to C#", NewMessage("read", "kind", "fedauth", "key", s.name, "text", text),
			sameFields(fields)},
		{"fedauth to Go", write, readBy(fields, func(text string) (func(*Message), error) {
			s.now = token.ValidFrom
			got, err := s.session.Decode(ctx, text)
			return func(m *Message) { addSession(m, got) }, err
		})},
		{"fedauth bytes", inner, sameText("hex", strings.ToUpper(hex.EncodeToString(document)))},
	}
	if e.chance(20) {
		size := pick(e.random, []int{1000, 1001, 2000, 3000, 3900})
		cut, err := chunks.WIF.Split(&http.Cookie{Name: "FedAuth", Value: text}, size)
		switch {
		case isTooLarge(err):
			e.counts["too large"]++
		case err != nil:
			return nil, err
		default:
			questions = append(questions, e.askChunks("wif", "FedAuth", text, size, cut)...)
		}
	}
	return questions, nil
}

func (e *exchange) askForms(s *openSite, ticket *sessiontoken.FormsTicket) ([]question, error) {
	ctx := context.Background()
	fields := func(m *Message) { addForms(m, ticket) }
	write := NewMessage("write", "kind", "forms", "key", s.name)
	fields(write)
	text, err := s.forms.Encode(ctx, ticket)
	if errors.Is(err, layer.ErrTooLong) { // .NET issues such tickets and never reads them
		return []question{{"forms too long", write, func(answer *Message) string {
			if _, err := s.forms.Decode(ctx, answer.Get("text")); !errors.Is(err,
				layer.ErrTooLong) {
				return fmt.Sprintf("too long in Go, %d characters in C#: %v",
					len(answer.Get("text")), err)
			}
			return ""
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return []question{
		{"forms to C#", NewMessage("read", "kind", "forms", "key", s.name, "text", text), sameFields(fields)},
		{"forms to Go", write, readBy(fields, func(text string) (func(*Message), error) {
			s.now = ticket.Expiration
			got, err := s.forms.Decode(ctx, text)
			return func(m *Message) { addForms(m, got) }, err
		})},
	}, nil
}

func (e *exchange) askKatana(s *openSite, ticket *sessiontoken.KatanaTicket) ([]question, error) {
	ctx := context.Background()
	text, err := s.katana.Encode(ctx, ticket)
	if err != nil {
		return nil, err
	}
	inside, err := tokentest.MarshalKatana(ticket)
	if err != nil {
		return nil, err
	}
	fields := func(m *Message) { addKatana(m, ticket) }
	read, write, inner := s.katanaRequest("read", "text",
		text), s.katanaRequest("write"), NewMessage("bytes", "kind", "owin")
	fields(write)
	fields(inner)
	questions := []question{
		{"katana to C#", read,
			sameFields(func(m *Message) { fields(m); addKatanaTimes(m, ticket.Properties) })},
		{"katana to Go", write, readBy(fields, func(text string) (func(*Message), error) {
			s.now, _ = ticket.Properties.Time(sessiontoken.PropertyExpires)
			got, err := s.katana.Decode(ctx, text)
			return func(m *Message) { addKatana(m, got) }, err
		})},
		{"katana bytes", inner, sameText("hex", strings.ToUpper(hex.EncodeToString(inside)))},
	}
	if e.chance(40) {
		c := e.cookie(".AspNet.ApplicationCookie", text)
		cut, err := chunks.Katana.Split(c, 0)
		switch {
		case isTooLarge(err):
			e.counts["too large"]++
		case err != nil:
			return nil, err
		default:
			questions = append(questions, e.askChunks("katana", c.Name, text,
				katanaSuffix(c), cut)...)
		}
	}
	return questions, nil
}

// isTooLarge reports whether a text is too large for a set of cookies, where .NET
// has no limit.
func isTooLarge(err error) bool {
	return errors.Is(err, chunks.ErrTooManyChunks) || errors.Is(err, chunks.ErrTooLong)
}

// katanaSuffix is how long the attributes are as Katana prints them.
func katanaSuffix(c *http.Cookie) int {
	n := 0
	for _, part := range []struct {
		set  bool
		text string
	}{
		{c.Domain != "", "; domain=" + c.Domain}, {c.Path != "", "; path=" + c.Path},
		{!c.Expires.IsZero(), "; expires=Wed, 02-Jan-2030 03:04:05 GMT"}, {c.Secure, "; secure"},
		{c.HttpOnly, "; HttpOnly"},
	} {
		if part.set {
			n += len(part.text)
		}
	}
	return n
}

// askChunks asks C# to cut a text into the cookies that Go made of it, and to
// join those.
func (e *exchange) askChunks(scheme, name, text string, size int, cut []*http.Cookie) []question {
	cookies := func(m *Message) {
		for _, c := range cut {
			m.Add("cookie", c.Name)
			m.Add("value", c.Value)
		}
	}
	join := NewMessage("join", "scheme", scheme, "name", name)
	cookies(join)
	e.counts["most chunks"] = max(e.counts["most chunks"], len(cut))
	return []question{
		{"cut", NewMessage("split", "scheme", scheme, "name", name, "value", text, "size",
			strconv.Itoa(size)), sameFields(cookies)},
		{"joined", join, sameText("value", text)},
	}
}
