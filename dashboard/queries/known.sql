-- What a list shows of some prospects.
SELECT key, toString(name) AS name, toString(stage) AS stage, score, contacts, last_at
FROM prospects
WHERE key IN {keys:Array(String)}
