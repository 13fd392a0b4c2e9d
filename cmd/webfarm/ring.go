package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// ringFlags are the flags of a subcommand that reads the key ring of ASP.NET Core.
type ringFlags struct {
	keys         string
	app          string
	certificates []string
	onRefresh    func(error) // RingOptions.OnRefresh
}

func (r *ringFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.keys, "keys", "", "`RING` of ASP.NET Core's Data Protection: its folder or file")
	flags.StringVar(&r.app, "app", "", "application `NAME` that the .NET nodes pass to SetApplicationName")
	flags.StringArrayVar(&r.certificates, "certificate", nil, "PEM `FILE` of a certificate and its private key, with which the ring is encrypted; repeat it")
}

// open reads the ring, nil if the flags name none. It follows its repository until the process
// ends.
func (r *ringFlags) open(ctx context.Context) (*dataprotection.Ring, error) {
	if r.keys == "" {
		if r.app != "" || len(r.certificates) > 0 {
			return nil, usageError("-app and -certificate go with -keys")
		}
		return nil, nil
	}
	o := dataprotection.RingOptions{ApplicationName: r.app, OnRefresh: r.onRefresh}
	for _, path := range r.certificates {
		c, err := readCertificate(path)
		if err != nil {
			return nil, setupError{fmt.Errorf("webfarm: -certificate %s: %w", path, err)}
		}
		o.Certificates = append(o.Certificates, c)
	}
	repository, closeRepository, err := openRepository(ctx, r.keys)
	if err != nil {
		return nil, err
	}
	ring, err := dataprotection.Open(ctx, repository, &o)
	if err != nil {
		closeRepository()
		return nil, setupError{fmt.Errorf("webfarm: -keys: %w", err)}
	}
	return ring, nil
}

// readCertificate reads a certificate and its private key from one file.
func readCertificate(path string) (tls.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tls.Certificate{}, withoutPath(err)
	}
	return tls.X509KeyPair(data, data)
}

// withoutPath returns the cause of an error of package os, whose text names the file again.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// openRepository opens the repository that a value of -keys names. The function returned closes it.
func openRepository(_ context.Context, keys string) (dataprotection.Repository, func(), error) {
	if _, err := os.Stat(keys); err != nil {
		return nil, nil, setupError{fmt.Errorf("webfarm: -keys %s: %w", keys, withoutPath(err))}
	}
	return dataprotection.Path(keys), func() {}, nil
}
