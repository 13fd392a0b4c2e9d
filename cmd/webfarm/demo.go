package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/machinekey"
)

func demoCommand() command {
	return command{"demo", "sign in on one node and be recognised by the other, without set-up", func(flags *pflag.FlagSet) action {
		d := new(demo)
		flags.BoolVar(&d.serve, "serve", false, "keep the farm running for a browser, until Ctrl-C")
		flags.StringVar(&d.listen, "listen", "127.0.0.1:0", "`ADDRESS` of the balancer; a free port of 127.0.0.1 if left out")
		flags.BoolVar(&d.json, "json", false, "print for machines")
		return noArguments(d.run)
	}}
}

// demo is the subcommand of that name.
type demo struct {
	listen      string
	serve, json bool
}

// maxDemo bounds the whole transcript.
const maxDemo = 30 * time.Second

func (d *demo) run(ctx context.Context, s streams) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		return err
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		return err
	}
	f, err := startFarm(webConfigText(cfg), d.listen, log.New(s.err, "", 0))
	if err != nil {
		return fmt.Errorf("webfarm: cannot start the farm: %w", err)
	}
	defer f.close()

	story, err := newStory(f, cfg, key)
	if err != nil {
		return err
	}
	play, cancel := context.WithTimeout(ctx, maxDemo)
	story.play(play)
	cancel()
	if d.json {
		err = writeJSON(s.out, story)
	} else {
		err = story.print(s.out, d.serve)
	}
	if err != nil {
		return err
	}
	if !story.OK {
		return errReported
	}
	if d.serve {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the process at once
		if !d.json {
			fmt.Fprintln(s.out, "\nStopped.")
		}
	}
	end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return f.shutdown(end)
}

// webConfigText is the web.config that all nodes of the farm have.
func webConfigText(cfg machinekey.Config) string {
	return "<configuration>\n  <system.web>\n    " + cfg.WebConfig() + "\n  </system.web>\n</configuration>\n"
}
