-- Behind worth.sql. The newest lines of a prospect's ledger for a product.
SELECT
    toString(criterion) AS criterion, points, half_life, decays_from,
    worth_at(points, half_life, decays_from, {at:DateTime64(3, 'UTC')}) AS worth_then, evidence, contact, person, at
FROM reasons
WHERE prospect = {key:String} AND product = {product:String} AND kafka_offset <= {upto:Int64}
ORDER BY kafka_offset DESC, line DESC
LIMIT {limit:UInt32}
