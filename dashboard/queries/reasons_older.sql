-- Behind worth.sql. The lines before those of reasons.sql, added up.
SELECT toString(criterion) AS criterion, sum(given) AS given_in_all, sum(then) AS worth_in_all, count() AS lines, max(at) AS at
FROM (
    SELECT criterion, points AS given, worth_at(points, half_life, decays_from, {at:DateTime64(3, 'UTC')}) AS then, at
    FROM reasons
    WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
    ORDER BY kafka_offset DESC, line DESC
    LIMIT 9223372036854775807 OFFSET {limit:UInt32}
)
GROUP BY criterion
ORDER BY criterion
