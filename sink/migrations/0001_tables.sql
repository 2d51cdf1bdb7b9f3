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
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, at, id)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- One row for every contact and product: where the prospect stood after it.
CREATE TABLE IF NOT EXISTS scores
(
    prospect String,
    product LowCardinality(String) COMMENT 'name of the criteria',
    contact String,
    as_of DateTime64(3, 'UTC') COMMENT 'time that stage and score speak of: that of the prospect''s latest contact',
    stage LowCardinality(String),
    score Int32,
    criteria LowCardinality(String) COMMENT 'version that judged it',
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, product, kafka_offset)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS reasons
(
    prospect String,
    product LowCardinality(String) COMMENT 'name of the criteria',
    contact String COMMENT 'id of the contact that is the evidence',
    line UInt16 COMMENT 'number of the line among those of one product and kafka_offset, from 0',
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
ORDER BY (prospect, product, kafka_offset, line)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS stage_changes
(
    prospect String,
    product LowCardinality(String) COMMENT 'name of the criteria',
    contact String COMMENT 'id of the contact that brought it about',
    line UInt16 COMMENT 'number of the change among those of one product and kafka_offset, from 0',
    source LowCardinality(String) COMMENT 'of that contact',
    from_stage LowCardinality(String),
    to_stage LowCardinality(String),
    at DateTime64(3, 'UTC'),
    rule String,
    evidence String,
    score Int32 COMMENT 'after the contact',
    criteria LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset Int64
)
ENGINE = MergeTree
ORDER BY (prospect, product, kafka_offset, line)
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

-- One row for every prospect and product, as of the prospect's newest contact.
CREATE VIEW IF NOT EXISTS prospects AS
SELECT c.key AS key, s.product AS product, s.stage AS stage, s.score AS score, s.criteria AS criteria,
    c.contacts AS contacts, c.first_at AS first_at, c.last_at AS last_at,
    c.first_source AS first_source, c.name AS name, c.domain AS domain
FROM
(
    SELECT
        prospect,
        product,
        argMax(stage, kafka_offset) AS stage,
        argMax(score, kafka_offset) AS score,
        argMax(criteria, kafka_offset) AS criteria
    FROM scores
    GROUP BY prospect, product
) AS s
INNER JOIN
(
    SELECT
        prospect AS key,
        count() AS contacts,
        min(at) AS first_at,
        max(at) AS last_at,
        argMin(source, (at, kafka_offset)) AS first_source,
        if(argMaxIf(company, kafka_offset, company != '') != '',
           argMaxIf(company, kafka_offset, company != ''),
           argMaxIf(contacts.name, kafka_offset, contacts.name != '')) AS name,
        argMaxIf(contacts.domain, kafka_offset, contacts.domain != '') AS domain
    FROM contacts
    GROUP BY prospect
) AS c ON c.key = s.prospect;
