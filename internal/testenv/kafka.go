package testenv

import (
	"testing"

	"github.com/rs/zerolog"

	"leadd/internal/embedded"
)

// Kafka is the address of an embedded broker of the test's own.
func Kafka(t testing.TB) string {
	t.Helper()
	k, err := embedded.StartKafka(t.TempDir(), zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k.Addr()
}
