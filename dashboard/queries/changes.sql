-- The newest stage changes of a prospect for a product.
SELECT toString(from_stage) AS from, toString(to_stage) AS to, at, rule, evidence, contact, toString(source) AS source
FROM stage_changes
WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
ORDER BY kafka_offset DESC, line DESC
LIMIT {limit:UInt32}
