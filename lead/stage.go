package lead

import "fmt"

// Stage is how far a prospect has come. The zero Stage is StageContact.
// Stages are ordered: contact < lead < opportunity < customer; lost stands
// beside them and is reached from any.
type Stage uint8

// The stages, in the order of the funnel.
const (
	StageContact     Stage = iota // has touched us, nothing more is known
	StageLead                     // may buy
	StageOpportunity              // is very likely to buy
	StageCustomer                 // has signed
	StageLost                     // has declined
)

var stageNames = [...]string{"contact", "lead", "opportunity", "customer", "lost"}

// Stages lists every stage in funnel order, lost last.
func Stages() []Stage {
	return []Stage{StageContact, StageLead, StageOpportunity, StageCustomer, StageLost}
}

// ParseStage reads a stage's name as String writes it.
func ParseStage(s string) (Stage, error) {
	for i, name := range stageNames {
		if s == name {
			return Stage(i), nil
		}
	}
	return 0, fmt.Errorf("no stage is named %q (contact, lead, opportunity, customer, lost)", s)
}

// String gives the stage's name in lower case.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return fmt.Sprintf("stage(%d)", uint8(s))
}

// MarshalText writes the stage's name.
func (s Stage) MarshalText() ([]byte, error) {
	if int(s) >= len(stageNames) {
		return nil, fmt.Errorf("stage %d does not exist", uint8(s))
	}
	return []byte(stageNames[s]), nil
}

// UnmarshalText reads the stage's name.
func (s *Stage) UnmarshalText(b []byte) error {
	parsed, err := ParseStage(string(b))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
