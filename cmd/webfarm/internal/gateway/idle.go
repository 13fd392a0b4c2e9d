package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// The server bounds the time of a whole request and answer. That suits requests that the gateway
// answers itself. A body that is passed on has no such bound, but must keep moving:
//
//	client ──▶ clientBody ──▶ service ──▶ serviceBody ──▶ clientWriter ──▶ client
//
// Each of the three waits for Limits.BodyIdle at most. The time before the service answers a whole
// request is not bounded.

// errServiceIdle ends a request whose service stops reading or writing.
var errServiceIdle = errors.New("gateway: the service does not go on with a body")

// clientBody is the body of a request that is passed on.
type clientBody struct {
	io.ReadCloser
	client *http.ResponseController
	idle   time.Duration
	unread *time.Timer // ends the request if the service stops reading

	reading sync.Mutex // held by a Read
	mu      sync.Mutex // guards what follows
	wait    time.Duration
	begun   bool // the service reads
	whole   bool // the end was read
	left    bool // no more reads are allowed
	late    bool // the client sent nothing in time
	answers bool // the service answers, and may leave the rest unread
}

// newClientBody takes the body of r, which may be empty. Its first bytes have the time of a request
// that the gateway answers itself.
func newClientBody(r *http.Request, client *http.ResponseController, l Limits, end context.CancelCauseFunc) *clientBody {
	b := &clientBody{ReadCloser: r.Body, client: client, idle: l.BodyIdle,
		wait: min(l.request(), l.BodyIdle), whole: r.ContentLength == 0}
	if b.whole {
		client.SetReadDeadline(time.Time{})
	}
	b.unread = time.AfterFunc(time.Hour, func() { end(errServiceIdle) })
	b.unread.Stop()
	return b
}

// Read has a deadline of its own. A pause between two reads is the service's.
func (b *clientBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.mu.Lock()
	if b.left {
		b.mu.Unlock()
		return 0, http.ErrBodyReadAfterClose
	}
	b.unread.Stop()
	if !b.whole {
		b.client.SetReadDeadline(time.Now().Add(b.wait))
	}
	if !b.begun { // the server may have to write 100 Continue
		b.client.SetWriteDeadline(time.Now().Add(b.wait))
		b.begun = true
	}
	b.mu.Unlock()

	n, err := b.ReadCloser.Read(p)

	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.wait = b.idle
		if !b.left && !b.answers {
			b.unread.Reset(b.idle)
		}
	case err == io.EOF:
		// From here on the server reads, to notice when the client leaves.
		b.whole = true
		b.client.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.late = !b.left
	}
	return n, err
}

// Close does nothing. net/http would read on and wait for the client.
func (b *clientBody) Close() error { return nil }

// outstanding reports whether part of the body is unread.
func (b *clientBody) outstanding() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.whole
}

// isLate reports whether the client sent nothing in time.
func (b *clientBody) isLate() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.late
}

// answered notes that the service answers. It may then stop reading.
func (b *clientBody) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = true
	b.unread.Stop()
}

// leave ends the reading, and waits for a Read under way. net/http would remove its deadline and
// wait forever. The client's data is still read for the time of linger, to let it see the answer.
func (b *clientBody) leave(linger time.Duration) {
	b.mu.Lock()
	b.left = true
	b.unread.Stop()
	if !b.whole {
		b.client.SetReadDeadline(time.Unix(1, 0))
	}
	b.mu.Unlock()
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.outstanding() {
		b.client.SetReadDeadline(time.Now().Add(linger))
	}
}

// serviceBody is the body of an answer of the service.
type serviceBody struct {
	io.ReadCloser
	idle   time.Duration
	silent *time.Timer // ends the request if the service stops writing
}

func newServiceBody(body io.ReadCloser, idle time.Duration, end context.CancelCauseFunc) *serviceBody {
	b := &serviceBody{body, idle, time.AfterFunc(time.Hour, func() { end(errServiceIdle) })}
	b.silent.Stop()
	return b
}

func (b *serviceBody) Read(p []byte) (int, error) {
	b.silent.Reset(b.idle)
	defer b.silent.Stop()
	return b.ReadCloser.Read(p)
}

// clientWriter writes an answer of the service.
type clientWriter struct {
	http.ResponseWriter
	client *http.ResponseController
	idle   time.Duration
	body   *clientBody
}

// wait sets the deadline of the next write.
func (w *clientWriter) wait() { w.client.SetWriteDeadline(time.Now().Add(w.idle)) }

// WriteHeader closes the connection after an answer before the end of the request. The rest of the
// body must not become another request.
func (w *clientWriter) WriteHeader(status int) {
	if status >= 200 && w.body.outstanding() {
		w.Header().Set("Connection", "close")
	}
	w.wait()
	w.ResponseWriter.WriteHeader(status)
}

func (w *clientWriter) Write(p []byte) (int, error) {
	w.wait()
	return w.ResponseWriter.Write(p)
}

func (w *clientWriter) FlushError() error {
	w.wait()
	return w.client.Flush()
}

func (w *clientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
