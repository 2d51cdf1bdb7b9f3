-- Behind worth.sql. Where some prospects stand for a product, or for every one
-- that has judged them, at a time; one not before their newest contact, nor
-- what lies behind it on Kafka, so that everything tells of one moment.
,
heads AS (
    SELECT prospect, max(kafka_offset) AS newest, greatest(max(at), {at:DateTime64(3, 'UTC')}) AS seen_at
    FROM contacts
    WHERE prospect IN {keys:Array(String)} AND kafka_offset <= {upto:Int64}
    GROUP BY prospect
),
verdicts AS (
    SELECT
        prospect,
        toString(product) AS of_product,
        any(heads.seen_at) AS seen,
        toString(argMax(stage, kafka_offset)) AS newest_stage,
        argMax(falls_at, kafka_offset) AS newest_falls_at,
        arrayMap(s -> toString(s), argMax(falls_to, kafka_offset)) AS newest_falls_to,
        toString(argMax(criteria, kafka_offset)) AS newest_criteria,
        argMax(as_of, kafka_offset) AS judged_at
    FROM scores INNER JOIN heads USING (prospect)
    WHERE prospect IN {keys:Array(String)} AND (empty({products:Array(String)}) OR product IN {products:Array(String)}) AND kafka_offset <= heads.newest
    GROUP BY prospect, of_product
),
ledgers AS (
    SELECT prospect, toString(product) AS of_product, sum(worth_at(points, half_life, decays_from, heads.seen_at)) AS worth
    FROM reasons INNER JOIN heads USING (prospect)
    WHERE prospect IN {keys:Array(String)} AND (empty({products:Array(String)}) OR product IN {products:Array(String)}) AND kafka_offset <= heads.newest
    GROUP BY prospect, of_product
)
SELECT
    prospect AS key, of_product, seen, newest_stage, newest_falls_at, newest_falls_to, newest_criteria, judged_at,
    ifNull(ledgers.worth, 0) AS score
FROM verdicts LEFT JOIN ledgers USING (prospect, of_product)
ORDER BY key, of_product
