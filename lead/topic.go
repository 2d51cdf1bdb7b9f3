package lead

// The topics. Contacts, scored and prospects have the same keys (a
// prospect's) and the same number of partitions, so partition n of one
// belongs to partition n of the others.
const (
	TopicContacts  = "leadd.contacts"  // Contact, as accepted at a front door
	TopicScored    = "leadd.scored"    // Scored, one for every contact applied
	TopicProspects = "leadd.prospects" // compacted: "p/"+prospect key -> Prospect; "c/"+contact id -> Seen
	TopicCursors   = "leadd.cursors"   // compacted: mailbox name -> its position
	TopicNotices   = "leadd.notices"   // Notice, see its Key: what is to be fetched from senders' APIs
	TopicDead      = "leadd.dead"      // DeadLetter, keyed by its id
)

// Record is one record of a topic's partition.
type Record struct {
	Offset int64 // set when read
	Key    []byte
	Value  []byte // nil: a tombstone
}
