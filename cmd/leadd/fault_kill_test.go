package main

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"leadd/internal/testenv"
)

// TestKillUnderLoad kills the daemon again and again while posts come in: at a
// random instant after a random number of acknowledgements, or while it is
// still starting. In the end every contact is in ClickHouse once, and every
// table as if nothing had happened.
func TestKillUnderLoad(t *testing.T) {
	testenv.ClickHouse(t)
	kills := scaled(20, 200)
	c := campaign{prospects: 5 * kills, each: 20}
	share := c.total() / kills
	config, addr := writeConfig(t, busyForm), freeAddr(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	for range kills {
		p := launchLeadd(t, "serve", "-c", config, "--listen", addr)
		if random.IntN(5) > 0 {
			before := int(load.acked.Load())
			load.release(share)
			load.awaitAcked(before + 1 + random.IntN(share*9/10))
			// What was acknowledged is scored and stored in the moments after.
			<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
		} else {
			<-time.After(time.Duration(random.IntN(1500)) * time.Millisecond)
		}
		p.kill()
	}

	p := startLeadd(t, "serve", "-c", config, "--listen", addr)
	load.finish()
	asUndisturbed(t, c, p.database())
	p.stop()

	// Started again, nothing is scored anew.
	p = startLeadd(t, "serve", "-c", config, "--listen", addr)
	if code, answer := p.post("/in/website", formType, leadForm("zoe", "last.example")); code != http.StatusOK {
		t.Fatalf("%d %s", code, answer)
	}
	awaitStored(t, p.database(), c.total()+1)
	if n := p.metric("leadd_scoring_contacts_total"); n != 1 {
		t.Errorf("after a restart and one post, %v contacts were scored", n)
	}
	p.stop()
}

// TestStopUnderLoad stops the daemon with SIGTERM while posts come in: it ends
// by itself, with exit code 0, within 10 seconds.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	testenv.ClickHouse(t)
	stops := scaled(4, 40)
	c := campaign{prospects: 25 * stops, each: 20}
	config, addr := writeConfig(t, busyForm), freeAddr(t)
	load := newCrowd(t, c, 20*time.Second, func(int) string { return "http://" + addr })
	for range stops {
		p := startLeadd(t, "serve", "-c", config, "--listen", addr)
		before := int(load.acked.Load())
		load.release(c.total() / stops)
		load.awaitAcked(before + c.total()/stops/2)
		p.stop()
	}
	p := startLeadd(t, "serve", "-c", config, "--listen", addr)
	load.finish()
	asUndisturbed(t, c, p.database())
	p.stop()
}
