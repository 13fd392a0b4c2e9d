package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/texts"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
)

// demo is the subcommand of that name.
type demo struct {
	listen string
	serve  bool
}

func (d *demo) define(flags *pflag.FlagSet) {
	flags.BoolVar(&d.serve, "serve", false, "")
	flags.StringVar(&d.listen, "listen", "127.0.0.1:0", "")
}

// maxDemo bounds the whole transcript.
const maxDemo = 30 * time.Second

func (d *demo) run(ctx context.Context, _ []string, s streams) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		return err
	}
	shared := sharedKeys{webConfigText(cfg), ringText(time.Now())}
	f, err := startFarm(shared, d.listen, log.New(s.err, "", 0))
	defer f.close()
	if err != nil {
		return fmt.Errorf("webfarm: cannot start the farm: %w", err)
	}

	story, err := newStory(f, shared)
	if err != nil {
		return err
	}
	play, cancel := context.WithTimeout(ctx, maxDemo)
	story.play(play)
	cancel()
	err = s.report(story, func() []byte { return story.text(d.serve) }, story.OK)
	if err != nil {
		return err
	}
	if d.serve {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the process at once
		if !s.json {
			fmt.Fprintln(s.out, "\nStopped.")
		}
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return f.shutdown(end)
}

// sharedKeys is all that the nodes share: the text of a web.config, and that of a key ring.
type sharedKeys struct{ webConfig, ring string }

func (s sharedKeys) openRing(ctx context.Context) (*dataprotection.Ring, error) {
	return dataprotection.Open(ctx, dataprotection.Document([]byte(s.ring)),
		&dataprotection.RingOptions{ApplicationName: demoApplication})
}

// demoApplication is what the nodes would pass to SetApplicationName.
const demoApplication = "webfarm demo"

//go:embed demo_ring.xml
var demoRing string

// ringText is a key ring of one new key with the default algorithms, for 90 days.
func ringText(now time.Time) string {
	var id [16]byte
	var master [64]byte
	rand.Read(id[:])
	rand.Read(master[:])
	return texts.Fill(demoRing,
		"id", fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		"begins", now.UTC().Format(time.RFC3339),
		"ends", now.UTC().AddDate(0, 0, 90).Format(time.RFC3339),
		"key", base64.StdEncoding.EncodeToString(master[:]))
}

// webConfigText is the web.config that all nodes of the farm have.
func webConfigText(cfg machinekey.Config) string {
	return "<configuration>\n  <system.web>\n    " + cfg.WebConfig() +
		"\n  </system.web>\n</configuration>\n"
}
