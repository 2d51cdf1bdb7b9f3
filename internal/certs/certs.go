// Package certs reads the certificates that connections trust.
package certs

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Pool reads a file of PEM certificates to trust. Without a file it is nil,
// which stands for the system's.
func Pool(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}
