package scoring

import (
	"cmp"
	"slices"

	"leadd/lead"
)

// authority is the criterion that is about a person and not about the company:
// everybody who meets it is noted.
const authority = "authority"

// another gives the bit of authority where it is met, but not yet by the
// contact's person.
func (t *turn) another(met uint64) uint64 {
	known := t.standing.Deciders
	if t.person == 0 || len(known) >= MaxPeople || slices.Contains(known, t.person) {
		return 0
	}
	return met & t.criteria.authority
}

// personNumber gives a person's number in Standing.Deciders: FNV-1a of what
// tells people apart best; 0 for somebody of whom nothing of that is known.
func personNumber(p lead.Person) (n uint32) {
	key := cmp.Or(p.Email, p.Phone, p.Name)
	if key == "" {
		return 0
	}
	n = 2166136261
	for i := range len(key) {
		n = (n ^ uint32(key[i])) * 16777619
	}
	return n
}
