package embedded

import (
	"os"
	"testing"
)

// These make the test binary a process that a test kills. Their value is the
// directory it works in.
const (
	killedProducer = "LEADD_TEST_KILLED_PRODUCER"
	killedParent   = "LEADD_TEST_KILLED_PARENT"
)

func TestMain(m *testing.M) {
	ChildIfAsked()
	if dir := os.Getenv(killedProducer); dir != "" {
		produceUntilKilled(dir)
	}
	if dir := os.Getenv(killedParent); dir != "" {
		runEngineUntilKilled(dir)
	}
	os.Exit(m.Run())
}
