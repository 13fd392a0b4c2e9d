package machinekey_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
)

// A service follows the key of the farm: the new key protects from now on, the
// old one still reads.
func ExampleWatch() {
	dir, err := os.MkdirTemp("", "webfarm")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "web.config")
	deploy := func() { // stands for the operator
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			log.Fatal(err)
		}
		text := "<configuration><system.web>" + cfg.WebConfig() + "</system.web></configuration>"
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil { // complete or not at all
			log.Fatal(err)
		}
	}

	deploy()
	ring, err := machinekey.LoadRing(path)
	if err != nil {
		log.Fatal(err)
	}
	before := ring.Primary()
	changed := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go machinekey.Watch(ctx, ring, path, &machinekey.WatchOptions{
		Interval: 10 * time.Millisecond, // for the example
		OnChange: func(_, _ *machinekey.Key) { changed <- struct{}{} },
		OnError:  func(err error) { log.Print(err) },
	})

	deploy()
	<-changed
	fmt.Println("writes with the old key:", ring.Primary() == before)
	fmt.Println("reads with the old key: ", ring.Keys()[1] == before)
	// Output:
	// writes with the old key: false
	// reads with the old key:  true
}

// follow returns the ring of a service whose key file may change while it
// runs. The keys of the files in readOnly only read, until web.config holds
// one of them.
func follow(ctx context.Context, path string, readOnly ...string) (*machinekey.Ring, error) {
	ring, err := machinekey.LoadRing(path, readOnly...)
	if err != nil {
		return nil, err
	}
	go func() {
		err := machinekey.Watch(ctx, ring, path, &machinekey.WatchOptions{
			KeepFor: 12 * time.Hour, // longer than a session of the farm
			OnChange: func(old, now *machinekey.Key) {
				slog.Info("machine key changed", "old", old.ID(), "now", now.ID())
			},
			OnError: func(err error) { slog.Error("bad key file, the keys stay as they are", "err", err) },
		})
		slog.Info("the key file is not watched any more", "reason", err)
	}()
	return ring, nil
}

// forget leaves only the key of the file in the ring.
func forget(ring *machinekey.Ring, path string) error {
	cfg, err := machinekey.LoadWebConfig(path)
	if err != nil {
		return err
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		return err
	}
	return ring.Replace(key)
}

// A farm with .NET nodes changes its key: the service knows the next key for
// reading, then web.config has it. After a leak, the old one goes at once.
func ExampleWatch_farm() {
	file, err := os.CreateTemp("", "*.config")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(file, "<configuration><system.web>", cfg.WebConfig(),
		"</system.web></configuration>")
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	leaked, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	old, err := machinekey.New(leaked)
	if err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the example ends at once
	ring, err := follow(ctx, file.Name())
	if err != nil {
		log.Fatal(err)
	}
	if err := ring.Replace(ring.Primary(), old); err != nil {
		log.Fatal(err)
	}
	fmt.Println("keys:", len(ring.Keys()))
	if err := forget(ring, file.Name()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("keys:", len(ring.Keys()), "the old one:", slices.Contains(ring.Keys(), old))
	// Output:
	// keys: 2
	// keys: 1 the old one: false
}
