package farm

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Field is one named text of a [Message].
type Field struct{ Name, Value string }

// Message is a request to the C# program or its answer: a verb and fields in
// an order that counts. As a line:
//
//	verb TAB name=value TAB name=value ... LF
//
// with \\, \t, \n and \r for what a line cannot hold.
type Message struct {
	Verb   string
	Fields []Field
}

// NewMessage returns a message with fields from pairs of name and value.
func NewMessage(verb string, pairs ...string) *Message {
	m := &Message{Verb: verb}
	for i := 0; i+1 < len(pairs); i += 2 {
		m.Add(pairs[i], pairs[i+1])
	}
	return m
}

// Add appends a field.
func (m *Message) Add(name, value string) { m.Fields = append(m.Fields, Field{name, value}) }

// Get returns the first value under a name, or "".
func (m *Message) Get(name string) string {
	for _, f := range m.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// appendLine appends m as a line.
func (m *Message) appendLine(dst []byte) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	dst = append(dst, m.Verb...)
	for _, f := range m.Fields {
		dst = append(append(append(append(dst, '\t'), f.Name...), '='), escape.Replace(f.Value)...)
	}
	return append(dst, '\n')
}

// parseLine reads a line, without its end.
func parseLine(line string) (*Message, error) {
	unescape := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")
	verb, rest, more := strings.Cut(line, "\t")
	m := &Message{Verb: verb}
	for more {
		var field string
		field, rest, more = strings.Cut(rest, "\t")
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("farm: field without a name in an answer: %.80q", field)
		}
		m.Add(name, unescape.Replace(value))
	}
	return m, nil
}

// lines is a program that answers lines, one after the other. It is for one
// goroutine at a time.
type lines struct {
	*Process
	in  io.WriteCloser
	out *bufio.Reader
}

func startLines(t testing.TB, name string, cmd *exec.Cmd) *lines {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("farm: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatalf("farm: %v", err)
	}
	cmd.Stdout = w
	l := &lines{Start(t, name, cmd), in, bufio.NewReaderSize(r, 1<<16)}
	w.Close()
	t.Cleanup(func() { in.Close(); r.Close() })
	return l
}

// exchange sends lines and returns as many answers as are wanted.
func (l *lines) exchange(send []byte, want int) ([][]byte, error) {
	sent := make(chan error, 1)
	go func() {
		_, err := l.in.Write(send)
		sent <- err
	}()
	answers := make([][]byte, want)
	for i := range answers {
		line, err := l.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("farm: answer %d of %d: %w", i+1, want, err)
		}
		answers[i] = line[:len(line)-1]
	}
	return answers, <-sent
}

// Pipe is the C# program answering requests.
type Pipe struct{ *lines }

// Pipe starts the program in its pipe mode.
func (d *Dotnet) Pipe(t testing.TB) *Pipe {
	t.Helper()
	return &Pipe{startLines(t, "the pipe", d.Command("pipe"))}
}

// Call sends requests and returns as many answers.
func (p *Pipe) Call(requests ...*Message) ([]*Message, error) {
	var send []byte
	for _, m := range requests {
		send = m.appendLine(send)
	}
	got, err := p.exchange(append(send, "flush\n"...), len(requests))
	if err != nil {
		return nil, err
	}
	answers := make([]*Message, len(requests))
	for i := range answers {
		if answers[i], err = parseLine(string(got[i])); err != nil {
			return nil, err
		}
	}
	return answers, nil
}
