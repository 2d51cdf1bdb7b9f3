-- What a list shows of some prospects, their stage being that for a product.
WITH
standing AS (
    SELECT
        prospect,
        argMax(
            toString(if(arrayCount(t -> t <= {at:DateTime64(3, 'UTC')}, falls_at) AS fallen = 0, stage, falls_to[fallen])),
            kafka_offset) AS now_at
    FROM scores
    WHERE prospect IN {keys:Array(String)} AND product = {product:String}
    GROUP BY prospect
)
SELECT
    prospect AS key,
    if(argMaxIf(company, kafka_offset, company != '') AS newest_company != '',
        newest_company, argMaxIf(contacts.name, kafka_offset, contacts.name != '')) AS name,
    ifNull(any(standing.now_at), 'contact') AS stage,
    count() AS contacts,
    max(at) AS last_at
FROM contacts LEFT JOIN standing USING (prospect)
WHERE prospect IN {keys:Array(String)}
GROUP BY prospect
