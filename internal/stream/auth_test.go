package stream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"

	"leadd/internal/stream"
	"leadd/lead"
)

// TestTLSAndSASL speaks to brokers that want encryption and a password.
func TestTLSAndSASL(t *testing.T) {
	cert, caFile := certificate(t)
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			name := map[string]string{"plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"}[mechanism]
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(name, "leadd", "right"),
				kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			use := func(password string) error {
				cfg := stream.DefaultConfig()
				cfg.Brokers = cluster.ListenAddrs()
				cfg.TLS = stream.TLSConfig{Enabled: true, CAFile: caFile}
				cfg.SASL = stream.SASLConfig{Mechanism: mechanism, User: "leadd", Password: password}
				c, err := stream.Dial(cfg, zerolog.Nop(), prometheus.NewRegistry())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := c.EnsureTopics(ctx); err != nil {
					return err
				}
				if err := c.Publish(ctx, lead.TopicDead, []byte("k"), []byte("v")); err != nil {
					return err
				}
				// A consumer group dials by itself.
				joined := make(chan struct{}, 8)
				ctx, stop := context.WithCancel(ctx)
				defer stop()
				return c.Group(ctx, "g", []string{lead.TopicDead}, func(ctx context.Context, _ *stream.Claim) error {
					joined <- struct{}{}
					stop()
					<-ctx.Done()
					return nil
				})
			}
			if err := use("right"); err != nil {
				t.Errorf("right password: %v", err)
			}
			if err := use("wrong"); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("wrong password: %v", err)
			}
		})
	}
}

// certificate makes a certificate for loopback, and the file to trust it by.
func certificate(t *testing.T) (cert tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}
