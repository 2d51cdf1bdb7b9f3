-- The lines before those of reasons.sql, added up.
SELECT toString(criterion) AS criterion, sum(points) AS points, count() AS lines, max(at) AS at
FROM (
    SELECT criterion, points, at
    FROM reasons
    WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
    ORDER BY kafka_offset DESC, line DESC
    LIMIT 9223372036854775807 OFFSET {limit:UInt32}
)
GROUP BY criterion
ORDER BY criterion
