-- The newest lines of a prospect's ledger for a product.
SELECT toString(criterion) AS criterion, points, evidence, contact, person, at
FROM reasons
WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
ORDER BY kafka_offset DESC, line DESC
LIMIT {limit:UInt32}
