-- What a list shows of some prospects, their standing being that for a product.
WITH
standing AS (
    SELECT prospect, argMax(stage, kafka_offset) AS stage, argMax(score, kafka_offset) AS score
    FROM scores
    WHERE prospect IN {keys:Array(String)} AND product = {product:String}
    GROUP BY prospect
)
SELECT
    prospect AS key,
    if(argMaxIf(company, kafka_offset, company != '') AS newest_company != '',
        newest_company, argMaxIf(contacts.name, kafka_offset, contacts.name != '')) AS name,
    toString(ifNull(any(standing.stage), 'contact')) AS stage,
    ifNull(any(standing.score), 0) AS score,
    count() AS contacts,
    max(at) AS last_at
FROM contacts LEFT JOIN standing USING (prospect)
WHERE prospect IN {keys:Array(String)}
GROUP BY prospect
