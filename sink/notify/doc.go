// Package notify sends out what becomes of prospects: each promotion and fall
// that lead.TopicScored carries goes, as a signed webhook or as a message for a
// chat, to the destinations configured.
//
// A destination is a consumer group of its own, so that one that is away holds
// up no other. The position is committed after the answer, so nothing is left
// out; what was sent in the moment before a crash is sent again, under the same
// webhook-id, by which a receiver tells that it has it.
package notify
