-- What leadd knows, as facts: nothing here is ever updated or deleted, and a
-- query needs no FINAL.
--
-- kafka_partition and kafka_offset are the contact's place on leadd.contacts
-- (for dead_letters: the letter's on leadd.dead). A prospect lives in one
-- partition, so kafka_offset is the order of everything that happened to it.
--
-- Every statement can be run again without harm. There is no partitioning:
-- mail dates are wild, and one block may touch at most 100 partitions.
-- non_replicated_deduplication_window is how many insert tokens a table
-- remembers; the sink's exactly-once rests on it. The fsync settings make an
-- answered insert outlive a power cut: the sink has moved on by then.

CREATE TABLE IF NOT EXISTS contacts
(
    id String,
    prospect String,
    source LowCardinality(String),
    kind LowCardinality(String),
    class LowCardinality(String),
    interest Bool COMMENT 'can show interest in buying: counts in the funnel',
    event LowCardinality(String),
    at DateTime64(3, 'UTC') COMMENT 'by the sender''s clock',
    received DateTime64(3, 'UTC'),
    email String,
    name String,
    phone String,
    title String,
    company String,
    domain String,
    campaign_source LowCardinality(String),
    campaign_medium LowCardinality(String),
    campaign_name LowCardinality(String),
    campaign_term LowCardinality(String),
    campaign_content LowCardinality(String),
    landing String,
    referrer String,
    subject String,
    text String CODEC(ZSTD(3)),
    field_names Array(String),
    field_keys Array(LowCardinality(String)),
    field_values Array(String),
    message_id String,
    in_reply_to String,
    attachments Array(String),
    finding_criteria Array(LowCardinality(String)),
    finding_words Array(String),
    finding_places Array(LowCardinality(String)),
    finding_starts Array(UInt32),
    finding_amounts Array(Float64),
    finding_currencies Array(LowCardinality(String)),
    finding_days Array(Nullable(Int32)),
    criteria LowCardinality(String) COMMENT 'version that judged it',
    stage LowCardinality(String) COMMENT 'of the prospect after this contact',
    score Int32 COMMENT 'of the prospect after this contact',
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, at, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS reasons
(
    prospect String,
    contact String COMMENT 'id of the contact that is the evidence',
    line UInt16 COMMENT 'number of the line among those of one kafka_offset, from 0',
    criterion LowCardinality(String),
    points Int32,
    evidence String,
    person String,
    at DateTime64(3, 'UTC'),
    criteria LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, kafka_offset, line)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS stage_changes
(
    prospect String,
    contact String COMMENT 'id of the contact that brought it about',
    source LowCardinality(String) COMMENT 'of that contact',
    from_stage LowCardinality(String),
    to_stage LowCardinality(String),
    at DateTime64(3, 'UTC'),
    rule String,
    evidence String,
    score Int32 COMMENT 'after the change',
    criteria LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, kafka_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS dead_letters
(
    id String,
    at DateTime64(3, 'UTC'),
    stage LowCardinality(String),
    source String,
    reason String,
    origin String,
    raw String CODEC(ZSTD(3)),
    truncated Bool,
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (at, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row for every prospect, as of its newest contact.
CREATE VIEW IF NOT EXISTS prospects AS
SELECT
    c.prospect AS key,
    argMax(c.stage, c.kafka_offset) AS stage,
    argMax(c.score, c.kafka_offset) AS score,
    argMax(c.criteria, c.kafka_offset) AS criteria,
    count() AS contacts,
    min(c.at) AS first_at,
    max(c.at) AS last_at,
    argMin(c.source, (c.at, c.kafka_offset)) AS first_source,
    if(argMaxIf(c.company, c.kafka_offset, c.company != '') != '',
       argMaxIf(c.company, c.kafka_offset, c.company != ''),
       argMaxIf(c.name, c.kafka_offset, c.name != '')) AS name,
    argMaxIf(c.domain, c.kafka_offset, c.domain != '') AS domain
FROM contacts AS c
GROUP BY c.prospect;
