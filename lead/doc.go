// Package lead is leadd's vocabulary: contact, prospect, stage, finding,
// reason, and how each is written on Kafka. Every other package speaks these
// words; this one imports none of them.
package lead
