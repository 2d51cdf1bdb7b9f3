// Package scoring turns contacts into stages: the criteria file, the pure
// engine that judges a prospect by it, and the stage that runs the engine over
// one partition of Kafka and keeps its state.
//
// The engine is a pure function: (state, contact, findings, criteria) gives
// (state, changes). It knows no clock, no network and no map order, so the
// same contacts give the same bytes on every machine.
package scoring
