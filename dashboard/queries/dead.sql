-- Dead letters, newest first; sample is the beginning of what came in.
SELECT
    id, at, toString(stage) AS stage, toString(source) AS source, reason, origin,
    toValidUTF8(substring(raw, 1, 2000)) AS sample, length(raw) AS bytes, truncated,
    (SELECT count() FROM dead_letters) AS total
FROM dead_letters
ORDER BY at DESC, id
LIMIT {limit:UInt32} OFFSET {offset:UInt32}
