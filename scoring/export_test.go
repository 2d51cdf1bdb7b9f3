package scoring

import "time"

// SetIdle sets the time between looks for rivals while nothing comes in.
func (s *Stage) SetIdle(d time.Duration) { s.idle = d }
