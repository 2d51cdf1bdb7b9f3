// Package sink stores what leadd.scored and leadd.dead carry in ClickHouse:
// every record exactly once, whatever is killed at whatever moment, and
// readable without FINAL.
//
// # How a record is stored exactly once
//
// ClickHouse and Kafka share no transaction, so one rests on the other's
// memory. Of one partition, the records in [a, b) are stored in three steps:
//
//  1. Announce: offset a is committed with metadata that names b.
//  2. Insert: one block for each table, with the token "topic-partition:a-b".
//     A table remembers the tokens of its last 10,000 blocks and drops a block
//     whose token it knows.
//  3. Settle: offset b is committed.
//
// Whoever takes the partition over finds either a settled offset and goes on
// from there, or an announced range and repeats exactly that range: what was
// inserted before is dropped by its token, the rest is inserted now. Commits
// carry the consumer group's generation, so one who has lost the partition
// cannot announce; and an insert it still has under way is for a range that
// everybody after it repeats with the same token first.
//
// A commit's metadata also holds a random word that is part of the token. It
// keeps apart ranges of the same numbers where a topic was deleted and made
// anew beside tables that stayed.
//
// # Rivals
//
// A scorer that died, or lost its partition without noticing, may have written
// its records a second time. They carry the offset of the contact they came
// from, which rises along the topic except where a rival stands: a record
// whose contact's offset is not above the highest one seen is dropped. The
// metadata carries that highest offset too, so whoever repeats a range drops
// the same records.
//
// # Rows that the database refuses
//
// Where a table refuses a block because of what is in it, the block is
// narrowed down until the one record stands alone and becomes a dead letter.
// Each step is an insert of a part of the range with a token of its own, and
// is announced in the metadata before it is tried: whoever takes over goes on
// with that very step, so nothing is inserted in two different ways.
//
// # Dead letters
//
// A dead letter may be on its topic twice. So the table is asked which ids it
// holds before a block is inserted. That keeps the above intact: an id lives in
// one partition of the topic, and everything before the range is settled, so
// two who insert the same range either find the same ids or, when one's block
// has landed, the other finds all of it and inserts nothing.
package sink
