package main

import (
	"fmt"
	"strings"
)

// roles are the stages that a process runs.
type roles struct {
	ingest, scoring, sink, dashboard bool
}

// String lists the roles as --roles takes them.
func (r *roles) String() string {
	var names []string
	for _, role := range []struct {
		name string
		on   bool
	}{{"ingest", r.ingest}, {"scoring", r.scoring}, {"sink", r.sink}, {"dashboard", r.dashboard}} {
		if role.on {
			names = append(names, role.name)
		}
	}
	return strings.Join(names, ",")
}

// Set reads a comma-separated list.
func (r *roles) Set(list string) error {
	*r = roles{}
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "ingest":
			r.ingest = true
		case "scoring":
			r.scoring = true
		case "sink":
			r.sink = true
		case "dashboard":
			r.dashboard = true
		default:
			return fmt.Errorf("there is no role %q: ingest, scoring, sink, dashboard", name)
		}
	}
	return nil
}
