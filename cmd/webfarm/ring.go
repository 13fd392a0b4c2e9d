package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/webfarm-go/webfarm/dataprotection"
)

// certificatePassword is the variable with the password of PFX files.
const certificatePassword = "WEBFARM_CERTIFICATE_PASSWORD"

// ringPatience bounds the first reading of a ring.
const ringPatience = 15 * time.Second

// ringFlags are the flags of a subcommand that reads the key ring of ASP.NET Core.
type ringFlags struct {
	keys         string
	app          string
	certificates []string
	passwordFile string
	keepAhead    time.Duration
	onRefresh    func(error) // RingOptions.OnRefresh
	given        []tls.Certificate
}

func (r *ringFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.keys, "keys", "", "")
	flags.StringVar(&r.app, "app", "", "")
	flags.StringArrayVar(&r.certificates, "certificate", nil, "")
	flags.StringVar(&r.passwordFile, "password-file", "", "")
}

// open reads the ring, nil if the flags name none. It follows its repository until the process
// ends.
func (r *ringFlags) open(ctx context.Context) (*dataprotection.Ring, error) {
	if r.keys == "" {
		if r.app != "" || len(r.certificates) > 0 || r.passwordFile != "" {
			return nil, usageError("-app and -certificate go with -keys")
		}
		return nil, nil
	}
	o := dataprotection.RingOptions{ApplicationName: r.app, KeepAhead: r.keepAhead,
		OnRefresh: r.onRefresh}
	password, err := r.password()
	if err != nil {
		return nil, setupError{fmt.Errorf("webfarm: -password-file: %w", err)}
	}
	for _, path := range r.certificates {
		c, err := readCertificate(path, password)
		if err != nil {
			return nil, setupError{fmt.Errorf("webfarm: -certificate %s: %w", path, err)}
		}
		o.Certificates = append(o.Certificates, c)
	}
	r.given = o.Certificates
	if r.keepAhead > 0 {
		if err := writable(r.keys); err != nil {
			return nil, setupError{fmt.Errorf("webfarm: -keep-ahead: %w", err)}
		}
	}
	repository, closeRepository, err := openRepository(r.keys)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, ringPatience)
	defer cancel()
	ring, err := dataprotection.Open(ctx, repository, &o)
	if err != nil {
		closeRepository()
		return nil, setupError{fmt.Errorf("webfarm: -keys: %w", err)}
	}
	if r.keepAhead > 0 {
		if _, err = ring.Keep(ctx, r.keepAhead, 0); err != nil {
			closeRepository()
			return nil, setupError{fmt.Errorf("webfarm: -keep-ahead: %w", err)}
		}
	}
	return ring, nil
}

// writable returns why a folder or file takes no further key. A server tells with the first one.
func writable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is one document, to which nothing is added; use a folder", path)
	}
	probe, err := os.CreateTemp(path, "webfarm-*.tmp")
	if err != nil {
		return fmt.Errorf("no key can be written to %s: %w", path, withoutPath(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// has reports whether a certificate is among those given.
func (r *ringFlags) has(c *x509.Certificate) bool {
	return slices.ContainsFunc(r.given,
		func(g tls.Certificate) bool { return bytes.Equal(g.Certificate[0], c.Raw) })
}

// password returns that of the PFX files: the file's text without the end of its line.
func (r *ringFlags) password() (string, error) {
	if r.passwordFile == "" {
		return os.Getenv(certificatePassword), nil
	}
	text, err := os.ReadFile(r.passwordFile)
	return string(bytes.TrimRight(text, "\r\n")), err
}

// readCertificate reads a certificate and its private key from a PEM or PFX file.
func readCertificate(path, password string) (tls.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return tls.Certificate{}, withoutPath(err)
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		switch {
		case bytes.Contains(data, []byte("ENCRYPTED")):
			err = errors.New("the private key has a password, which only a PFX file may have; " +
				"\"openssl pkey\" decrypts it")
		case !bytes.Contains(data, []byte("PRIVATE KEY-----")):
			err = errors.New("the file has no private key; append it")
		case !bytes.Contains(data, []byte("-----BEGIN CERTIFICATE-----")):
			err = errors.New("the file has a private key and no certificate; append it")
		default:
			return tls.X509KeyPair(data, data)
		}
		return tls.Certificate{}, err
	}
	key, first, others, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		fault := "the password is wrong"
		if password == "" {
			fault = "the file needs its password"
		}
		return tls.Certificate{}, errors.New(fault + ": -password-file or " + certificatePassword)
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("neither PEM nor a PFX file that opens: %w", err)
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, errors.New("a private key that cannot sign")
	}
	public, ok := private.Public().(interface{ Equal(crypto.PublicKey) bool })
	for _, c := range append([]*x509.Certificate{first}, others...) {
		if ok && public.Equal(c.PublicKey) {
			return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}, nil
		}
	}
	return tls.Certificate{}, errors.New("no certificate for its private key")
}

// withoutPath returns the cause of an error of package os, whose text names the file again.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
